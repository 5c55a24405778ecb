"""What the host does to a request line and its headers."""

import pytest

from tests.processes import HostProcess
from tests.tools.functions_host.raw import connected, exchange, get

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("target", ["//", "//v1/models"])
async def test_two_slashes_at_the_start_are_an_empty_404(host: HostProcess, target: str) -> None:
    assert (await get(host, target)).is_empty(404)


@pytest.mark.parametrize("target", ["/", "/v1//models", "/v1/models/", "/api/x", "/~a!$&'()*+,;=:@b"])
async def test_other_paths_reach_the_app_unchanged(host: HostProcess, target: str) -> None:
    assert (await get(host, target)).json()["raw_path"] == target


@pytest.mark.parametrize(
    ("target", "raw_path", "path"),
    [
        ("/v1/a%2Fb", "/v1/a%252Fb", "v1/a%2Fb"),
        ("/v1/a%2fb", "/v1/a%252fb", "v1/a%2fb"),
        ("/v1/%C3%A9%20", "/v1/%C3%A9%20", "v1/\N{LATIN SMALL LETTER E WITH ACUTE} "),
        ("/v1/%41%25", "/v1/A%25", "v1/A%"),
        ("/v1/%FF", "/v1/%25FF", "v1/%FF"),
    ],
)
async def test_a_path_is_decoded_once_but_for_its_encoded_slashes(
    host: HostProcess, target: str, raw_path: str, path: str
) -> None:
    seen = (await get(host, target)).json()
    assert seen["raw_path"] == raw_path
    assert seen["params"] == {"path": path}


@pytest.mark.parametrize(
    ("target", "raw_path"),
    [
        ("/v1/../x", "/x"),
        ("/v1/./x", "/v1/x"),
        ("/v1/%2e%2e/x", "/x"),
        ("/../../x", "/x"),
        ("/v1/x/..", "/v1/"),
        ("/v1/.hidden", "/v1/.hidden"),
    ],
)
async def test_dot_segments_are_resolved_before_the_app(host: HostProcess, target: str, raw_path: str) -> None:
    assert (await get(host, target)).json()["raw_path"] == raw_path


@pytest.mark.parametrize("target", ["/v1/\N{LATIN SMALL LETTER E WITH ACUTE}", "/v1/%00"])
async def test_raw_non_ascii_and_nul_are_an_empty_400(host: HostProcess, target: str) -> None:
    assert (await get(host, target)).is_empty(400)


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("code=secret&a=%2F+%C3%A9&&b&a=2", None),
        ("a[]=1&b='(;,:@!$*)~?", None),
        ('a={}|^`<>\\"#', "a=%7B%7D%7C%5E%60%3C%3E%5C%22%23"),
        ("%41%7e%7c%2f%zz", "A~%7C%2f%25zz"),
    ],
)
async def test_of_the_query_only_what_dotnet_writes_in_another_way_is_changed(
    host: HostProcess, query: str, seen: str | None
) -> None:
    assert (await get(host, f"/v1/models?{query}")).json()["query"] == (seen or query)


async def test_options_of_the_host_as_a_whole_reach_the_app_as_its_root(host: HostProcess) -> None:
    assert (await exchange(host, "OPTIONS", "*")).json()["raw_path"] == "/"


@pytest.mark.parametrize(
    "target",
    [
        *("/admin/host/status", "/admin/host/keys/x", "/admin/instance/info"),
        *("/admin/functions/x", "/admin/functions/x/keys", "/ADMIN/functions"),
        *("/runtime/webhooks/x", "/runtime/webhooks/x/y"),
    ],
)
async def test_the_hosts_own_paths_need_a_key_of_the_host(host: HostProcess, target: str) -> None:
    reply = await get(host, target)
    assert reply.is_empty(401)
    assert reply.one("www-authenticate") == "Bearer"


@pytest.mark.parametrize("target", ["/admin/host/drain", "/admin/host/resume"])
async def test_a_path_of_the_host_is_its_own_for_one_method_only(host: HostProcess, target: str) -> None:
    assert (await exchange(host, "POST", target)).is_empty(401)
    assert (await get(host, target)).json()["raw_path"] == target


async def test_anybody_may_ping_the_host(host: HostProcess) -> None:
    reply = await get(host, "/admin/host/ping")
    assert reply.is_empty(200)
    assert reply.one("cache-control") == "no-store,no-cache"
    assert (await get(host, "/admin/vfs/x")).is_empty(401)


@pytest.mark.parametrize(
    "target",
    [
        *("/admin/x", "/admin", "/admin/host", "/admin/host/x", "/administrators"),
        *("/runtime/x", "/runtime/webhooks", "/runtime/mine"),
    ],
)
async def test_every_other_admin_and_runtime_path_reaches_the_catch_all(host: HostProcess, target: str) -> None:
    assert (await get(host, target)).json()["raw_path"] == target


@pytest.mark.parametrize("name", ["refused_admin", "refused_runtime"])
async def test_a_function_whose_own_route_is_reserved_is_refused_at_load(host: HostProcess, name: str) -> None:
    await host.wait_for_output(f"The '{name}' function is in error: the specified route conflicts")


async def test_an_unlisted_method_is_an_empty_404_without_allow(host: HostProcess) -> None:
    reply = await exchange(host, "PATCH", "/v1/models", "Content-Length: 2", body=b"{}")
    assert reply.is_empty(404)
    assert reply.one("allow") is None
    assert reply.one("server") == "Kestrel"
    assert reply.one("date") is not None


async def test_the_more_specific_route_goes_first(host: HostProcess) -> None:
    assert (await get(host, "/items/7")).json() == {"function": "item", "params": {"id": "7"}}


async def test_a_method_that_a_specific_route_does_not_list_falls_to_the_next(host: HostProcess) -> None:
    assert (await exchange(host, "DELETE", "/items/7")).json()["params"] == {"path": "items/7"}


async def test_the_clients_forwarding_headers_and_host_are_replaced(host: HostProcess) -> None:
    spoofed = ("X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1")
    seen = (await get(host, "/v1/models", *spoofed)).json()["headers"]
    assert sorted(pair for pair in seen if pair[0].startswith("x-forwarded-")) == [
        ["x-forwarded-for", "127.0.0.1"],
        ["x-forwarded-host", "public.example"],
        ["x-forwarded-port", "1"],
        ["x-forwarded-proto", "http"],
    ]
    (worker,) = (value for name, value in seen if name == "host")
    assert worker.startswith("127.0.0.1:")
    assert worker not in host.url


async def test_hop_by_hop_headers_are_removed(host: HostProcess) -> None:
    removed = ("Connection: x", "Keep-Alive: 5", "TE: trailers", "Proxy-Authorization: Basic x", "Forwarded: for=x")
    seen = (await get(host, "/v1/models", *removed)).json()["headers"]
    assert {"connection", "keep-alive", "te", "proxy-authorization", "forwarded"}.isdisjoint(name for name, _ in seen)


async def test_the_wish_for_another_protocol_is_passed_on(host: HostProcess) -> None:
    seen = (await get(host, "/v1/models", "Connection: Upgrade", "Upgrade: websocket")).json()["headers"]
    assert ["upgrade", "websocket"] in seen
    assert ["connection", "Upgrade"] in seen


async def test_every_other_header_is_untouched_and_none_is_invented(host: HostProcess) -> None:
    kept = [
        ["authorization", "Bearer x"],
        ["api-key", "k"],
        ["x-functions-key", "f"],
        ["cookie", "a=1; b=2"],
        ["accept-encoding", "br"],
        ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        ["x-ms-client-request-id", "r"],
    ]
    seen = (await get(host, "/v1/models", *(f"{name}: {value}" for name, value in kept))).json()["headers"]
    invented = {"host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-ms-invocation-id"}
    assert [pair for pair in seen if pair[0] not in invented] == kept


async def test_repeated_headers_are_merged(host: HostProcess) -> None:
    seen = (await get(host, "/v1/models", "X-Tag: a", "X-Other: o", "x-tag: b")).json()["headers"]
    assert ["x-tag", "a, b"] in seen
    assert ["x-other", "o"] in seen


async def test_a_client_sent_invocation_id_is_overwritten(host: HostProcess) -> None:
    seen = (await get(host, "/v1/models", "x-ms-invocation-id: mine")).json()["headers"]
    (sent,) = (value for name, value in seen if name == "x-ms-invocation-id")
    assert sent != "mine"


async def test_a_non_ascii_header_value_is_an_empty_400(host: HostProcess) -> None:
    assert (await get(host, "/v1/models", "X-Name: \N{LATIN SMALL LETTER E WITH ACUTE}")).is_empty(400)


async def test_too_many_header_bytes_are_an_empty_431(host: HostProcess) -> None:
    assert (await get(host, "/v1/models", *(f"X-{number}: {'x' * 8000}" for number in range(5)))).is_empty(431)
    assert (await get(host, "/v1/models", *(f"X-{number}: x" for number in range(101)))).is_empty(431)


async def test_too_long_a_request_line_is_an_empty_414(host: HostProcess) -> None:
    assert (await get(host, f"/{'x' * 9000}")).is_empty(414)


@pytest.mark.parametrize(("host_header", "status"), [("Host: a\r\n", 200), ("", 500)])
async def test_an_answer_to_http_1_0_closes_the_connection(host: HostProcess, host_header: str, status: int) -> None:
    async with connected(host) as connection:
        connection.writer.write(f"GET /x HTTP/1.0\r\n{host_header}\r\n".encode())
        reply = await connection.reply()
        assert (reply.status, reply.one("connection")) == (status, "close")
        assert await connection.reader.read() == b""


async def test_a_404_of_the_host_for_head_has_no_length(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("HEAD", "//")
        head = await connection.head()
        assert (head.status, head.one("content-length")) == (404, None)


async def test_a_connection_serves_one_request_after_the_other(host: HostProcess) -> None:
    async with connected(host) as connection:
        for target in ("/one", "/two"):
            await connection.send("GET", target)
            assert (await connection.reply()).json()["raw_path"] == target
