"""Generated chat requests: each becomes a request that OpenAI's document takes, and nothing of it is lost unnamed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.openai_api.json_body import parse_json_body
from proxy.translation.chat_on_responses.members import MEMBERS, Fate
from proxy.translation.chat_on_responses.request import translate
from tests import documents
from tests.unit.translation.chats import REPLY, Json

# Each value is there once, so that it can be found again; what only has a few values is not looked for.
_marks = st.integers(0, 10**12).map(lambda n: f"mark-{n}")


def _objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(members)


def _some(required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(required, optional=optional)


BREAKPOINT = st.just({"mode": "explicit"})
TEXT = _some({"type": st.just("text"), "text": _marks}, prompt_cache_breakpoint=BREAKPOINT)
IMAGE = _objects(
    type=st.just("image_url"),
    image_url=_some(
        {"url": _marks.map("https://x.example/{}".format)}, detail=st.sampled_from(["low", "high", "auto"])
    ),
)
FILE = _objects(type=st.just("file"), file=_objects(file_id=_marks) | _objects(filename=_marks, file_data=_marks))
PARTS = st.lists(TEXT | IMAGE | FILE, min_size=1, max_size=3)
TEXTS = st.lists(TEXT, min_size=1, max_size=2)
IDS = st.sampled_from(["call_0", "call_1", "", "x" * 80])
CALL = _objects(id=IDS, type=st.just("function"), function=_objects(name=_marks, arguments=_marks))
CUSTOM_CALL = _objects(id=IDS, type=st.just("custom"), custom=_objects(name=_marks, input=_marks))
ADDED = {"x_added": _marks}
MESSAGES = st.lists(
    _some({"role": st.sampled_from(["system", "developer"]), "content": _marks | TEXTS}, name=_marks, **ADDED)
    | _some({"role": st.just("user"), "content": _marks | PARTS}, name=_marks, **ADDED)
    | _some(
        {"role": st.just("assistant")},
        content=st.none() | _marks | TEXTS,
        refusal=st.none() | _marks,
        tool_calls=st.lists(CALL | CUSTOM_CALL, min_size=1, max_size=3),
        function_call=_objects(name=_marks, arguments=_marks),
        name=_marks,
        **ADDED,
    )
    | _some(
        {"role": st.just("tool"), "tool_call_id": st.sampled_from(["call_0", "x" * 80]), "content": _marks | PARTS},
        **ADDED,
    )
    | _some({"role": st.just("function"), "name": st.sampled_from(["a", "b"]), "content": _marks}, **ADDED),
    min_size=1,
    max_size=6,
)
SCHEMA = _objects(type=st.just("object"), title=_marks)
FUNCTION = _some({"name": _marks}, description=_marks, parameters=SCHEMA, strict=st.booleans() | st.none())
GRAMMAR = _objects(
    type=st.just("grammar"), grammar=_objects(definition=_marks, syntax=st.sampled_from(["lark", "regex"]))
)
TOOL = _some({"type": st.just("function"), "function": FUNCTION}, **ADDED) | _objects(
    type=st.just("custom"),
    custom=_some({"name": _marks}, description=_marks, format=st.just({"type": "text"}) | GRAMMAR),
)
CHOICE = _objects(type=st.just("function"), function=_objects(name=_marks))
REQUESTS = _some(
    {"model": _marks, "messages": MESSAGES},
    tools=st.lists(TOOL, max_size=3),
    tool_choice=st.sampled_from(["none", "auto", "required"])
    | CHOICE
    | _objects(
        type=st.just("allowed_tools"),
        allowed_tools=_objects(mode=st.sampled_from(["auto", "required"]), tools=st.lists(CHOICE, max_size=2)),
    ),
    functions=st.lists(_some({"name": _marks}, description=_marks, parameters=SCHEMA), min_size=1, max_size=2),
    function_call=st.sampled_from(["none", "auto"]) | _objects(name=_marks),
    max_tokens=st.integers(16, 10**6),
    max_completion_tokens=st.integers(1, 10**6) | st.none(),
    reasoning_effort=st.sampled_from(["low", "high", None]),
    verbosity=st.sampled_from(["low", "high"]),
    response_format=st.sampled_from([{"type": "text"}, {"type": "json_object"}])
    | _objects(
        type=st.just("json_schema"),
        json_schema=_some({"name": _marks}, schema=SCHEMA, description=_marks, strict=st.booleans() | st.none()),
    ),
    parallel_tool_calls=st.booleans(),
    logprobs=st.booleans(),
    top_logprobs=st.integers(0, 20),
    user=_marks,
    safety_identifier=_marks,
    prompt_cache_key=_marks,
    service_tier=st.sampled_from(["auto", "default", None]),
    metadata=st.dictionaries(_marks, _marks, max_size=2),
    temperature=st.floats(0, 2),
    top_p=st.floats(0, 1),
    stream=st.booleans(),
    stream_options=_some({}, include_usage=st.booleans(), include_obfuscation=st.booleans()),
    store=st.booleans(),
    n=st.just(1),
    modalities=st.just(["text"]),
    stop=_marks | st.lists(_marks, max_size=4),
    seed=st.integers(0, 10),
    frequency_penalty=st.floats(-2, 2),
    presence_penalty=st.floats(-2, 2),
    logit_bias=st.dictionaries(st.sampled_from(["1", "2"]), st.integers(-100, 100)),
    prediction=_objects(type=st.just("content"), content=_marks),
    x_unknown=_marks,
)


@documents.needed
@given(REQUESTS, st.booleans())
def test_what_is_made_of_a_chat_is_a_request_of_responses(asked: Json, reasons: bool) -> None:
    judge = documents.load(documents.OPENAI)
    sent = translate(parse_json_body(json.dumps(asked).encode()), REPLY, reasons=reasons)
    assert judge.faults_of_request("POST", "/responses", json.loads(sent.body.raw)) == []


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every mark in a request, with the places of a list as one."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member, f"{path}[]")
    elif isinstance(value, str) and value.startswith(("mark-", "https://x.example/mark-")):
        yield path, value


# What the proxy does by itself.
DONE_HERE = {name for name, row in MEMBERS.items() if row.fate is Fate.DONE_HERE}


@given(REQUESTS)
def test_no_word_of_a_chat_is_lost_without_its_name(asked: Json) -> None:
    sent = translate(parse_json_body(json.dumps(asked).encode()), REPLY)
    text = sent.body.raw.decode()
    lost = {place for place, mark in leaves(asked) if mark not in text and place.partition("[")[0] not in DONE_HERE}
    named = set(sent.dropped)
    assert all(any(place == name or place.startswith(f"{name}.") for name in named) for place in lost)


@given(REQUESTS)
def test_no_member_of_a_chat_is_lost_without_its_name(asked: Json) -> None:
    sent = translate(parse_json_body(json.dumps(asked).encode()), REPLY)
    body = json.loads(sent.body.raw)
    for name, value in asked.items():
        row = MEMBERS.get(name)
        if value is None or name in sent.dropped or name in DONE_HERE or value in ([], {}, False):
            continue
        place = row.place if row is not None and row.fate is Fate.MOVED else name
        if name == "stream_options":
            assert body.get(name, {}) == {one: value[one] for one in value if one != "include_usage"}
        else:
            held: Any = body
            for step in place.split("."):
                held = held[step]


@given(REQUESTS)
def test_calls_and_their_outputs_go_together(asked: Json) -> None:
    items = json.loads(translate(parse_json_body(json.dumps(asked).encode()), REPLY).body.raw)["input"]
    calls = [item["call_id"] for item in items if item["type"] in ("function_call", "custom_tool_call")]
    assert len(calls) == len(set(calls))
    kinds: dict[str, str] = {}
    for item in (item for item in items if "call_id" in item):
        assert 0 < len(item["call_id"]) <= 64
        kind = item["type"].removesuffix("_output")
        assert kinds.setdefault(item["call_id"], kind) == kind or "output" not in item
        kinds[item["call_id"]] = kind


@documents.needed
def test_the_table_has_every_member_of_a_chat() -> None:
    judge = documents.load(documents.OPENAI)
    known = set(_properties(judge.root, "CreateChatCompletionRequest"))
    assert known - set(MEMBERS) == set()


@documents.needed
def test_a_member_of_responses_that_a_chat_has_not_is_known() -> None:
    judge = documents.load(documents.OPENAI)
    harmless = {"truncation", "max_tool_calls", "context_management"}
    assert set(_properties(judge.root, "CreateResponse")) - set(MEMBERS) == harmless


def _properties(root: Any, name: str) -> Iterator[str]:
    schema = root["components"]["schemas"][name]
    for one in schema.get("allOf", [schema]):
        if "$ref" in one:
            yield from _properties(root, one["$ref"].rpartition("/")[2])
        yield from one.get("properties", {})


@pytest.mark.parametrize("name", sorted(name for name, row in MEMBERS.items() if row.fate is Fate.MOVED))
def test_every_row_tells_where_a_member_goes(name: str) -> None:
    assert MEMBERS[name].place
