"""What one client says, sends, gets and has as a key is in no log, span, metric, row, header or other client's answer.

Each of these is a word that is nowhere else. They go through all that the proxy does, the log of everything at DEBUG.
"""

import asyncio
import base64
import hashlib
import json
import logging
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableServiceClient

from proxy.app import build_application
from proxy.azure_services.table_store import EMULATOR, EMULATOR_KEY
from proxy.config.settings import Settings
from tests.fakes.collector import collecting
from tests.fakes.entra import FakeEntra
from tests.fakes.repeating_azure import BREAKS, FAILURES, HANGS, SAYS, RepeatingAzure
from tests.faults.client import Answer as InProcess
from tests.faults.client import ask as ask_in_process
from tests.faults.client import scope_of
from tests.integration.azurite import running_azurite
from tests.integration.canaries import found, unpacked, word
from tests.integration.several import FORGETFUL, SAME_NAMES, entry
from tests.processes import running_host
from tools.azure_openai_simulator import Simulator

LOUD = Path(__file__).parents[1] / "apps" / "loud"
WORDS = (
    *("prompt", "system", "output", "arguments", "tool", "picture", "file", "file name", "document", "user"),
    *("metadata", "query", "header", "path", "claim", "form", "cache key", "wrong key"),
)
# What the clients send and the proxy does not pass on.
KEPT = {"key", "poor key", "hasty key", "wrong key", "token", "query", "path", "claim", "output", "arguments"}


def key_of(name: str) -> str:
    """Return a key of a client, an operator or a resource."""
    return f"sk-{word(f'key of {name}')}"


# Keys of the operator; nobody may read them.
SECRETS = {name: key_of(name) for name in ("first", "second", "operator", "signing", "collector")}


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client, its words and its keys."""

    name: str
    token: str

    def says(self, name: str) -> str:
        """Return one of its words."""
        return word(f"{name} of {self.name}")

    @property
    def keys(self) -> dict[str, str]:
        """Its client keys: one that may do all, one without money and one that may ask once a minute."""
        return {
            "key": key_of(self.name),
            "poor key": key_of(f"poor {self.name}"),
            "hasty key": key_of(f"hasty {self.name}"),
        }

    @property
    def secrets(self) -> dict[str, str]:
        """All that is the client's own."""
        words = {f"{self.name}'s {name}": self.says(name) for name in WORDS}
        keys = {f"{self.name}'s {name}": key for name, key in self.keys.items()}
        return {**words, **keys, f"{self.name}'s token": self.token.rpartition(".")[2]}

    @property
    def settings(self) -> dict[str, object]:
        """Return its entries of CLIENT_KEYS."""
        keys = self.keys
        return {
            self.name: {"key": keys["key"], "rpm": 100_000, "budget-usd": 5, "budget": "soft"},
            f"poor-{self.name}": {"key": keys["poor key"], "budget-usd": "0.000001"},
            f"hasty-{self.name}": {"key": keys["hasty key"], "rpm": 1},
        }


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request of a client; `key` is what it brings."""

    path: str
    body: Mapping[str, object] | bytes | aiohttp.FormData | None = None
    method: str = "POST"
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a request."""

    asked: str
    status: int
    headers: str
    body: bytes


def chat(client: Client, model: str, **members: object) -> dict[str, object]:
    """Return a chat with words of a client wherever one has place for them."""
    picture = base64.b64encode(b"\x89PNG\r\n" + client.says("picture").encode()).decode()
    function = {"name": client.says("tool"), "description": client.says("tool"), "parameters": {"type": "object"}}
    parts = [
        {"type": "text", "text": f"look at {client.says('prompt')}"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": client.says("system")},
            {"role": "user", "content": parts},
        ],
        "tools": [{"type": "function", "function": function}],
        "user": client.says("user"),
        "metadata": {"about": client.says("metadata")},
        "prompt_cache_key": client.says("cache key"),
        **members,
    }


def response(client: Client, model: str, **members: object) -> dict[str, object]:
    """Return the same as a response."""
    return {
        "model": model,
        "instructions": client.says("system"),
        "input": f"look at {client.says('prompt')}",
        "tools": [{"type": "function", "name": client.says("tool"), "parameters": {"type": "object"}}],
        "safety_identifier": client.says("user"),
        "metadata": {"about": client.says("metadata")},
        "prompt_cache_key": client.says("cache key"),
        **members,
    }


def form(client: Client, model: str | None, content: bytes, name: str = "file", **fields: str) -> aiohttp.FormData:
    """Return a form with a file."""
    made = aiohttp.FormData()
    for field_name, value in {**({"model": model} if model else {}), **fields}.items():
        made.add_field(field_name, value)
    made.add_field(name, content, filename=f"{client.says('file name')}.bin", content_type="application/octet-stream")
    return made


CHATS, RESPONSES = "/v1/chat/completions", "/v1/responses"


def conversations(client: Client) -> Iterator[Ask]:
    """Yield chats and responses, whole and streamed, that are answered, fail, break off and hang."""
    for model in ("gpt-4o", "hop", "says-responses", SAYS, BREAKS, *FAILURES):
        for streams in (False, True):
            yield Ask(path=CHATS, body=chat(client, model, stream=streams))
            if model in ("gpt-4o", "hop", "says-chat", SAYS, BREAKS, "filters", "codes", "in-stream", "fails"):
                yield Ask(path=RESPONSES, body=response(client, model, stream=streams))
    yield Ask(path=RESPONSES, body=response(client, "says-chat", stream=True))
    yield Ask(path=RESPONSES, body=response(client, "says-chat"))
    yield Ask(path=CHATS, body=chat(client, HANGS))
    yield Ask(path=CHATS, body=chat(client, "gpt-4o", response_format={"type": client.says("prompt")}))
    yield Ask(path=CHATS, body=chat(client, "no-such-model"))
    yield Ask(path=CHATS, body=f'{{"model": "gpt-4o", "messages": [{{"content": "{client.says("prompt")}'.encode())
    yield Ask(path=CHATS, body=b"\xff" + client.says("prompt").encode())


def media(client: Client) -> Iterator[Ask]:
    """Yield embeddings, completions, images and sound."""
    said, content = client.says("prompt"), client.says("file").encode()
    yield Ask(path="/v1/embeddings", body={"model": "text-embedding-3-small", "input": [said], "user": said})
    yield Ask(path="/v1/completions", body={"model": "gpt-35-turbo-instruct", "prompt": said, "stream": True})
    yield Ask(path="/v1/images/generations", body={"model": "gpt-image-1", "prompt": said})
    yield Ask(path="/v1/images/edits", body=form(client, "gpt-image-1", content, "image", prompt=client.says("form")))
    yield Ask(path="/v1/audio/speech", body={"model": "gpt-4o-mini-tts", "voice": "alloy", "input": said})
    for model in ("whisper", "gpt-4o-transcribe", "no-such-model", "fails"):
        yield Ask(
            path="/v1/audio/transcriptions", body=form(client, model, b"RIFF" + content, prompt=client.says("form"))
        )
    yield Ask(path="/v1/audio/transcriptions", body=form(client, None, content))


def objects(client: Client) -> Iterator[Ask]:
    """Yield files, batches and ids of nothing."""
    said, document = client.says("prompt"), client.says("document")
    line = {"custom_id": document, "method": "POST", "url": CHATS, "body": chat(client, "gpt-4o")}
    lines = json.dumps(line).encode() + b"\n"
    yield Ask(path="/v1/files", body=form(client, None, document.encode(), purpose="assistants"))
    yield Ask(path="/v1/files", body=form(client, None, lines, purpose="batch"))
    yield Ask(path="/v1/files", body=form(client, None, lines + b'{"' + document.encode(), purpose="batch"))
    yield Ask(path="/v1/vector_stores", body={"name": document, "metadata": {"about": client.says("metadata")}})
    yield Ask(
        path="/v1/batches", body={"input_file_id": f"file-{document}", "endpoint": CHATS, "metadata": {"a": said}}
    )
    yield Ask(path="/v1/chat/completions", body=chat(client, "gpt-4o", store=True))
    yield Ask(path=RESPONSES, body=response(client, "gpt-4o", previous_response_id=f"resp_{document}"))
    for path in ("files", "responses", "vector_stores", "conversations", "nothing"):
        yield Ask(path=f"/v1/{path}/{client.says('path')}?after={client.says('query')}", method="GET")


def refusals(client: Client) -> Iterator[Ask]:
    """Yield what is refused before Azure is asked, and secrets in all places where they do not belong."""
    keys, asked = client.keys, chat(client, "gpt-4o")
    sent = {name: f"a {client.says('header')}" for name in ("user-agent", "cookie", "referer", "openai-organization")}
    sent |= {name: f"a {client.says('header')}" for name in ("x-forwarded-for", "x-stainless-lang", "x-custom")}
    yield Ask(path=f"{CHATS}?api-key={client.says('query')}&code={client.says('query')}", body=asked, headers=sent)
    yield Ask(path=CHATS, body=asked, headers={"idempotency-key": client.says("header")})
    yield Ask(path=CHATS, body=asked, headers={"origin": f"https://{client.says('header')}.example"})
    yield Ask(path=CHATS, body=asked, headers={"content-encoding": client.says("header")})
    for key in (keys["poor key"], keys["hasty key"], keys["hasty key"], client.token, client.token + "x"):
        yield Ask(path=CHATS, body=asked, key=key)
    for key in (f"sk-{client.says('wrong key')}", keys["key"][:-1], keys["key"] + "x", "", "é"):
        yield Ask(path=CHATS, body=asked, key=key)
    yield Ask(path=f"/doctor?key={client.says('query')}", body=None)
    yield Ask(path=f"/v1/organization/usage/completions?start_time={client.says('query')}", method="GET")
    yield Ask(path="/usage", method="GET")
    yield Ask(path="/v1/models", method="GET")
    yield Ask(path=f"/v1/models/{client.says('model')}", method="GET")


def all_asks(client: Client) -> Iterator[Ask]:
    """Yield everything that a client asks."""
    for family in (conversations, media, objects, refusals):
        yield from family(client)


OPERATOR = {"authorization": f"Bearer {SECRETS['operator']}"}
PAGES = (
    Ask(path="/ready", method="GET"),
    Ask(path="/health", method="GET"),
    Ask(path="/", method="GET", headers={"accept": "text/html"}),
    Ask(path="/front-page/page.js", method="GET"),
    Ask(path="/doctor?calls=true", headers=OPERATOR),
    Ask(path="/v1/organization/usage/completions?start_time=0&group_by=model", method="GET", headers=OPERATOR),
    Ask(path="/v1/organization/costs?start_time=0&group_by=line_item", method="GET", headers=OPERATOR),
)


async def asked(http: aiohttp.ClientSession, ask: Ask, key: str = "") -> Answer:
    """Ask, and read what comes, however it ends."""
    key = key if ask.key is None else ask.key
    headers = {**({"authorization": f"Bearer {key}"} if key else {}), **ask.headers}
    body = json.dumps(ask.body).encode() if isinstance(ask.body, Mapping) else ask.body
    if not isinstance(body, aiohttp.FormData):
        headers["content-type"] = "application/json"
    read = b""
    async with http.request(ask.method, ask.path, headers=headers, allow_redirects=False, data=body) as answer:
        try:
            async for piece in answer.content.iter_any():
                read += piece
        except aiohttp.ClientPayloadError:
            read += b" (broken off)"
        return Answer(asked=f"{ask.method} {ask.path}", status=answer.status, headers=str(answer.headers), body=read)


async def leave(http: aiohttp.ClientSession, repeating: RepeatingAzure, client: Client) -> None:
    """Ask for a stream and a whole answer, and leave before Azure has said anything."""
    for streams in (True, False):
        repeating.hanging.clear()
        body = chat(client, HANGS, stream=streams)
        task = asyncio.create_task(asked(http, Ask(path=CHATS, body=body), client.keys["key"]))
        await repeating.hanging.wait()
        task.cancel()
        await asyncio.wait({task})


async def rows_of(store: str) -> list[str]:
    """Return every row of every table."""
    credential = AzureNamedKeyCredential(EMULATOR, EMULATOR_KEY)
    async with TableServiceClient(endpoint=store, credential=credential) as service:
        return [
            f"{table.name} {' '.join(unpacked(value) for value in row.values())}"
            async for table in service.list_tables()
            async for row in service.get_table_client(table.name).list_entities()
        ]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What has been left everywhere."""

    alice: Client
    bob: Client
    answers: Mapping[str, list[Answer]]
    sent: bytes
    log: str
    exported: list[tuple[str, bytes]]
    rows: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def run() -> AsyncIterator[Run]:
    async with AsyncExitStack() as stack:
        azure = Simulator(keys=[SECRETS["first"]], keep=10_000)
        entra = await stack.enter_async_context(FakeEntra())
        alice, bob = [
            Client(
                name=name,
                token=entra.token(name=word(f"claim of {name}"), oid=f"{digit * 8}-0000-0000-0000-000000000000"),
            )
            for name, digit in (("alice", "5"), ("bob", "6"))
        ]
        repeating = await stack.enter_async_context(RepeatingAzure(alice.says("output"), alice.says("arguments")))
        await stack.enter_async_context(azure.serving())
        collector = stack.enter_context(collecting())
        store = await stack.enter_async_context(running_azurite())
        resources = [
            entry(
                "first",
                azure.url,
                api_key=SECRETS["first"],
                models={**SAME_NAMES, "hop": "error-500"},
                deployment_models={"gpt-4o": "gpt-4o@2024-11-20/GlobalStandard"},
            ),
            entry(
                "second",
                repeating.url,
                api_key=SECRETS["second"],
                priority=1,
                models={name: name for name in (*FAILURES, BREAKS, HANGS, SAYS, "says-chat", "says-responses")}
                | {"hop": SAYS},
                deployment_apis={"says-chat": "chat", "says-responses": "responses"},
            ),
        ]
        environ = entra.environ() | {
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "AZURE_OPENAI_RESOURCES": json.dumps(resources),
            "AZURE_OPENAI_ROUTING": FORGETFUL,
            "CLIENT_AUTH": "keys-and-entra",
            "CLIENT_KEYS": json.dumps({**alice.settings, **bob.settings}),
            "ADMIN_KEYS": f"operator={SECRETS['operator']}",
            "STORED_OBJECTS": "owned",
            "ID_SIGNING_KEY": SECRETS["signing"] * 2,
            "PROXY_BUDGET": "250 soft",
            "LIMITS_STORE": store,
            "USAGE_STORE": store,
            "TELEMETRY": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRETS['collector']}",
            "UPSTREAM_FIRST_BYTE_TIMEOUT": "0.5",
        }
        answers: dict[str, list[Answer]] = {}
        async with running_host(LOUD, environ) as host, aiohttp.ClientSession(host.url) as http:
            for client in (alice, bob):
                answers[client.name] = [await asked(http, ask, client.keys["key"]) for ask in all_asks(client)]
                await leave(http, repeating, client)
                repeating.output, repeating.arguments = bob.says("output"), bob.says("arguments")
            answers["pages"] = [await asked(http, ask) for ask in PAGES]
        sent = [b"%s %s %s" % (one.raw_path.encode(), str(one.headers).encode(), one.body) for one in azure.requests]
        yield Run(
            alice=alice,
            bob=bob,
            answers=answers,
            sent=b"\n".join([*sent, *repeating.asked]),
            log=host.output(),
            exported=collector.got,
            rows=await rows_of(store),
        )


SECRET = word("secret")
WRITTEN = {
    "as it is": f"the {SECRET}.",
    "in capitals": SECRET.upper(),
    "its begin": f"{SECRET[:12]}...",
    "its end": f"...{SECRET[-12:]}",
    "in base64": base64.b64encode(b"a %s." % SECRET.encode()).decode(),
    "in base64, one further": base64.b64encode(b"an %s." % SECRET.encode()).decode(),
    "in base64, two further": base64.urlsafe_b64encode(b"the %s." % SECRET.encode()).decode(),
    "in hexadecimal digits": SECRET.encode().hex(),
    "its digest": hashlib.sha256(SECRET.encode()).hexdigest()[:16],
    "compressed": unpacked(zlib.compress(SECRET.encode())),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
async def test_a_secret_is_found_however_it_is_written(written: str) -> None:
    assert found({"it": SECRET, "another": word("another")}, [("here", written)]) == ["it in here"]


async def test_every_word_has_been_sent_on_but_those_that_are_for_the_proxy_alone(run: Run) -> None:
    for client in (run.alice, run.bob):
        arrived = found(client.secrets, [("what Azure got", run.sent)])
        kept = {name for name in client.secrets if f"{name} in what Azure got" not in arrived}
        assert kept == {f"{client.name}'s {name}" for name in KEPT}
        statuses = {one.status for one in run.answers[client.name]}
        assert statuses >= {200, 400, 401, 404, 415, 429, 500, 502, 504}
        refusals = b"".join(one.body for one in run.answers[client.name] if one.status == 429)
        assert all(code in refusals for code in (b"insufficient_quota", b"has reached its limit", b"Too much of"))
    doctor = next(one.body for one in run.answers["pages"] if "/doctor" in one.asked)
    assert b'"code":"upstream_blocked"' in doctor


async def test_nothing_of_a_client_is_in_the_log_or_in_what_any_library_logs(run: Run) -> None:
    assert "loud aiohttp" in run.log or "loud azure" in run.log
    assert found(everything(run), [("the log", run.log)]) == []


async def test_nothing_of_a_client_is_in_spans_and_metrics(run: Run) -> None:
    assert {path for path, _ in run.exported} == {"/v1/traces", "/v1/metrics"}
    assert found(everything(run), run.exported) == []


async def test_nothing_of_a_client_is_in_the_rows_of_usage_limits_and_budgets(run: Run) -> None:
    assert {row.partition(" ")[0] for row in run.rows} == {"usage", "limits"}
    assert found(everything(run), [(f"the row {row}", row) for row in run.rows]) == []


async def test_nothing_of_a_client_is_in_answers_to_others(run: Run) -> None:
    for name, others in (("alice", ("bob", "pages")), ("bob", ("alice", "pages"))):
        secrets = {"alice": run.alice, "bob": run.bob}[name].secrets
        bodies = [(one.asked, one.body) for other in others for one in run.answers[other]]
        assert found(secrets, bodies) == []


async def test_nothing_of_any_client_is_in_a_header_and_no_key_in_an_answer(run: Run) -> None:
    every = [one for many in run.answers.values() for one in many]
    assert found(everything(run), [(f"the headers of {one.asked}", one.headers) for one in every]) == []
    keys = SECRETS | {name: key for client in (run.alice, run.bob) for name, key in client.keys.items()}
    assert found(keys, [(one.asked, one.body) for one in every]) == []


async def test_a_key_of_azure_that_a_client_brings_is_nowhere_but_at_azure(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    alice = Client(name="alice", token=word("a token that is not sent"))
    secrets = alice.secrets
    async with RepeatingAzure("said", "{}") as azure:
        environ = {"CLIENT_AUTH": "azure-key", "AZURE_OPENAI_ENDPOINT": azure.url}
        application = build_application(
            Settings.from_environ({"AZURE_FUNCTIONS_ENVIRONMENT": "Development", **environ})
        )
        answers = {}
        for model in (*FAILURES, BREAKS, SAYS):
            raw, answers[model] = json.dumps(chat(alice, model)).encode(), InProcess()
            headers = {"api-key": alice.keys["key"], "content-length": str(len(raw))}
            await ask_in_process(application, scope_of(CHATS, headers), raw, answers[model])
        await application.stop(1)
        assert found({"the key": alice.keys["key"]}, [("Azure", azure.asked[-1])]) == ["the key in Azure"]
    assert {one.status for one in answers.values()} >= {200, 400, 401, 403, 429, 500, 502}
    printed = "".join(capfd.readouterr())
    assert printed.count('{"request_id"') == len(answers)
    assert found(secrets, [("the log", caplog.text), ("the lines", printed)]) == []
    assert found(secrets, [(f"the headers of {model}", str(one.headers)) for model, one in answers.items()]) == []
    assert found(alice.keys, [(model, one.body) for model, one in answers.items()]) == []


def everything(run: Run) -> dict[str, str]:
    """Return all that nobody may read."""
    return SECRETS | run.alice.secrets | run.bob.secrets
