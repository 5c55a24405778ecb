"""Every operation: its plain call, its other addresses, its refusals, its stream, and with two resources.

`operations.json` was written once from the app's table of operations.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.oracle.case import Case, End, Group, Reply, Send
from tests.oracle.corpus import make, streams

ROWS: Sequence[Mapping[str, Any]] = json.loads(Path(__file__).with_name("operations.json").read_text())
# The tags of the resources `one` and `two`.
TAGS = {"one": "~mrwd", "two": "~rcc3"}
# What stands in a path for each of its parameters.
IDS = {
    "assistant_id": "asst_1",
    "batch_id": "batch_1",
    "call_id": "call_1",
    "character_id": "char_1",
    "checkpoint": "ft:gpt:1",
    "completion_id": "chatcmpl-1",
    "container_id": "cntr_1",
    "conversation_id": "conv_1",
    "eval_id": "eval_1",
    "file_id": "file-1",
    "fine_tuning_job_id": "ftjob-1",
    "item_id": "msg_1",
    "message_id": "msg_1",
    "model": "MODEL",
    "output_item_id": "outputitem_1",
    "permission_id": "cp_1",
    "response_id": "resp_1",
    "run_id": "run_1",
    "step_id": "step_1",
    "thread_id": "thread_1",
    "upload_id": "upload_1",
    "vector_store_id": "vs_1",
    "video_id": "video_1",
}
FILTERS = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, "detected": False}}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
LINES = b'{"custom_id":"1","method":"POST","url":"/chat/completions","body":{"model":"MODEL","messages":[]}}\n'
_HEADERS = (
    "apim-request-id: apim-1",
    "x-ms-region: Sweden Central",
    "openai-processing-ms: 12",
    "x-ratelimit-remaining-requests: 9",
    "x-ratelimit-limit-tokens: 1000",
    "x-ratelimit-reset-tokens: 1",
    "location: /openai/v1/somewhere/1",
    "set-cookie: a=b",
    "x-content-type-options: nosniff",
)


def groups() -> Iterator[Group]:
    """Yield the groups."""
    restless = {"AZURE_OPENAI_ROUTING": json.dumps(make.RESTLESS)}
    alone = make.one_resource(**restless)
    yield make.group("operations", alone, [_plain(row) for row in ROWS] + list(_elsewhere()))
    yield make.group("operations-v1", alone | {"AZURE_OPENAI_API_VERSION": "v1"}, [_plain(row) for row in ROWS])
    mapped = alone | {"AZURE_OPENAI_DEFAULT_DEPLOYMENT": "the-default"}
    yield make.group("operations-default-deployment", mapped, [_plain(row) for row in ROWS if row["body"] != "NONE"])
    yield make.group("operations-refused", alone, _refusals())
    yield make.group("operations-methods", alone, _methods())
    yield make.group("operations-streams", alone, _streams())
    stored = [_plain(row) for row in ROWS if row["stored"] or row["body"] in ("MODEL", "MODEL_IF_ANY")]
    yield make.group("operations-not-stored", alone | {"STORED_OBJECTS": "off"}, [*stored, *_storing()])
    two = make.resources(make.entry("one"), make.entry("two", priority=1), **restless)
    yield make.group("operations-two", two, _of_two(), "one", "two")
    chosen = ",".join(
        f"{row['name']}={'classic' if row['surface'] == 'V1' else 'v1'}" for row in ROWS if row["surface"] in _CHOOSABLE
    )
    yield make.group(
        "operations-surfaces", alone | {"AZURE_OPENAI_OPERATION_SURFACES": chosen}, [_plain(row) for row in ROWS]
    )
    openai = {"kind": "openai", "endpoint": "{url:one}/v1"}
    yield make.group(
        "operations-openai",
        make.resources(make.entry("one", **openai), **restless),
        [_plain(row, "one") for row in ROWS],
        "one",
    )


_CHOOSABLE = ("V1", "CLASSIC", "DEPLOYMENT")


def path_of(row: Mapping[str, Any], tag: str = "") -> str:
    """Return the path of an operation with its parameters filled."""
    parts = row["path"].replace("*", "somewhere").split("/")
    return "/".join(_value(part[1:-1], tag) if part.startswith("{") else part for part in parts)


def _value(name: str, tag: str) -> str:
    return IDS[name] + (tag if name != "model" else "")


def asked(row: Mapping[str, Any], tag: str = "") -> tuple[bytes | None, str | None]:
    """Return a body that fits an operation, and its type."""
    kind, path = row["body"], row["path"]
    if kind == "NONE":
        return None, None
    if kind in ("FORM", "SESSION_FORM", "FILE"):
        return _form(row), make.FORM
    if kind == "STREAM":
        return b"bytes that pass \x00\xff", "application/octet-stream"
    return make.encode(_document(kind, path, tag)), make.JSON


def _document(kind: str, path: str, tag: str) -> dict[str, object]:
    if kind == "SESSION":
        return {"session": {"type": "realtime", "model": "MODEL", "instructions": "ß"}}
    if kind == "DATA_SOURCE":
        return {"data_source": {"type": "completions", "model": "MODEL"}, "name": "run"}
    document: dict[str, object] = {"model": "MODEL"} if kind in ("MODEL", "MODEL_IF_ANY") else {}
    if path.startswith("/chat"):
        document["messages"] = [{"role": "user", "content": "Grüße"}]
    elif path.startswith("/responses"):
        document |= {"input": "hi", "previous_response_id": f"resp_0{tag}"}
    else:
        document |= {"input": "hi", "file_id": f"file-2{tag}", "metadata": {"file_id": "file-3"}}
    return document


def _form(row: Mapping[str, Any]) -> bytes:
    if row["body"] == "FILE":
        return make.form(("purpose", "", b"batch"), ("file", '; filename="a.jsonl"', LINES))
    if row["body"] == "SESSION_FORM":
        return make.form(("sdp", "", b"v=0"), ("session", "", b'{"type":"realtime","model":"MODEL"}'))
    return make.form(("model", "", b"MODEL"), ("file", '; filename="a.wav"', b"RIFF\x00\xff"), ("prompt", "", b"hi"))


def answered(row: Mapping[str, Any], suffix: str = "") -> bytes:
    """Return an answer of Azure with all that the app changes in one."""
    if row["download"]:
        headers = ("content-disposition: attachment; filename=a.bin", *_HEADERS)
        return make.whole(
            "200 OK", b"\x00bytes of a file\xff" + suffix.encode(), *headers, kind="application/octet-stream"
        )
    if row["method"] == "GET" and not row["path"].endswith("}"):
        return make.whole("200 OK", _page(row, suffix), *_HEADERS)
    return make.whole("200 OK", _object(row, suffix), *_HEADERS)


def _kind_of(path: str) -> str:
    kinds = [value for name, value in IDS.items() if "{" + name + "}" in path.split("/")[-1:]]
    found = {"/files": "file-1", "/responses": "resp_1", "/batches": "batch_1", "/vector_stores": "vs_1"}
    return kinds[0] if kinds else next((one for start, one in found.items() if path.startswith(start)), "conv_1")


def _object(row: Mapping[str, Any], suffix: str) -> dict[str, object]:
    return {
        "id": _kind_of(row["path"]) + suffix,
        "object": "thing",
        "created": 1,
        "model": "gpt",
        "file_id": f"file-9{suffix}",
        "previous_response_id": f"resp_8{suffix}",
        "metadata": {"file_id": "file-7", "id": "resp_7"},
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTERS}],
        "content_filter_results": FILTERS,
        "content_filters": [{"blocked": False}],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Grüße \u2028 an alle"},
                "content_filter_results": FILTERS,
            }
        ],
        "output": [{"id": f"msg_1{suffix}", "type": "message", "content_filters": None}],
        "usage": USAGE,
    }


def _page(row: Mapping[str, Any], suffix: str) -> dict[str, object]:
    first = _kind_of(row["path"])
    stem = first.rstrip("0123456789")
    items = [{"id": f"{stem}{number}{suffix}", "object": "thing", "created_at": 10 - number} for number in (1, 2)]
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"],
        "last_id": items[-1]["id"],
        "has_more": False,
    }


def _call(name: str, row: Mapping[str, Any], replies: make.Replies, path: str | None = None, tag: str = "") -> Case:
    body, kind = asked(row, tag)
    headers = {"content-type": kind} if kind else {}
    target = path or "/v1" + path_of(row, tag)
    return make.call(name, row["method"], target, body, headers=headers, replies=replies)


def _plain(row: Mapping[str, Any], where: str = "azure") -> Case:
    return _call(f"{row['name']} {row['method']}", row, {where: [make.answer(answered(row))]})


def _elsewhere() -> Iterator[Case]:
    """Yield the calls at all other addresses of the same operation."""
    for row in ROWS:
        path = path_of(row)
        for prefix in ("", "/openai", "/openai/v1", "/v1/v1", "/v1/openai"):
            yield _call(
                f"{row['name']} at {prefix or '/'} {row['method']}", row, [make.answer(answered(row))], prefix + path
            )
        named = f"/openai/deployments/MODEL{path}?api-version=2024-02-01"
        yield _call(f"{row['name']} at a deployment {row['method']}", row, [make.answer(answered(row))], named)
        yield _call(
            f"{row['name']} at an engine, with a query {row['method']}",
            row,
            [make.answer(answered(row))],
            f"/v1/engines/MODEL{path}/?limit=2&after=file-1&api-key=no&code=no&x=%7E%2F",
        )


def _refusals() -> Iterator[Case]:
    """Yield the calls that Azure refuses, or does not answer well."""
    answers: Mapping[str, bytes] = {
        "400": make.whole(
            "400 Bad Request", make.error("invalid_request_error", param="x", type="invalid_request_error")
        ),
        "401": make.whole("401 Unauthorized", make.error("401", "Access denied due to invalid subscription key.")),
        "403": make.whole("403 Forbidden", make.error("AuthorizationFailed")),
        "404": make.whole("404 Resource Not Found", make.error("404", "Resource not found")),
        "404 of a deployment": make.whole(
            "404 No", make.error("DeploymentNotFound", "The API deployment does not exist.")
        ),
        "404 of an object": make.whole("404 No", make.error("not_found", "No such File object: file-1", param="id")),
        "409": make.whole("409 Conflict", make.error("conflict")),
        "429": make.whole("429 Too Many Requests", make.error("429")),
        "500": make.whole("500 Internal Server Error", {"error": {"message": "It broke."}}),
        "503 as HTML": make.whole("503 Service Unavailable", b"<html>", kind="text/html"),
        "200 that is no JSON": make.whole("200 OK", b"{nothing"),
        "204": b"HTTP/1.1 204 No Content\r\n\r\n",
        "201": make.whole("201 Created", {"id": "file-1"}),
        "202 with a location": make.whole(
            "202 Accepted", b"", "location: https://x.openai.azure.com/openai/v1/files/1?api-version=1"
        ),
        "200 in chunks": make.begun(kind=make.JSON) + make.chunk(b'{"id":') + make.chunk(b'"file-1"}') + make.LAST,
        "cut": make.whole("200 OK", b'{"id":"file-1"}')[:-4],
    }
    chosen = [row for row in ROWS if row["surface"] in _CHOOSABLE][::3]
    for row in chosen:
        for what, raw in answers.items():
            reply = Reply((Send(raw),), End.CLOSE if what == "cut" else End.REUSE)
            yield _call(f"{row['name']} {what}", row, [reply])


def _methods() -> Iterator[Case]:
    """Yield other methods at each path."""
    for row in {row["path"]: row for row in ROWS}.values():
        path = "/v1" + path_of(row)
        for method in ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "GET", "POST"):
            replies = [make.answer(answered(row))]
            yield make.call(
                f"{method} {row['path']}",
                method,
                path,
                b"{}" if method in ("PUT", "PATCH", "POST") else None,
                replies=replies,
            )


def _streams() -> Iterator[Case]:
    """Yield the calls that stream, and those that ask for a stream of what has none."""
    for row in ROWS:
        if row["body"] not in ("MODEL", "MODEL_IF_ANY", "OPAQUE") or row["surface"] not in _CHOOSABLE:
            continue
        body, _ = asked(row)
        assert body is not None
        flagged = make.encode({**json.loads(body), "stream": True})
        for what, raw in (("events", make.stream(streams.events_of(row["stream"]))), ("JSON", answered(row))):
            yield make.call(
                f"{row['name']} asked for a stream, answered with {what}",
                row["method"],
                "/v1" + path_of(row),
                flagged,
                replies=[make.answer(raw)],
            )


def _storing() -> Iterator[Case]:
    for path, member in (("/v1/responses", {"input": "x"}), ("/v1/chat/completions", {"messages": []})):
        for store in (True, False, None, "yes"):
            yield make.call(
                f"store {store} {path}",
                "POST",
                path,
                {"model": "MODEL", **member, "store": store},
                replies=[make.answer(make.whole("200 OK", {"id": "resp_1"}))],
            )


def _of_two() -> Iterable[Case]:
    """Yield the calls with two resources: without tags, with those of each, with one that nobody has."""
    for row in ROWS:
        replies = {name: [make.answer(answered(row))] for name in ("one", "two")}
        if row["method"] == "GET" and not row["path"].endswith("}"):
            replies["two"] = [make.answer(answered(row, "b"))]
        for what, tag in (("", ""), (" of one", TAGS["one"]), (" of two", TAGS["two"]), (" of nobody", "~none")):
            yield _call(f"{row['name']}{what} {row['method']}", row, replies, None, tag)
