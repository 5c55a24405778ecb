"""Streams: every format, cut at every event and within, in pieces, with filters, errors and several choices.

`streams.json` has one stream of Azure for each format; it was written once from the recordings of the tests.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.oracle.case import Case, End, Group, Reply, Send, Sleep, Wait
from tests.oracle.corpus import make

RECORDED: Mapping[str, Mapping[str, Any]] = {
    one["name"]: one for one in json.loads(Path(__file__).with_name("streams.json").read_text())
}
_DONE = b"data: [DONE]\n\n"


def events(name: str) -> list[bytes]:
    """Return the events of a recorded stream."""
    return [one.encode() for one in RECORDED[name]["events"]]


def events_of(stream_format: str | None) -> bytes:
    """Return a recorded stream of a format, that of a chat for one that was not recorded."""
    name = (stream_format or "chat").lower()
    return b"".join(events(name if name in RECORDED else "chat"))


def groups() -> Iterator[Group]:
    """Yield the groups."""
    restless = {"AZURE_OPENAI_ROUTING": json.dumps(make.RESTLESS)}
    settings = make.one_resource(**restless)
    yield make.group("streams-cut", settings, _cuts())
    yield make.group("streams-pieces", settings, _pieces())
    yield make.group("streams-odd", settings, _odd())
    keeping = make.one_resource(**restless, CONTENT_FILTER_RESULTS="keep")
    yield make.group("streams-filters-kept", keeping, [*_odd(), *_wholes()])
    yield make.group("streams-wholes", settings, _wholes())
    two = make.resources(make.entry("one"), make.entry("two", priority=1), **restless)
    yield make.group("streams-cut-two", two, _cuts_of_two(), "one", "two")
    late = make.one_resource(**restless, STREAM_HEAD_TIMEOUT="0.3", STREAM_KEEP_ALIVE_INTERVAL="0.2")
    yield make.group("streams-late", late, _late())


def ask(name: str, what: str, replies: make.Replies, **members: object) -> Case:
    """Return a call that asks for a recorded stream."""
    recorded = RECORDED[name]
    if recorded["form"]:
        raw = make.form(("model", "", b"MODEL"), ("stream", "", b"true"), ("file", '; filename="a.wav"', b"RIFF"))
        return make.call(
            f"{name} {what}",
            "POST",
            f"/v1/{recorded['path']}",
            raw,
            headers={"content-type": make.FORM},
            replies=replies,
        )
    body = {"model": "MODEL", "stream": True, **recorded["asked"], **members}
    return make.call(f"{name} {what}", "POST", f"/v1/{recorded['path']}", body, replies=replies)


def _places(parts: Sequence[bytes]) -> list[int]:
    """Return where to cut: at each event's end, one byte around it, and in its middle."""
    places, at = {0}, 0
    for part in parts:
        places |= {at + 1, at + len(part) // 2, at + len(part) - 2, at + len(part) - 1, at + len(part)}
        at += len(part)
    return sorted(places)


def _ends(sent: bytes) -> Mapping[str, Reply]:
    return {
        "and a proper end": make.answer(make.stream(sent)),
        "and closed": make.answer(make.stream(sent, end=b""), end=End.CLOSE),
        "and reset": make.answer(make.stream(sent, end=b""), Wait("client data", 0.3), end=End.RESET),
    }


def _cuts() -> Iterator[Case]:
    for name in RECORDED:
        raw = b"".join(events(name))
        for at in _places(events(name)):
            for how, reply in _ends(raw[:at]).items():
                if how == "and reset" and at % 3:
                    continue
                yield ask(name, f"cut at {at} {how}", [reply])


def _cuts_of_two() -> Iterator[Case]:
    for name in RECORDED:
        raw = b"".join(events(name))
        good = make.answer(make.stream(raw))
        for at in _places(events(name))[::4]:
            yield ask(name, f"cut at {at} and closed", {"one": [_ends(raw[:at])["and closed"]], "two": [good]})


def _pieces() -> Iterator[Case]:
    for name in RECORDED:
        raw = b"".join(events(name))
        for size in (1, 7, 100):
            pieces = [make.chunk(raw[at : at + size]) for at in range(0, len(raw), size)]
            whole = make.begun() + b"".join(pieces) + make.LAST
            yield ask(name, f"in chunks of {size}", [make.answer(whole)])
            steps = (Send(make.begun()), *(Send(piece) for piece in pieces), Send(make.LAST))
            yield ask(name, f"in writes of {size}", [Reply(steps)])
        crlf = raw.replace(b"\n", b"\r\n")
        yield ask(name, "with CRLF", [make.answer(make.stream(crlf))])
        yield ask(name, "with CR", [make.answer(make.stream(raw.replace(b"\n", b"\r")))])
        yield ask(name, "without spaces", [make.answer(make.stream(raw.replace(b"data: ", b"data:")))])
        yield ask(name, "with a byte order mark", [make.answer(make.stream(b"\xef\xbb\xbf" + raw))])
        comments = raw.replace(b"\n\n", b"\n\n: a comment\n\nid: 1\nretry: 9\n")
        yield ask(name, "with comments, ids and retries", [make.answer(make.stream(comments))])
        yield ask(name, "with a tail", [make.answer(make.stream(raw, b"data: {}\n\n: more\n\n"))])
        slow = (Send(make.stream(raw, end=b"")), Wait("client data"), Send(make.LAST))
        yield ask(name, "whose end comes late", [Reply(slow)])
        never = (Send(make.stream(raw, end=b"")),)
        yield ask(name, "whose end never comes", [Reply(never, End.HOLD)])
        yield ask(
            name,
            "gated",
            [
                Reply(
                    (
                        Send(make.stream(events(name)[0], end=b"")),
                        Wait("client data", 1.0),
                        Send(make.stream(raw[len(events(name)[0]) :])[len(make.begun()) :]),
                    )
                )
            ],
        )
        yield ask(name, "after a second", [Reply((Sleep(0.5), Send(make.stream(raw))))])


def _chunk(choices: Sequence[object], **members: object) -> bytes:
    one = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return make.event({**one, **members})


def _choice(index: int, delta: object, reason: str | None = None, **members: object) -> dict[str, object]:
    return {"index": index, "delta": delta, "finish_reason": reason, **members}


_FILTERS = {"hate": {"filtered": False, "severity": "safe"}, "profanity": {"filtered": True, "detected": True}}
_OFFSETS = {"check_offset": 1, "start_offset": 0, "end_offset": 9}


def _chats() -> Mapping[str, Sequence[bytes]]:
    """Return streams of chat that are odd in one way."""
    role, hello = _chunk([_choice(0, {"role": "assistant", "content": ""})]), _chunk([_choice(0, {"content": "hi"})])
    stop = _chunk([_choice(0, {}, "stop")])
    annotated = _chunk(
        [],
        id="",
        model="",
        object="",
        created=0,
        prompt_filter_results=[{"prompt_index": 0, "content_filter_results": _FILTERS}],
    )
    filters = _chunk([_choice(0, {"content": "x"}, content_filter_results=_FILTERS)])
    offsets = _chunk([_choice(0, {}, content_filter_results=_FILTERS, content_filter_offsets=_OFFSETS)])
    empty = _chunk([_choice(0, {}, content_filter_result={"error": {"code": "content_filter_error", "message": "m"}})])
    two = (_chunk([_choice(1, {"content": "b"})]), _chunk([_choice(0, {"content": "a"})]))
    stops = (_chunk([_choice(1, {}, "stop")]), _chunk([_choice(0, {}, "length")]))
    tool = _chunk(
        [_choice(0, {"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{"}}]})]
    )
    usage = _chunk([], usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3})
    error = make.event({"error": {"message": "It broke.", "type": "server_error", "code": "server_error"}})
    named = make.event({"error": {"message": "It broke.", "type": "server_error", "code": None}}, "error")
    return {
        "with filters": (annotated, role, filters, offsets, empty, stop, usage, _DONE),
        "with two choices": (role, *two, *stops, _DONE),
        "with two choices, one finished": (role, *two, stops[0], _DONE),
        "with two choices, one finished, no done": (role, *two, stops[0]),
        "with a tool call": (role, tool, _chunk([_choice(0, {}, "tool_calls")]), _DONE),
        "with usage in the last": (role, hello, _chunk([_choice(0, {}, "stop")], usage={"total_tokens": 1}), _DONE),
        "with usage null": (_chunk([_choice(0, {"content": "hi"})], usage=None), stop, usage, _DONE),
        "without a stop": (role, hello, _DONE),
        "with nothing but done": (_DONE,),
        "with nothing but annotations": (annotated, _DONE),
        "with an error first": (error, _DONE),
        "with an error event first": (named,),
        "with an error behind": (role, hello, error, _DONE),
        "with an error event behind": (role, hello, named),
        "with an error behind the stop": (role, hello, stop, error, _DONE),
        "with an error of the filter": (
            role,
            make.event(make.error("content_filter", innererror={"code": "ResponsibleAIPolicyViolation"})),
        ),
        "with a number for an event": (role, b"data: 7\n\n", hello, stop, _DONE),
        "with a list for an event": (role, b"data: [1]\n\n", hello, stop, _DONE),
        "with an empty event": (role, b"data:\n\n", b"data: {}\n\n", hello, stop, _DONE),
        "with an event of two lines": (role, b'data: {"id":"cmpl-1",\ndata: "choices":[]}\n\n', hello, stop, _DONE),
        "with another event": (role, b"event: ping\ndata: {}\n\n", hello, stop, _DONE),
        "with a wrong choice": (role, _chunk([{"index": "a"}]), hello, stop, _DONE),
        "with choices null": (role, make.event({"id": "cmpl-1", "choices": None}), hello, stop, _DONE),
        "with bytes that are no UTF-8": (
            role,
            b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n',
            stop,
            _DONE,
        ),
        "with a lone surrogate": (
            role,
            b'data: {"choices":[{"index":0,"delta":{"content":"\\ud800"}}]}\n\n',
            stop,
            _DONE,
        ),
        "with a big number": (role, _chunk([_choice(0, {"content": "x"})], system_fingerprint=10**30), stop, _DONE),
        "with members twice": (
            role,
            b'data: {"choices":[],"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n',
            stop,
            _DONE,
        ),
        "with done in one line": (role, hello, stop, b"data: [DONE]"),
        "with done and a line end": (role, hello, stop, b"data: [DONE]\n"),
        "with done before the stop": (role, hello, _DONE, stop),
        "with audio": (_chunk([_choice(0, {"audio": {"id": "a", "data": "QQ=="}})]), stop, _DONE),
        "with reasoning": (_chunk([_choice(0, {"reasoning_content": "hm"})]), hello, stop, _DONE),
        "with refusal": (_chunk([_choice(0, {"refusal": "no"})]), stop, _DONE),
    }


def _typed(kind: str, number: int, **members: object) -> bytes:
    return make.event({"type": f"response.{kind}", "sequence_number": number, **members}, f"response.{kind}")


def _responses() -> Mapping[str, Sequence[bytes]]:
    """Return streams of responses that are odd in one way."""
    response = {"id": "resp_1", "object": "response", "model": "m", "output": [], "content_filters": [{"a": _FILTERS}]}
    created = _typed("created", 0, response=response)
    delta = _typed("output_text.delta", 1, item_id="msg_1", delta="hi")
    completed = _typed("completed", 2, response={**response, "status": "completed"})
    failed = _typed(
        "failed", 2, response={**response, "status": "failed", "error": {"code": "server_error", "message": "m"}}
    )
    limited = _typed("failed", 2, response={**response, "error": {"code": "rate_limit_exceeded", "message": "m"}})
    error = make.event(
        {"type": "error", "code": "server_error", "message": "m", "param": None, "sequence_number": 2}, "error"
    )
    nested = make.event({"type": "error", "error": {"code": "x", "message": "m"}, "sequence_number": 2}, "error")
    return {
        "plain": (created, delta, completed),
        "queued": (_typed("queued", 0, response=response), created, delta, completed),
        "with done": (created, delta, completed, _DONE),
        "failed": (created, delta, failed),
        "failed first": (created, failed),
        "limited first": (created, limited),
        "limited": (created, delta, limited),
        "incomplete": (
            created,
            delta,
            _typed("incomplete", 2, response={**response, "incomplete_details": {"reason": "x"}}),
        ),
        "cancelled": (created, delta, _typed("cancelled", 2, response=response)),
        "error": (created, delta, error),
        "error first": (error,),
        "nested error": (created, delta, nested),
        "not ended": (created, delta),
        "with events behind the end": (created, delta, completed, delta),
        "without names": tuple(one.partition(b"\n")[2] for one in (created, delta, completed)),
        "with unknown events": (created, _typed("new.thing", 1, x=_FILTERS), delta, completed),
        "with an event without a type": (created, b"event: x\ndata: {}\n\n", delta, completed),
        "with what is no JSON": (created, delta, b"event: x\ndata: {no\n\n", completed),
        "with an image": (
            created,
            _typed("image_generation_call.partial_image", 1, partial_image_b64="QQ=="),
            completed,
        ),
        "with reasoning": (
            created,
            _typed("output_item.added", 1, item={"id": "rs_1", "type": "reasoning", "encrypted_content": "QUJD"}),
            delta,
            completed,
        ),
    }


def _odd() -> Iterator[Case]:
    for what, parts in _chats().items():
        n = {"n": 2} if "two choices" in what else {}
        yield ask("chat", what, [make.answer(make.stream(*parts))], **n)
        yield ask("chat", f"{what}, in one", [make.answer(make.stream(b"".join(parts)))], **n)
        yield ask("chat", f"{what}, closed", [make.answer(make.stream(*parts, end=b""), end=End.CLOSE)], **n)
    for what, parts in _responses().items():
        yield ask("response", what, [make.answer(make.stream(*parts))])
        yield ask("response", f"{what}, closed", [make.answer(make.stream(*parts, end=b""), end=End.CLOSE)])
    for name in RECORDED:
        good = b"".join(events(name))
        yield ask(name, "as plain text", [make.answer(make.whole("200 OK", good, kind="text/plain"))])
        yield ask(name, "without a type", [make.answer(make.whole("200 OK", good, kind=None))])
        yield ask(name, "as JSON in place of it", [make.answer(make.whole("200 OK", {"id": "x", "choices": []}))])
        yield ask(name, "as 400", [make.answer(make.whole("400 Bad Request", make.error("bad")))])
        yield ask(
            name,
            "with headers",
            [
                make.answer(
                    make.stream(
                        good,
                        headers=(
                            "x-ratelimit-remaining-tokens: 1",
                            "apim-request-id: a",
                            "x-other: b",
                            "openai-model: m",
                        ),
                    )
                )
            ],
        )


def _wholes() -> Iterator[Case]:
    """Yield answers that are not streamed, with filters and what else is odd."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}
    filtered = {**choice, "content_filter_results": _FILTERS, "content_filter_offsets": _OFFSETS}
    bodies: Mapping[str, object] = {
        "filters": {
            "choices": [filtered],
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERS}],
        },
        "filter error": {"choices": [{**choice, "content_filter_result": {"error": {"code": "x", "message": "m"}}}]},
        "two choices": {"choices": [filtered, {**filtered, "index": 1}]},
        "order of members": {"z": 1, "choices": [filtered], "a": {"content_filter_results": _FILTERS}},
        "spaces": b'{ "choices" : [ { "index":0 , "content_filter_results" : { } } ] , "id":"x" }\n',
        "escapes": b'{"choices":[{"message":{"content":"\\u00df\\ud83d\\ude00\\/"}, "content_filter_results":{}}]}',
        "numbers": b'{"choices":[],"prompt_filter_results":[],"created":1.0,"x":1e400,"y":12345678901234567890}',
        "a lone surrogate": b'{"choices":[{"message":{"content":"\\ud800"},"content_filter_results":{}}]}',
        "members twice": b'{"choices":[],"choices":[{"content_filter_results":{}}]}',
        "no object": [1],
        "null": None,
        "no UTF-8": b'{"choices":["\xff"]}',
        "a byte order mark": b'\xef\xbb\xbf{"choices":[]}',
        "an error with 200": make.error("server_error"),
        "deep": b'{"choices":' + b"[" * 600 + b"]" * 600 + b"}",
        "large": {"choices": [{**filtered, "message": {"content": "x" * 300_000}}]},
    }
    calls: Mapping[str, Mapping[str, object]] = {
        "/v1/chat/completions": {"messages": []},
        "/v1/completions": {"prompt": "a"},
        "/v1/responses": {"input": "a"},
        "/v1/embeddings": {"input": "a"},
        "/v1/images/generations": {"prompt": "a"},
    }
    for path, members in calls.items():
        for what, body in bodies.items():
            yield make.call(
                f"{path} {what}",
                "POST",
                path,
                {"model": "MODEL", **members},
                replies=[make.answer(make.whole("200 OK", body))],
            )


def _late() -> Iterator[Case]:
    """Yield streams that begin after their head has left, or are silent for long."""
    for name in RECORDED:
        good = b"".join(events(name))
        whole = make.stream(good)
        yield ask(name, "late", [Reply((Sleep(0.8), Send(whole)))])
        yield ask(
            name, "late head, later events", [Reply((Send(make.begun()), Sleep(0.8), Send(whole[len(make.begun()) :])))]
        )
        yield ask(
            name, "late 429", [Reply((Sleep(0.8), Send(make.whole("429 No", make.error("429"), "retry-after: 9"))))]
        )
        yield ask(name, "late 400", [Reply((Sleep(0.8), Send(make.whole("400 No", make.error("bad", param="x")))))])
        yield ask(name, "late 500", [Reply((Sleep(0.8), Send(make.whole("500 No", b""))))])
        yield ask(name, "late garbage", [Reply((Sleep(0.8), Send(b"HTTP/1.1 2x0 OK\r\n\r\n")), End.HOLD)])
        yield ask(name, "late JSON", [Reply((Sleep(0.8), Send(make.whole("200 OK", {"id": "x"}))))])
        first = events(name)[0]
        yield ask(
            name,
            "late in the middle",
            [
                Reply(
                    (
                        Send(make.stream(first, end=b"")),
                        Sleep(0.8),
                        Send(make.stream(good[len(first) :])[len(make.begun()) :]),
                    )
                )
            ],
        )
