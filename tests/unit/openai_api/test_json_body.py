"""JSON bodies: a few fields are read, one is replaced, every other byte stays as it came."""

import json
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import parse_json_body

NAMES = st.sampled_from(["model", "stream", "messages", "mod", "modelx", "Model", "", "\\", '"', "é", "a b", "{", "}"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10) | st.sampled_from(['","model":"x', '"model":"x"', "\\", "\ud83d", '{"model":1}', "}]"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
# The plane of most letters: names beyond it have cases of their own below.
OBJECTS = st.dictionaries(NAMES | st.text(st.characters(max_codepoint=0xD7FF), max_size=6), VALUES, max_size=6)
RANDOM = st.randoms(use_true_random=True)


def blank(random: Random) -> str:
    return "".join(random.choices(" \t\r\n", k=random.choice((0, 0, 0, 1, 3))))


def spelt(text: str, random: Random) -> str:
    """Return a JSON string in which some characters are written as escapes, in either case."""
    written = []
    for character in text:
        plain = json.dumps(character, ensure_ascii="\ud800" <= character <= "\udfff")[1:-1]
        units = character.encode("utf-16-be", "surrogatepass").hex()
        escaped = "".join("\\u" + units[at : at + 4] for at in range(0, len(units), 4))
        written.append(random.choice((plain, plain, escaped, escaped.upper().replace("U", "u"))))
    return '"' + "".join(written) + '"'


def rendered(value: object, random: Random) -> str:
    """Return a value as JSON with random white space and random spellings."""
    if isinstance(value, str):
        return spelt(value, random)
    if isinstance(value, list):
        return "[" + ",".join(around(rendered(item, random), random) for item in value) + blank(random) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(member(name, item, random) for name, item in value.items()) + blank(random) + "}"
    return json.dumps(value)


def around(text: str, random: Random) -> str:
    return blank(random) + text + blank(random)


def member(name: str, value: object, random: Random) -> str:
    return around(spelt(name, random), random) + ":" + around(rendered(value, random), random)


def document(members: list[str], random: Random) -> str:
    return around("{" + (",".join(members) or blank(random)) + "}", random)


@given(OBJECTS, VALUES, VALUES, RANDOM)
def test_replacing_a_value_changes_its_bytes_and_no_others(
    others: dict[str, object], old: object, new: object, random: Random
) -> None:
    others.pop("model", None)
    members = [member(name, value, random) for name, value in others.items()]
    at, before, after = random.randint(0, len(members)), rendered(old, random), rendered(new, random)
    head, tail = around(spelt("model", random), random) + ":" + blank(random), blank(random)
    start, end = blank(random), blank(random)

    def written(value: str) -> bytes:
        inner = ",".join([*members[:at], head + value + tail, *members[at:]])
        return (start + "{" + inner + "}" + end).encode()

    replaced = parse_json_body(written(before)).replace("model", after.encode())
    assert replaced == written(after)
    assert json.loads(replaced) == {**others, "model": new}


@given(OBJECTS, RANDOM)
def test_the_top_level_members_are_found_with_their_values(members: dict[str, object], random: Random) -> None:
    raw = document([member(name, value, random) for name, value in members.items()], random).encode()
    body = parse_json_body(raw)
    assert {name: json.loads(raw[start:end]) for name, (start, end) in body.spans.items()} == members
    model = members.get("model")
    if isinstance(model, str) and model.isprintable():
        assert body.text("model") == model


@given(OBJECTS, VALUES, RANDOM)
def test_a_name_that_stands_twice_is_refused_wherever_it_stands(
    members: dict[str, object], value: object, random: Random
) -> None:
    assume(members)
    texts = [member(name, item, random) for name, item in members.items()]
    name = random.choice(sorted(members))
    repeated = random.choice((value, members[name]))
    texts.insert(random.randint(0, len(texts)), member(name, repeated, random))
    with pytest.raises(InvalidRequest, match="more than one member"):
        parse_json_body(document(texts, random).encode())


@pytest.mark.parametrize(
    "members",
    [
        '"model":"a","model":"b"', '"model":"a","\\u006dodel":"a"', '"\\u006Dodel":1,"model":1', '"model":1,"model":12',
        '"model":12,"model":1', '"model":1,"model":1.0', '"model":-1,"model":-1e5', '"model":"a","model":"a\\\\"',
        '"model":{},"model":{"a":1}', '"model":{"a":1},"model":{}', '"model":[],"model":[[]]',
        '"model":null,"model":null',
        '"model":"a","x":{"model":"b"},"model":"a"', '"model":"x\\",\\"model\\":\\"","model":"x"', '"":1,"":2',
        '"model":{"model":"a"},"model":"a"', '"model":"a" ,\n"model" :\t"a"', '"x":1,"y":2,"x":3', '"é":1,"\\u00E9":2',
        '"model":"\\ud800","model":"a"', '"model":true,"model":{"model":true,"model":true}',
    ],
)  # fmt: skip
def test_a_crafted_duplicate_is_refused(members: str) -> None:
    with pytest.raises(InvalidRequest, match="more than one member"):
        parse_json_body(f"{{{members}}}".encode())


@pytest.mark.parametrize("extra", ["", ',"x":"\\ud800"'], ids=["as it is", "beside half a surrogate"])
def test_a_name_inside_a_value_is_never_taken_for_one_at_the_top(extra: str) -> None:
    raw = ('{"a":{"model":"1","model":"2"},"b":["model",{"model":3}],"c":"\\",\\"model\\":\\"4",'
           '"model":"5","d":{"model":{"model":6}}' + extra + "}").encode()  # fmt: skip
    body = parse_json_body(raw)
    assert body.text("model") == "5"
    assert body.replace("model", b'"7"') == raw.replace(b'"5"', b'"7"')


@pytest.mark.parametrize("value", ['"\\ud800"', '"\\udc00\\ud800"', '["\\uD83D"]', '{"\\udfff":"\\ud83d\\ude00"}'])
def test_half_a_surrogate_is_accepted_and_kept(value: str) -> None:
    raw = f'{{"model":"a","messages":{value}}}'.encode()
    body = parse_json_body(raw)
    assert body.raw == raw
    assert body.replace("model", b"1") == raw.replace(b'"a"', b"1")


@pytest.mark.parametrize("extra", ["", ',"x":"\\ud800"'], ids=["as it is", "beside half a surrogate"])
def test_a_name_of_emoji_is_one_name_however_it_is_spelt(extra: str) -> None:
    assert "😀" in parse_json_body(f'{{"\\ud83d\\ude00":1{extra}}}'.encode()).spans
    with pytest.raises(InvalidRequest, match="more than one member"):
        parse_json_body(f'{{"😀":1,"\\ud83d\\ude00":1{extra}}}'.encode())


def test_null_counts_as_absent() -> None:
    body = parse_json_body(b'{"model":null,"stream":null}')
    assert (body.text("model"), body.text("user"), body.flag("stream"), body.flag("store")) == (
        None,
        None,
        False,
        False,
    )


def test_a_value_of_another_type_names_the_parameter() -> None:
    body = parse_json_body(b'{"model":1,"stream":"yes"}')
    with pytest.raises(InvalidRequest, match="Invalid type for 'model': expected a string") as caught:
        body.text("model")
    assert (caught.value.param, caught.value.code) == ("model", "invalid_type")
    with pytest.raises(InvalidRequest, match="Invalid type for 'stream': expected a boolean"):
        body.flag("stream")


def test_the_message_shows_only_the_beginning_of_a_long_name() -> None:
    name = b'"' + b"n" * 10_000 + b'":1'
    with pytest.raises(InvalidRequest) as caught:
        parse_json_body(b"{" + name + b"," + name + b"}")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("prompt", "length"),
    [(b'"a"', 1), (b'["a","b"]', 2), (b"[1,2,3]", 1), (b"[[1],[2],[3]]", 3), (b"[]", 1), (b"null", 1), (b"{}", 1)],
)
def test_the_prompts_of_a_request_are_counted(prompt: bytes, length: int) -> None:
    assert parse_json_body(b'{"prompt":' + prompt + b"}").length("prompt") == length
    assert parse_json_body(b"{}").length("prompt") == 1


@pytest.mark.parametrize("members", ['"\\ud83d":1', '"\\ud83d":1,"\\ud83d":2', '"a":1,"b\\udc00":[]'])
def test_half_a_surrogate_in_a_name_is_refused(members: str) -> None:
    with pytest.raises(InvalidRequest, match="surrogate") as caught:
        parse_json_body(f"{{{members}}}".encode())
    assert caught.value.message.isascii()


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\xbd", b"\xe6\x97"])
@pytest.mark.parametrize("size", [0, 600_000])
def test_a_body_that_is_no_utf_8_is_refused_wherever_it_is_not(bad: bytes, size: int) -> None:
    for raw in (b'{"x":["%s%s"]}', b'{"x":1,"%s%s":1}'):
        with pytest.raises(InvalidRequest, match="not valid JSON"):
            parse_json_body(raw % (b"x" * size, bad))


@pytest.mark.parametrize("offset", range(4))
def test_a_large_body_of_many_letters_is_utf_8(offset: int) -> None:
    raw = ('{"x":"' + "x" * offset + "é😀" * 200_000 + '"}').encode()
    assert parse_json_body(raw).raw == raw
