"""What is at `/`, for browsers and for programs; tests/browser uses the page itself."""

import aiohttp
import pytest

from tests.processes import REPOSITORY, HostProcess, running_host

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FILES = sorted(path.name for path in (REPOSITORY / "proxy" / "front_page").iterdir())


async def test_a_program_reads_what_this_is(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as answer:
        assert answer.content_type == "text/plain"
        assert "Accept" in answer.headers["vary"]


async def test_a_browser_reads_a_page_that_no_other_page_may_show(http: aiohttp.ClientSession) -> None:
    async with http.get("/", headers=BROWSER) as answer:
        assert answer.content_type == "text/html"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/html, text/plain, text/sgml, text/css, */*;q=0.01", "text/html"),  # Lynx
        ("text/html, text/*;q=0.5, image/*, application/*", "text/html"),  # w3m
        ("TEXT/HTML ; charset=utf-8", "text/html"),
        ("application/xhtml+xml", "text/html"),  # old phones
        ("text/html;q=0.1", "text/html"),
        ("text/html; q=0, text/plain", "text/plain"),
        ("text/html;q=0.000", "text/plain"),
        ("*/*", "text/plain"),  # curl and the SDKs
        ("application/json", "text/plain"),
        ("", "text/plain"),
    ],
)
async def test_what_is_accepted_decides(http: aiohttp.ClientSession, accept: str, content_type: str) -> None:
    async with http.get("/", headers={"accept": accept}) as answer:
        assert answer.content_type == content_type


async def test_the_page_says_nothing_that_the_request_said(app: HostProcess) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(app.url, headers=BROWSER | {"host": "evil.example", "x-forwarded-host": "evil.example"}) as answer,
    ):
        assert "evil" not in await answer.text()


@pytest.mark.parametrize("name", FILES)
async def test_every_file_of_the_page_can_be_read_and_no_other(http: aiohttp.ClientSession, name: str) -> None:
    async with http.get(f"/front-page/{name}") as answer:
        assert answer.status == (404 if name == "index.html" else 200)
    async with http.get(f"/front-page/x{name}") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "unknown_url")


@pytest.mark.parametrize("path", ["/front-page/..%2fapp.py", "/front-page/../app.py", "/front-page/%2e%2e/app.py"])
async def test_no_path_leads_out_of_the_page(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as answer:
        assert answer.status == 404


async def test_a_client_reads_its_limits_with_its_key_alone(http: aiohttp.ClientSession) -> None:
    async with http.get("/usage") as answer:
        usage = await answer.json()
    assert usage["client"] == "tester"
    assert set(usage["limits"].values()) == {None}
    async with http.get("/usage", headers={"authorization": "Bearer sk-wrong"}) as answer:
        assert answer.status == 401


async def test_it_can_be_switched_off() -> None:
    settings = {"AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9", "AZURE_OPENAI_API_KEY": "k", "FRONT_PAGE": "false"}
    async with running_host(REPOSITORY, settings) as host, aiohttp.ClientSession(host.url) as http:
        async with http.get("/", headers=BROWSER) as answer:
            assert answer.content_type == "text/plain"
        async with http.get("/front-page/page.js") as answer:
            assert answer.status == 404
