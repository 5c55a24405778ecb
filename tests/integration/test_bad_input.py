"""Bad input gets an answer in OpenAI's shape with the right status, and never reaches Azure."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest

from tests.integration.conftest import CLIENT_KEY, SECOND_KEY
from tests.processes import HostProcess
from tools.azure_openai_simulator import Simulator

GOOD_KEY = {"authorization": f"Bearer {CLIENT_KEY}"}
CHAT = "/v1/chat/completions"
GOOD_BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'


@dataclass(frozen=True, kw_only=True)
class Bad:
    status: int
    code: str | None
    headers: Mapping[str, str] = field(default_factory=lambda: GOOD_KEY)
    body: bytes = GOOD_BODY
    path: str = CHAT
    method: str = "POST"


CASES = {
    "no key": Bad(status=401, code=None, headers={}),
    "an empty key": Bad(status=401, code=None, headers={"authorization": "Bearer "}),
    "another scheme": Bad(status=401, code=None, headers={"authorization": f"Basic {CLIENT_KEY}"}),
    "a wrong key": Bad(status=401, code="invalid_api_key", headers={"authorization": "Bearer sk-wrong"}),
    "a key with a wrong end": Bad(status=401, code="invalid_api_key", headers={"api-key": CLIENT_KEY[:-1]}),
    "two different keys": Bad(status=401, code="invalid_api_key", headers={**GOOD_KEY, "api-key": SECOND_KEY}),
    "a key in the query": Bad(status=401, code=None, headers={}, path=f"{CHAT}?code={CLIENT_KEY}&api-key={CLIENT_KEY}"),
    "an unknown path without a key": Bad(status=401, code=None, headers={}, path="/v1/nothing"),
    "a model with a name that nobody gives": Bad(
        status=404, code="model_not_found", body=b'{"model":"%s"}' % (b"m" * 1_000_000)
    ),
    "a model that cannot be a deployment": Bad(status=404, code="model_not_found", body=b'{"model":"a/../b"}'),
    "a model of dots": Bad(status=404, code="model_not_found", body=b'{"model":".."}'),
    "broken JSON": Bad(status=400, code=None, body=b'{"model":"gpt-4o",'),
    "bytes that are no UTF-8": Bad(status=400, code=None, body=b'{"model":"gpt-4o","x":["\xff"]}'),
    "half a letter": Bad(status=400, code=None, body=b'{"model":"gpt-4o","x":"\xc3'),
    "no body": Bad(status=400, code=None, body=b""),
    "JSON that is no object": Bad(status=400, code=None, body=b'["gpt-4o"]'),
    "no model": Bad(status=400, code="missing_required_parameter", body=b'{"messages":[]}'),
    "a model that is null": Bad(status=400, code="missing_required_parameter", body=b'{"model":null}'),
    "a model that is a number": Bad(status=400, code="invalid_type", body=b'{"model":4}'),
    "a stream that is a text": Bad(status=400, code="invalid_type", body=b'{"model":"gpt-4o","stream":"yes"}'),
    "two models": Bad(status=400, code=None, body=b'{"model":"gpt-4o","model":"gpt-4o-mini"}'),
    "half a surrogate in a name": Bad(status=400, code=None, body=rb'{"model":"gpt-4o","\ud83d":1}'),
    "half a surrogate in a name that stands twice": Bad(
        status=400, code=None, body=rb'{"model":"gpt-4o","\ud83d":1,"\ud83d":2}'
    ),
    "deep nesting": Bad(status=400, code=None, body=b'{"model":"gpt-4o","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a compressed body": Bad(status=415, code="unsupported_encoding", headers={**GOOD_KEY, "content-encoding": "br"}),
    "an unknown path": Bad(status=404, code="unknown_url", path="/v1/nothing/here"),
    "a path that climbs": Bad(status=404, code="unknown_url", path="/v1/chat/..%2f..%2fcompletions"),
    "a wrong method": Bad(status=405, code="method_not_supported", method="DELETE"),
    "a POST on models": Bad(status=405, code="method_not_supported", path="/v1/models"),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
async def test_bad_input_is_refused_in_openai_s_words(app: HostProcess, simulator: Simulator, bad: Bad) -> None:
    before = len(simulator.requests)
    async with (
        aiohttp.ClientSession(app.url) as session,
        session.request(bad.method, bad.path, data=bad.body, headers=bad.headers) as answer,
    ):
        text = await answer.text()
        assert answer.status == bad.status, text
        assert answer.headers["x-request-id"]
    error = json.loads(text)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == bad.code
    assert CLIENT_KEY not in text
    assert len(simulator.requests) == before


async def test_a_mark_before_the_json_is_skipped(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    async with http.post(CHAT, data=b"\xef\xbb\xbf" + GOOD_BODY) as answer:
        assert answer.status == 200
        assert (await answer.json())["choices"]


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length told", "in chunks"])
async def test_forty_megabytes_of_json_are_too_large(
    http: aiohttp.ClientSession, simulator: Simulator, chunked: bool
) -> None:
    before = len(simulator.requests)
    filler = b'{"model":"gpt-4o","messages":"' + b"x" * 40_000_000 + b'"}'

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(filler), 1_000_000):
            yield filler[start : start + 1_000_000]

    async with http.post(CHAT, data=parts() if chunked else io.BytesIO(filler)) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "request_too_large"
    assert len(simulator.requests) == before


async def test_head_answers_without_a_body_and_leaves_the_connection_usable(http: aiohttp.ClientSession) -> None:
    async with http.head("/v1/models") as answer:
        assert answer.status == 200
        assert await answer.read() == b""
    async with http.get("/v1/models") as answer:
        assert answer.status == 200


async def test_a_model_s_encoded_slash_is_decoded_once(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/models/org%2Fmodel", allow_redirects=False) as answer:
        assert "`org/model`" in (await answer.json())["error"]["message"]


async def test_refusals_come_at_once_even_when_many(app: HostProcess) -> None:
    async with aiohttp.ClientSession(app.url) as session:

        async def refused() -> int:
            async with session.post(CHAT, data=GOOD_BODY, headers={"api-key": "sk-guess"}) as answer:
                return answer.status

        assert set(await asyncio.gather(*(refused() for _ in range(200)))) == {401}
