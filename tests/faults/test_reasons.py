"""What a client reads of Azure's reasons, through the whole application."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.faults.client import Answer, ask, open_application, scope_of
from tests.faults.operations import AZURE_KEY, CHAT, CHAT_STREAM, CLIENT_KEY, MODEL, encode
from tests.faults.raw import Play, Upstream
from tests.faults.wire import EVENTS, chunked, head, piece, whole

BODY = CHAT.body
STREAM = encode({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "stream": True})
FILTERED = encode({"error": {"code": "content_filter", "message": "Filtered.", "status": 400, "innererror": {"a": 1}}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a client has read, what was logged, and what Azure was sent."""

    answer: Answer
    lines: list[str]
    requests: list[bytes] = field(repr=False)

    @property
    def error(self) -> dict[str, object]:
        """Return the error in the answer."""
        error = json.loads(self.answer.body)["error"]
        assert isinstance(error, dict)
        return error


async def call(
    play: Play | Callable[[bytes], Play],
    *,
    path: str = CHAT.path,
    body: bytes = BODY,
    method: str = "POST",
    **environ: str,
) -> Read:
    """Call an application on a server that answers as the play says."""
    lines: list[str] = []
    answer = Answer()
    async with Upstream(play if callable(play) else lambda _: play).serving() as upstream:
        settings = {
            "AZURE_OPENAI_ENDPOINT": upstream.url,
            "AZURE_OPENAI_API_KEY": AZURE_KEY,
            "AZURE_OPENAI_MODEL_MAPPER": f"{MODEL}=a-deployment",
            "CLIENT_KEYS": f"somebody={CLIENT_KEY}",
            **environ,
        }
        application = open_application(settings, lines.append)
        headers = {
            "authorization": f"Bearer {CLIENT_KEY}",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-ms-invocation-id": "a-request",
        }
        try:
            await ask(application, scope_of(path, headers, method), body, answer)
        finally:
            await application.stop(1)
        return Read(answer=answer, lines=lines, requests=upstream.requests)


def refused(status: str, content: object, *headers: str) -> Play:
    """Return an answer of Azure with an error."""
    body = content if isinstance(content, bytes) else encode({"x": content})[5:-1]
    return Play(parts=(whole(status, body, *headers),), whole=True)


@pytest.mark.parametrize(
    ("content", "message", "param", "code"),
    [
        ({"error": {"code": "400", "message": "Bad.", "details": [{"message": "n is odd.", "param": "n"}]}},
         "Bad. n is odd.", "n", None),
        ({"detail": "n is odd."}, "n is odd.", None, None),
        ({"detail": [{"loc": ["body", "n"], "msg": "n is odd"}]}, "n: n is odd", "n", None),
        ({"error": {"message": {"message": "n is odd.", "param": "n", "code": "odd"}}}, "n is odd.", "n", "odd"),
        ({"error": {"message": json.dumps({"error": {"message": "n is odd.", "code": "odd"}})}},
         "n is odd.", None, "odd"),
        ({"errors": [{"message": "n is odd.", "param": "n", "code": "odd"}]}, "n is odd.", "n", "odd"),
        ({"error": "n is odd."}, "n is odd.", None, None),
        ({"type": "https://x/y", "title": "Odd.", "status": 400, "detail": "n is odd."}, "n is odd.", None, None),
        ([{"error": {"message": "n is odd.", "param": "n", "code": "odd"}}], "n is odd.", "n", "odd"),
        (b'{"error":{"message":"n is odd.","code":"odd"}} and more', "n is odd.", None, "odd"),
    ],
)  # fmt: skip
async def test_the_reason_comes_out_of_every_shape(
    content: object, message: str, param: str | None, code: str | None
) -> None:
    read = await call(refused("400 Bad Request", content))
    assert read.answer.status == 400
    assert read.error == {"message": message, "type": "invalid_request_error", "param": param, "code": code}


async def test_a_refusal_that_is_no_json_is_the_requests_fault() -> None:
    read = await call(refused("400 Bad Request", b"<html>Bad Request</html>"))
    assert (read.answer.status, read.error["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("status", ["400 Bad Request", "429 Too Many Requests"])
async def test_the_key_of_azure_is_in_no_text(status: str) -> None:
    read = await call(refused(status, {"error": {"message": f"The key {AZURE_KEY} may not do this."}}))
    assert AZURE_KEY.encode() not in read.answer.body
    assert read.error["message"] == "The key [key] may not do this."


async def test_details_of_a_filter_go_to_azures_own_clients_and_to_who_wants_them() -> None:
    play = refused("400 Bad Request", FILTERED)
    four = {"message", "type", "param", "code"}
    assert set((await call(play)).error) == four
    assert set((await call(play, path="/openai/v1/chat/completions")).error) == four
    assert (await call(play, CONTENT_FILTER_RESULTS="keep")).error["innererror"] == {"a": 1}
    azures = f"/openai/deployments/{MODEL}/chat/completions"
    assert (await call(play, path=azures)).error["innererror"] == {"a": 1}


async def test_details_of_a_filter_in_a_stream_go_the_same_way() -> None:
    event = b"data: " + FILTERED + b"\n\n"
    play = Play(parts=(chunked(EVENTS) + piece(event) + b"0\r\n\r\n",), whole=True)
    assert b"innererror" not in (await call(play, body=STREAM)).answer.body
    assert b"innererror" in (await call(play, body=STREAM, CONTENT_FILTER_RESULTS="keep")).answer.body


async def test_a_missing_object_is_not_blamed_on_the_api_version() -> None:
    content = {"error": {"code": "404", "message": "Resource not found"}}
    play = refused("404 Not Found", content)
    on_v1 = await call(play, path="/v1/responses/resp_1", body=b"", method="GET")
    assert (on_v1.answer.status, "api-version" in str(on_v1.error["message"])) == (404, False)
    assert "api-version" in str((await call(play)).error["message"])


@pytest.mark.parametrize("status", ["204 No Content", "200 OK"])
async def test_a_deletion_without_a_body_passes(status: str) -> None:
    length = () if status.startswith("204") else ("content-length: 0",)
    play = Play(parts=(head(status, "content-type: application/json", *length),), whole=True)
    for path in ("/v1/responses/resp_1", "/v1/files/file-1", "/v1/conversations/conv_1"):
        read = await call(play, path=path, body=b"", method="DELETE")
        assert (read.answer.status, read.answer.body, read.answer.ended) == (int(status[:3]), b"", True)


async def test_an_empty_answer_where_text_was_asked_for_is_azures_fault() -> None:
    play = Play(parts=(head("204 No Content", "content-type: application/json"),), whole=True)
    assert (await call(play)).answer.status == 502
    assert (await call(play, path="/v1/responses")).answer.status == 502


@pytest.mark.parametrize("more", [b'"\\ud83d":1', b'"\\ud83d":1,"\\ud83d":2'])
async def test_half_a_surrogate_in_a_name_is_the_requests_fault_with_a_line_and_an_id(more: bytes) -> None:
    read = await call(Play(), body=b'{"model":"some-model",' + more + b"}")
    assert (read.answer.status, read.error["type"]) == (400, "invalid_request_error")
    assert read.answer.headers["x-request-id"] == "a-request"
    assert [json.loads(line)["status"] for line in read.lines] == [400]
    assert read.requests == []


@pytest.mark.parametrize("name", ["retry-after: 37", "retry-after-ms: 37000", "x-ms-retry-after-ms: 37000"])
async def test_azures_own_wait_reaches_the_client_both_ways(name: str) -> None:
    error = encode({"error": {"code": "429", "message": "Slow down. Retry after 10 seconds."}})
    play = Play(parts=(chunked(EVENTS, name) + piece(b"data: " + error + b"\n\n") + b"0\r\n\r\n",), whole=True)
    for read in (await call(play, body=STREAM), await call(refused("429 Too Many Requests", error, name))):
        assert read.answer.status == 429
        waits = read.answer.headers["retry-after"], read.answer.headers["retry-after-ms"]
        assert waits == ("37", "37000")


async def test_a_wait_in_the_words_of_a_gateway_reaches_the_client() -> None:
    content = {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 59 seconds."}
    read = await call(refused("429 Too Many Requests", content))
    assert (read.answer.headers["retry-after"], read.answer.headers["retry-after-ms"]) == ("59", "59000")


WHOLE_RESPONSE = encode(
    {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
            }
        ],
    }
)
RESPONSE_STREAM = encode({"model": MODEL, "input": "hi", "stream": True})


async def test_a_whole_answer_becomes_the_stream_that_was_asked_for() -> None:
    read = await call(Play(parts=(whole("200 OK", CHAT.whole),), whole=True), body=STREAM)
    assert read.answer.headers["content-type"] == EVENTS
    assert '"content":"Grüße an alle"'.encode() in read.answer.body
    assert read.answer.body.endswith(b"data: [DONE]\n\n")
    line = json.loads(read.lines[0])
    assert (line["outcome"], line["status"], line["output_tokens"]) == ("completed", 200, 2)
    read = await call(
        Play(parts=(whole("200 OK", WHOLE_RESPONSE),), whole=True), path="/v1/responses", body=RESPONSE_STREAM
    )
    assert b'"delta":"Hello"' in read.answer.body
    assert b"event: response.completed\n" in read.answer.body


async def test_an_error_that_comes_with_200_in_place_of_a_stream_is_a_real_error() -> None:
    error = encode({"error": {"code": "429", "message": "Try again in 59 seconds."}})
    read = await call(Play(parts=(whole("200 OK", error),), whole=True), body=STREAM)
    assert (read.answer.status, read.answer.headers["retry-after"]) == (429, "59")


@pytest.mark.parametrize("kind", ["application/octet-stream", "binary/octet-stream", "text/plain; charset=utf-8", None])
async def test_events_of_a_vague_type_are_a_stream_where_one_was_asked_for(kind: str | None) -> None:
    types = () if kind is None else (f"content-type: {kind}",)
    parts = piece(CHAT_STREAM.events) + b"0\r\n\r\n"
    play = Play(parts=(head("200 OK", *types, "transfer-encoding: chunked") + parts,), whole=True)
    read = await call(play, body=STREAM)
    assert (read.answer.status, read.answer.headers["content-type"]) == (200, EVENTS)
    assert read.answer.body.endswith(b"data: [DONE]\n\n")
    assert b"prompt_filter_results" not in read.answer.body
