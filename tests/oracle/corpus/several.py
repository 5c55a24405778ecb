"""Several resources: failover, cooldown, breaker, fallbacks, models, tags of ids, lists over all."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.oracle.case import Case, End, Exchange, Group, Read, Reply, Send, Sleep
from tests.oracle.corpus import make, operations, streams

_GOOD = make.answer(make.whole("200 OK", {"id": "x", "choices": []}))
# Not a reset: there it counts whether the connection was used before.
_BROKEN = Reply((Send(b"HTTP/1.1 2x0 OK\r\n\r\n"),), End.HOLD)
_TAGS = {"one": "~mrwd", "two": "~rcc3", "three": "~ckps"}
_THREE = ("one", "two", "three")


def _failing(status: int, *headers: str, code: str = "") -> Reply:
    return make.answer(make.whole(f"{status} No", make.error(code or str(status)), *headers))


def groups() -> Iterator[Group]:
    """Yield the groups."""
    two = (make.entry("one"), make.entry("two", priority=1))
    short = make.routing(cooldown=2, breaker_open=2, breaker_failures=2)
    for name, settings, first in (
        ("several", make.resources(*two), "one"),
        ("several-short", make.resources(*two, AZURE_OPENAI_ROUTING=short), "one"),
        ("one-short", make.one_resource(AZURE_OPENAI_ROUTING=short), "azure"),
    ):
        names = ("one", "two") if first == "one" else ("azure",)
        yield make.group(f"{name}-pauses", settings, _states(first, (1.0, 3.0)), *names, at_once=60)
        yield make.group(f"{name}-states", settings, _states(first), *names, at_once=5)
    few = make.routing(attempts=1)
    yield make.group("several-once", make.resources(*two, AZURE_OPENAI_ROUTING=few), _once(), "one", "two")
    yield make.group("several-models", _models_settings(), _models(), *_THREE)
    three = [
        make.entry(name, weight=weight, priority=number)
        for number, (name, weight) in enumerate(zip(_THREE, (1, 1, 1), strict=True))
    ]
    restless = {"AZURE_OPENAI_ROUTING": json.dumps(make.RESTLESS)}
    yield make.group("several-lists", make.resources(*three, **restless), _lists(), *_THREE)
    yield make.group("several-ids", make.resources(*three, **restless), _ids(), *_THREE)
    mixed = list(_mixed())
    yield make.group("several-mixed", _mixed_settings(mixed), mixed, *_THREE)


def _chat(name: str, stream: bool = False) -> bytes:
    return make.request(name, "POST", "/v1/chat/completions", {"model": "MODEL", "messages": [], "stream": stream})


def _states(first: str, pauses: Sequence[float] = ()) -> Iterator[Case]:
    """Yield sequences of calls of one model: what an answer leaves behind shows in the next call."""
    plans: Mapping[str, Sequence[Reply]] = {
        "throttled for 2 s": [_failing(429, "retry-after: 2"), _GOOD],
        "throttled for 30 s": [_failing(429, "retry-after: 30"), _GOOD],
        "throttled without a time": [_failing(429), _GOOD],
        "throttled always": [_failing(429, "retry-after: 9")],
        "503 for 2 s": [_failing(503, "retry-after: 2"), _GOOD],
        "500 once": [_failing(500), _GOOD],
        "500 twice": [_failing(500), _failing(500), _GOOD],
        "500 always": [_failing(500)],
        "400 always": [_failing(400)],
        "401 always": [_failing(401)],
        "403 always": [_failing(403)],
        "404 always": [_failing(404, code="DeploymentNotFound")],
        "404 once": [_failing(404, code="DeploymentNotFound"), _GOOD],
        "408 always": [_failing(408)],
        "409 always": [_failing(409)],
        "424 always": [_failing(424)],
        "501 always": [_failing(501)],
        "502 always": [_failing(502)],
        "garbage once": [_BROKEN, _GOOD],
        "garbage always": [_BROKEN],
        "nothing left of a limit": [
            make.answer(
                make.whole(
                    "200 OK",
                    {"id": "x", "choices": []},
                    "x-ratelimit-remaining-requests: 0",
                    "x-ratelimit-reset-requests: 3s",
                )
            ),
            _GOOD,
        ],
        "nothing left of the tokens": [
            make.answer(make.whole("200 OK", {"id": "x", "choices": []}, "x-ratelimit-remaining-tokens: 0")),
            _GOOD,
        ],
    }
    if pauses or first == "azure":
        plans = {**plans, "throttled shortly": [_failing(429, "retry-after-ms: 40"), _GOOD]}
    for what, plan in plans.items():
        for stream in (False, True):
            yield _sequence(f"{what}{', streams' if stream else ''}", first, plan, stream, pauses)


def _sequence(name: str, first: str, plan: Sequence[Reply], stream: bool, pauses: Sequence[float]) -> Case:
    whole = make.answer(make.stream(streams.events_of("CHAT")))
    fitting = [whole if reply is _GOOD and stream else reply for reply in plan]
    replies = {first: fitting} | ({"two": [whole if stream else _GOOD]} if first == "one" else {})
    raw = _chat(name, stream)
    exchanges = [Exchange((Send(raw), Read()))]
    exchanges += [Exchange((Sleep(pause), Send(raw), Read())) for pause in pauses or (0,) * 6]
    return make.sequence(name, *exchanges, replies=replies)


def _once() -> Iterator[Case]:
    for status in (400, 401, 404, 408, 429, 500, 503):
        name = f"{status}"
        yield make.call(
            name,
            "POST",
            "/v1/chat/completions",
            {"model": "MODEL"},
            replies={"one": [_failing(status)], "two": [_GOOD]},
        )


def _models_settings() -> dict[str, str]:
    entries = (
        make.entry("one", models={"a": "a-1", "both": "both-1", "only-one": "x", "with fallback": "f"}),
        make.entry("two", priority=1, models={"b": "b-2", "both": "both-2"}, default_deployment="rest-2"),
        make.entry("three", priority=2, models={"c": "c-3"}, api_version="v1"),
    )
    restless = {"AZURE_OPENAI_ROUTING": json.dumps(make.RESTLESS)}
    return make.resources(
        *entries, **restless, AZURE_OPENAI_FALLBACKS=json.dumps({"a": ["c"], "only-one": ["b", "c"], "nowhere": ["a"]})
    )


def _models() -> Iterator[Case]:
    names = ("a", "b", "c", "both", "only-one", "nowhere", "a-1", "both-2", "rest-2", "with fallback", "A", "other")
    failing = {"one": [_failing(500)], "two": [_GOOD], "three": [_GOOD]}
    worse = {"one": [_failing(500)], "two": [_failing(500)], "three": [_GOOD]}
    missing = {
        "one": [_failing(404, code="DeploymentNotFound")],
        "two": [_failing(404, code="DeploymentNotFound")],
        "three": [_GOOD],
    }
    for model in names:
        for what, replies in (
            ("works", {name: [_GOOD] for name in _THREE}),
            ("one fails", failing),
            ("two fail", worse),
            ("nobody has it", missing),
        ):
            yield make.call(f"{model}, {what}", "POST", "/v1/chat/completions", {"model": model}, replies=replies)
        yield make.call(
            f"{model} in a path",
            "POST",
            f"/openai/deployments/{model.replace(' ', '%20')}/chat/completions",
            {"messages": []},
            replies={name: [_GOOD] for name in _THREE},
        )
        yield make.call(f"{model} retrieved", "GET", f"/v1/models/{model.replace(' ', '%20')}", None)
        yield make.call(
            f"{model} in a response",
            "POST",
            "/v1/responses",
            {"model": model, "input": "x", "tools": [{"type": "image_generation", "model": "b"}]},
            replies={name: [_GOOD] for name in _THREE},
        )
    yield make.call("models", "GET", "/v1/models", None)
    yield make.call("health", "GET", "/health", None)
    yield make.call("realtime", "GET", "/v1/realtime?model=a", None)


def _items(*numbers: int, tag: str = "file", time: int = 100) -> list[dict[str, object]]:
    return [
        {"id": f"{tag}-{number}", "object": "file", "created_at": time - number, "bytes": number} for number in numbers
    ]


def _page(items: Sequence[Mapping[str, Any]], more: bool = False, **members: object) -> Reply:
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    page = {"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": more}
    return make.answer(make.whole("200 OK", {**page, **members}))


def _lists() -> Iterator[Case]:
    queries = (
        "",
        "?limit=2",
        "?limit=1",
        "?limit=100&order=asc",
        "?order=desc&purpose=batch",
        "?limit=0",
        "?limit=x",
        "?limit=-1",
    )
    cursors = tuple(f"?after=file-3{tag}&limit=2" for tag in (*_TAGS.values(), "", "~none"))
    before = tuple(f"?before=file-3{tag}" for tag in (*_TAGS.values(), ""))
    plans: Mapping[str, Mapping[str, Sequence[Reply]]] = {
        "full": {"one": [_page(_items(1, 3, 5), True)], "two": [_page(_items(2, 4))], "three": [_page(_items(6, 7))]},
        "two empty": {"one": [_page([])], "two": [_page(_items(2, 4))], "three": [_page([])]},
        "empty": {name: [_page([])] for name in _THREE},
        "one fails": {"one": [_failing(500)], "two": [_page(_items(2, 4))], "three": [_page(_items(6))]},
        "one is throttled": {
            "one": [_page(_items(1))],
            "two": [_failing(429, code="429")],
            "three": [_page(_items(6))],
        },
        "one has no such list": {"one": [_page(_items(1))], "two": [_failing(404)], "three": [_page(_items(6))]},
        "one says no": {"one": [_page(_items(1))], "two": [_failing(400)], "three": [_page(_items(6))]},
        "all fail": {name: [_failing(500)] for name in _THREE},
        "one is no JSON": {
            "one": [_page(_items(1))],
            "two": [make.answer(make.whole("200 OK", b"{no"))],
            "three": [_page(_items(6))],
        },
        "one is no list": {
            "one": [_page(_items(1))],
            "two": [make.answer(make.whole("200 OK", {"id": "x"}))],
            "three": [_page(_items(6))],
        },
        "one is garbage": {"one": [_page(_items(1))], "two": [_BROKEN], "three": [_page(_items(6))]},
        "more members": {"one": [_page(_items(1), True, extra=1)], "two": [_page([])], "three": [_page([])]},
    }
    for what, replies in plans.items():
        for query in (*queries, *cursors, *before):
            yield make.call(f"{what} {query}", "GET", f"/v1/files{query}", None, replies=replies)
        for path in (
            "/v1/batches",
            "/v1/assistants",
            "/v1/vector_stores",
            "/v1/fine_tuning/jobs",
            "/v1/evals",
            "/v1/chat/completions",
            "/v1/containers",
            "/v1/videos",
            "/v1/uploads",
        ):
            yield make.call(f"{what} {path}", "GET", path, None, replies=replies)


def _ids() -> Iterator[Case]:
    """Yield calls that name objects of one resource, of two, of none, and answers that name many."""
    good = {name: [make.answer(make.whole("200 OK", _named()))] for name in _THREE}
    tags = (*_TAGS.values(), "", "~none", "~", "~MRWD", "~mrwd~rcc3")
    for tag in tags:
        yield make.call(f"path {tag}", "GET", f"/v1/files/file-1{tag}", None, replies=good)
        yield make.call(f"path encoded {tag}", "GET", f"/v1/files/file-1{tag.replace('~', '%7E')}", None, replies=good)
        yield make.call(f"content {tag}", "GET", f"/v1/files/file-1{tag}/content", None, replies=good)
        yield make.call(
            f"two in the path {tag}",
            "GET",
            f"/v1/vector_stores/vs_1{tag}/files/file-1{_TAGS['two']}",
            None,
            replies=good,
        )
        yield make.call(
            f"query {tag}", "GET", f"/v1/vector_stores/vs_1{_TAGS['two']}/files?after=file-1{tag}", None, replies=good
        )
        yield make.call(
            f"body {tag}", "POST", "/v1/batches", {"input_file_id": f"file-1{tag}", "endpoint": "/v1/x"}, replies=good
        )
        yield make.call(
            f"list in a body {tag}",
            "POST",
            "/v1/vector_stores",
            {"file_ids": [f"file-1{tag}", f"file-2{tag}"]},
            replies=good,
        )
        yield make.call(
            f"two in a body {tag}",
            "POST",
            "/v1/vector_stores",
            {"file_ids": [f"file-1{tag}", f"file-2{_TAGS['two']}"]},
            replies=good,
        )
        yield make.call(
            f"response {tag}",
            "POST",
            "/v1/responses",
            {"model": "MODEL", "previous_response_id": f"resp_1{tag}", "input": "x"},
            replies=good,
        )
        sealed = [
            {"type": "reasoning", "id": f"rs_1{tag}", "encrypted_content": f"QUJD{tag}"},
            {"type": "message", "id": f"msg_1{tag}", "role": "user"},
        ]
        yield make.call(f"items {tag}", "POST", "/v1/responses", {"model": "MODEL", "input": sealed}, replies=good)
        yield make.call(
            f"metadata {tag}",
            "POST",
            "/v1/responses",
            {"model": "MODEL", "metadata": {"file_id": f"file-1{tag}"}, "input": "x"},
            replies=good,
        )
        yield make.call(
            f"stored {tag}",
            "GET",
            f"/v1/responses/resp_1{tag}?stream=true",
            None,
            replies={name: [make.answer(make.stream(streams.events_of("RESPONSE")))] for name in _THREE},
        )
        yield make.call(
            f"files of a container {tag}",
            "POST",
            f"/v1/containers/cntr_1{tag}/files",
            {"file_id": f"file-1{_TAGS['two']}"},
            replies=good,
        )
        down = {"one": [_failing(500)], "two": [_failing(429)], "three": [_BROKEN]}
        yield make.call(f"down {tag}", "GET", f"/v1/files/file-1{tag}", None, replies=down)
        yield make.call(f"delete, down {tag}", "DELETE", f"/v1/files/file-1{tag}", None, replies=down)
        yield make.call(
            f"thread {tag}", "POST", f"/v1/threads/thread_1{tag}/runs", {"assistant_id": f"asst_1{tag}"}, replies=good
        )
    for name in streams.RECORDED:
        good_stream = {one: [make.answer(make.stream(b"".join(streams.events(name))))] for one in _THREE}
        yield streams.ask(name, "tagged", good_stream)
        broken = dict(good_stream) | {"one": [_failing(500)]}
        yield streams.ask(name, "tagged by two", broken)
    for row in operations.ROWS:
        if row["stored"]:
            names = {one: [make.answer(make.whole("200 OK", _named()))] for one in _THREE}
            body, kind = operations.asked(row)
            yield make.call(
                f"answer of {row['name']}",
                row["method"],
                "/v1" + operations.path_of(row, _TAGS["two"]),
                body,
                headers={"content-type": kind} if kind else {},
                replies=names,
            )


def _named() -> dict[str, object]:
    kinds = (
        "assistant-",
        "asst_",
        "batch_",
        "cfile_",
        "chatcmpl-",
        "cntr_",
        "conv_",
        "eval_",
        "file-",
        "ftjob-",
        "msg_",
        "resp_",
        "rs_",
        "thread_",
        "upload_",
        "video_",
        "vs_",
        "call_",
        "x_",
    )
    members = (
        "file_id",
        "file_ids",
        "input_file_id",
        "output_file_id",
        "previous_response_id",
        "conversation",
        "container",
        "item_id",
        "training_file",
        "result_files",
    )
    return {
        "id": "file-1",
        "data": [{"id": f"{kind}1", "object": "thing"} for kind in kinds],
        **{member: ["file-1", "file-2"] if member.endswith("s") else "file-1" for member in members},
        "output": [{"id": "rs_1", "encrypted_content": "QUJD/+=="}],
        "metadata": {"file_id": "file-1", "id": "file-2"},
        "text": '"file_id":"file-1"',
        "first_id": "file-1",
        "last_id": "file-2",
    }


def _mixed_settings(cases: Sequence[Case]) -> dict[str, str]:
    """Return two kinds of Azure, and OpenAI as the last resort; each case has a model of its own."""
    models = [
        {case.tag: f"{case.tag}-{number}" for case in cases if " mapped " in case.name and " not " not in case.name}
        for number in range(3)
    ]
    return make.resources(
        make.entry("one", models=models[0]),
        make.entry("two", priority=1, api_version="v1", models=models[1]),
        make.entry("three", priority=2, kind="openai", models=models[2]),
    )


def _mixed() -> Iterator[Case]:
    good = {name: [_GOOD] for name in _THREE}
    failed = _failing(500)
    for path, members in (
        ("chat/completions", {"messages": []}),
        ("responses", {"input": "x"}),
        ("embeddings", {"input": "x"}),
        ("completions", {"prompt": "x"}),
        ("images/generations", {"prompt": "x"}),
        ("audio/speech", {"input": "x"}),
    ):
        for what, model in (("mapped", "MODEL"), ("not mapped", "gpt-MODEL"), ("fine-tuned", "ft:gpt-4o:org::MODEL")):
            for count in range(4):
                replies = {**good, **{name: [failed] for name in _THREE[:count]}}
                yield make.call(
                    f"{path} {what} {count} fail", "POST", f"/v1/{path}", {"model": model, **members}, replies=replies
                )
    for row in operations.ROWS[::4]:
        body, kind = operations.asked(row)
        tagged = "/v1" + operations.path_of(row, _TAGS["three"])
        yield make.call(
            f"of OpenAI {row['name']}",
            row["method"],
            tagged,
            body,
            headers={"content-type": kind} if kind else {},
            replies=good,
        )
