"""Azure's refusals of parameters, and the repairs that they lead to."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.repair import apply, encode_repairs, find_repairs
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.values import Repair
from tests.unit.azure_api import recorded

ALL = [
    *("temperature", "top_p", "presence_penalty", "frequency_penalty", "verbosity", "max_tokens"),
    *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "prompt_cache_of_the_future"),
    *("parallel_tool_calls", "reasoning_effort", "stream_options", "safety_identifier", "service_tier", "user"),
]
# Leaving these out would change what is asked for, or what it costs.
KEPT = [
    *("tools", "tool_choice", "response_format", "seed", "stop", "reasoning", "logprobs", "n", "logit_bias"),
    *("functions", "stream", "messages", "model", "store", "metadata", "modalities", "prediction"),
    *("max_output_tokens", "text", "Temperature", "input", "include", "background", "previous_response_id"),
]
CHAT = parse_json_body(json.dumps({"messages": [], "temperature": 0.0, **dict.fromkeys([*ALL[1:], *KEPT], 1)}).encode())
RESPONSE = parse_json_body(
    b'{"input":"hi","text":{"verbosity": "low"},"max_tokens":1,"prompt_cache_options":{"ttl":9}}'
)

NEWER = Repair(parameter="max_tokens", renamed_to="max_completion_tokens")
OLDER = Repair(parameter="max_completion_tokens", renamed_to="max_tokens")
REFUSED_VALUE = "Unsupported value: 'temperature' does not support 0.0 with this model."


def refusal(message: object = "", param: object = None, code: object = None) -> bytes:
    return json.dumps(
        {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    ).encode()


def found(body: bytes, document: JsonBody = CHAT) -> tuple[Repair, ...]:
    return find_repairs(400, body, document)


@pytest.mark.parametrize("case", recorded.cases("refusal.json"))
def test_of_the_samples_only_three_are_repaired(case: str) -> None:
    sample = json.loads(recorded.read(case, "refusal.json"))
    body = sample["body"] if isinstance(sample["body"], str) else json.dumps(sample["body"])
    repairs: Mapping[str, tuple[Repair, ...]] = {
        "error_400_unsupported_parameter": (NEWER,),
        "error_400_unsupported_value": (Repair(parameter="temperature"),),
        "error_400_unknown_parameter": (Repair(parameter="stream_options"),),
    }
    assert find_repairs(sample.get("status", 400), body.encode(), CHAT) == repairs.get(case, ())


@pytest.mark.parametrize("code", ["unsupported_parameter", "unknown_parameter", "unrecognized_request_argument"])
@pytest.mark.parametrize("name", ALL)
def test_what_only_tunes_an_answer_is_repaired(code: str, name: str) -> None:
    expected = NEWER if name == "max_tokens" else Repair(parameter=name)
    assert found(refusal("No.", name, code)) == (expected,)
    assert found(refusal("No.", name, code.upper())) == (expected,)


@pytest.mark.parametrize("code", ["unsupported_parameter", "unknown_parameter", "unsupported_value", None])
@pytest.mark.parametrize("name", KEPT)
def test_what_changes_the_meaning_stays_refused(code: str | None, name: str) -> None:
    assert found(refusal("No.", name, code)) == ()
    for words in (
        "Unsupported parameter: '{}'.",
        "Unrecognized request argument supplied: {}",
        "{} is not supported on this model",
    ):
        assert found(refusal(words.format(name), None, code)) == ()


@pytest.mark.parametrize(
    ("message", "param", "code", "names"),
    [
        ("Unknown parameter: 'top_p'.", None, "unknown_parameter", ["top_p"]),
        ("Unsupported parameter: 'top_p' is not supported with this model.", None, None, ["top_p"]),
        ("Unsupported parameter: 'top_p' is not supported with this model.", "top_p", None, ["top_p"]),
        ("Unsupported parameter: 'top_p'. (request id: 2025)", "", "", ["top_p"]),
        ("Unsupported parameter: top_p", None, None, ["top_p"]),
        ("Unrecognized request argument supplied: top_p", None, None, ["top_p"]),
        ("Unrecognized request argument supplied: top_p.", None, "BadRequest", ["top_p"]),
        ("Unrecognized request argument supplied: top_p", None, "unrecognized_request_argument", ["top_p"]),
        ("Unrecognized request argument(s) supplied: top_p", None, 400, ["top_p"]),
        ("Unrecognized request arguments supplied: top_p, verbosity", None, None, ["top_p", "verbosity"]),
        ("Unrecognized request argument(s) supplied: verbosity,top_p, top_p", None, None, ["verbosity", "top_p"]),
        ("prompt_cache_key is not supported on this model", "prompt_cache_key", "invalid_parameter",
         ["prompt_cache_key"]),
        ("'prompt_cache_key' is not supported with this model.", None, "invalid_request_error", ["prompt_cache_key"]),
        ("Unknown parameter: 'prompt_cache_options.ttl'.", None, "unknown_parameter", ["prompt_cache_options"]),
        ("Unsupported parameter: 'temperature'", "top_p", "unsupported_parameter", ["top_p"]),
        ("Half a smile \ud83d", "top_p", "unknown_parameter", ["top_p"]),
    ],
)  # fmt: skip
def test_every_spelling_of_a_refusal_is_read(message: str, param: str | None, code: object, names: list[str]) -> None:
    assert found(refusal(message, param, code)) == tuple(Repair(parameter=name) for name in names)


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("Invalid 'top_p': must be at most 1.", "top_p", "decimal_above_max_value"),
        ("Invalid value: 'x'.", "top_p", "invalid_value"),
        ("Invalid type for 'top_p'.", "top_p", "invalid_type"),
        ("top_p is too high", "top_p", "invalid_parameter"),
        ("top_p is too high", "top_p", None),
        ("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens",
         "invalid_parameter_combination"),
        ("Unrecognized request arguments supplied: top_p, tools", None, None),
        ("Unrecognized request arguments supplied: top_p, foo-bar", None, None),
        ("Unrecognized request arguments supplied: max_tokens, max_completion_tokens", None, None),
        ("Unsupported value: 'low' is not supported with this model.", None, "unsupported_value"),
        ("Unsupported value: 'max_tokens' does not support 9 with this model.", "max_tokens", "unsupported_value"),
        ("Unsupported value: 'max_tokens' does not support 9 with this model.", None, None),
        ("Nothing is named.", None, "unsupported_parameter"),
        ("", {"name": "top_p"}, ["unsupported_parameter"]),
        ("No.", "prompt_cache_\r\nx-evil: 1", "unknown_parameter"),
        ("No.", "prompt_cache_", "unknown_parameter"),
        ("No.", "metadata.temperature", "unknown_parameter"),
    ],
)  # fmt: skip
def test_every_other_refusal_stays(message: str, param: object, code: object) -> None:
    document = parse_json_body(
        b'{"messages":[],"top_p":1,"max_tokens":1,"max_completion_tokens":1,"foo":1,"low":1,"prompt_cache_":1,'
        b'"prompt_cache_\\r\\nx-evil: 1":1,"metadata":{"temperature":1}}'
    )
    assert found(refusal(message, param, code), document) == ()


@pytest.mark.parametrize("status", [200, 401, 404, 422, 429, 500])
def test_only_a_400_is_a_refusal(status: int) -> None:
    assert find_repairs(status, refusal("No.", "top_p", "unknown_parameter"), CHAT) == ()


@pytest.mark.parametrize("name", ["top_p", "verbosity", "text.verbosity", "max_tokens", "prompt_cache_key"])
@pytest.mark.parametrize("raw", [b"{}", b'{"messages":[]}', b'{"messages":[],"text":"low"}', b'{"text":{"a":1,"a":2}}'])
def test_what_the_request_does_not_have_is_not_repaired(name: str, raw: bytes) -> None:
    assert found(refusal("No.", name, "unknown_parameter"), parse_json_body(raw)) == ()


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (REFUSED_VALUE, b"0.0"),
        # What is not the default is refused too, and the default is what a request without it asks for.
        (REFUSED_VALUE + " Only the default (1) value is supported.", None),
    ],
)
@pytest.mark.parametrize(("param", "code"), [("temperature", "unsupported_value"), (None, None)])
def test_a_refused_value_is_remembered_unless_every_other_is_refused_too(
    message: str, value: bytes | None, param: str | None, code: str | None
) -> None:
    assert found(refusal(message, param, code)) == (Repair(parameter="temperature", value=value),)


LEVELS = "Supported values are: 'low', 'medium', and 'high'."
EFFORT = "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. "


@pytest.mark.parametrize(
    ("raw", "param", "code", "message", "sent"),
    [
        ({"reasoning_effort": "minimal"}, "reasoning_effort", "unsupported_value", EFFORT + LEVELS, '"low"'),
        ({"reasoning_effort": "minimal"}, None, None, EFFORT + LEVELS, '"low"'),
        ({"reasoning_effort": "none"}, "reasoning_effort", "invalid_value", f"Invalid: 'none'. {LEVELS}", '"low"'),
        ({"reasoning_effort": "xhigh"}, "reasoning_effort", None, f"Invalid value: 'xhigh'. {LEVELS}", '"high"'),
        ({"reasoning_effort": "medium"}, "reasoning_effort", "unsupported_value", "Expected one of 'low', 'high'.",
         '"low"'),
        ({"reasoning_effort": "high"}, "reasoning_effort", "unsupported_value", "Must be one of 'none' or 'minimal'.",
         '"minimal"'),
        ({"verbosity": "low"}, "verbosity", "unsupported_value", "Supported values are: 'medium'.", '"medium"'),
        ({"temperature": 0.0}, "temperature", "unsupported_value", REFUSED_VALUE + " One of: 0.5.", "0.5"),
        ({"temperature": 0.8}, "temperature", "unsupported_value", "Supported values are: 0, 0.5 and 1.", "1"),
        ({"service_tier": "flex"}, "service_tier", "unsupported_value", "Expected one of 'auto', 'default'.",
         '"default"'),
        ({"prompt_cache_retention": "24h"}, "prompt_cache_retention", "invalid_value",
         "Invalid value: '24h'. Supported values are: 'in_memory'.", '"in_memory"'),
    ],
)  # fmt: skip
def test_the_nearest_of_the_allowed_values_is_sent(
    raw: dict[str, object], param: str | None, code: str | None, message: str, sent: str
) -> None:
    document = parse_json_body(json.dumps({"messages": [], **raw}).encode())
    [(name, value)] = raw.items()
    repairs = found(refusal(message, param, code), document)
    assert repairs == (Repair(parameter=name, value=json.dumps(value).encode(), replacement=sent.encode()),)
    repaired, made = apply(document, repairs)
    assert json.loads(repaired.raw) == {"messages": [], name: json.loads(sent)}
    assert encode_repairs(made) == name


def test_the_nearest_effort_of_a_response_is_sent() -> None:
    document = parse_json_body(b'{"input":"hi","reasoning":{"effort":"minimal","summary":"auto"}}')
    repairs = found(refusal(f"Invalid value: 'minimal'. {LEVELS}", "reasoning.effort", "invalid_value"), document)
    assert apply(document, repairs)[0].raw == b'{"input":"hi","reasoning":{"effort":"low","summary":"auto"}}'


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("reasoning_effort", "hihg", f"Invalid value: 'hihg'. {LEVELS}"),
        ("reasoning_effort", 1, f"Invalid value. {LEVELS}"),
        ("reasoning_effort", ["low"], f"Invalid value. {LEVELS}"),
        ("reasoning_effort", "minimal", "Supported values are: 'new'."),
        ("reasoning_effort", "minimal", "No."),
        ("verbosity", "low", "No."),
        ("user", "me", "Supported values are: 'you'."),
        ("temperature", 0.0, "Supported values are: 'low'."),
        ("temperature", "cold", "Supported values are: 1."),
        ("max_tokens", 5, "Supported values are: 1."),
        ("max_tokens", 5, "Only the default (1) value is supported."),
        ("response_format", "json", "Supported values are: 'text'."),
        ("stop", "x", "Supported values are: 'y'."),
    ],
)
def test_a_value_of_which_no_nearest_is_known_stays_refused(name: str, value: object, message: str) -> None:
    document = parse_json_body(json.dumps({"messages": [], name: value}).encode())
    assert found(refusal(message, name, "unsupported_value"), document) == ()


@pytest.mark.parametrize(
    ("raw", "name", "left"),
    [
        (b'{"messages":[],"metadata":{}}', "metadata", b'{"messages":[]}'),
        (b'{"messages":[],"metadata":{"a":"b"}}', "metadata", None),
        (b'{"messages":[],"store":false}', "store", b'{"messages":[]}'),
        (b'{"messages":[],"store":true}', "store", None),
        # A response is stored unless it says otherwise.
        (b'{"input":"hi","store":false}', "store", None),
        (b'{"input":"hi","reasoning":{"effort":"low"}}', "reasoning.effort", b'{"input":"hi"}'),
        (
            b'{"messages":[],"stream_options":{"include_usage":true}}',
            "stream_options.include_usage",
            b'{"messages":[]}',
        ),
    ],
)
def test_what_only_some_values_allow_to_leave_out_stays_with_the_others(
    raw: bytes, name: str, left: bytes | None
) -> None:
    document = parse_json_body(raw)
    repairs = found(refusal("No.", name, "unsupported_parameter"), document)
    assert (apply(document, repairs)[0].raw if repairs else None) == left
    assert apply(document, [Repair(parameter=name)])[0].raw == (left or raw)


PASSTHROUGH = "internal_chat_message_metadata_passthrough"


@pytest.mark.parametrize("name", [PASSTHROUGH, "metadata"])
@pytest.mark.parametrize("by_param", [True, False])
def test_what_clients_add_to_the_items_of_an_input_goes_from_all_of_them(name: str, by_param: bool) -> None:
    raw = (
        b'{"model":"m", "metadata":{"a":"b"},"input":[{"role":"user","%s":{"x":1},"content":"\\ud83d"},"text",'
        b'{"%s":null},{"id":"a", "content":[{"metadata":1}]}]}' % (name.encode(), name.encode())
    )
    message = f"Unknown parameter: 'input[2].{name}'."
    document = parse_json_body(raw)
    repairs = found(refusal(message, f"input[2].{name}" if by_param else None, "unknown_parameter"), document)
    assert repairs == (Repair(parameter=f"input[].{name}"),)
    repaired, made = apply(document, repairs)
    assert repaired.raw == (
        b'{"model":"m", "metadata":{"a":"b"},"input":[{"role":"user","content":"\\ud83d"},"text",'
        b'{},{"id":"a", "content":[{"metadata":1}]}]}'
    )
    assert encode_repairs(made) == f"input[].{name}"
    assert apply(repaired, repairs) == (repaired, ())


@pytest.mark.parametrize(
    "raw",
    [b'{"input":"metadata"}', b'{"messages":[]}', b'{"input":[{"a":1}]}', b'{"input":[{"metadata":1,"metadata":2}]}',
     b'{"input":[{"a":"\\"metadata\\""}]}', b'{"input":{"metadata":1}}', b'{"input":[{"content":[{"metadata":1}]}]}'],
)  # fmt: skip
def test_an_input_without_such_members_is_not_repaired(raw: bytes) -> None:
    assert found(refusal("No.", "input[0].metadata", "unknown_parameter"), parse_json_body(raw)) == ()


NO_SEALED = "Encrypted content is not supported with this model."


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (b'["reasoning.encrypted_content"]', b"{}"),
        (b'["file_search_call.results", "reasoning.encrypted_content"]', b'{"include":["file_search_call.results"]}'),
    ],
)
@pytest.mark.parametrize("param", ["include", None])
@pytest.mark.parametrize("code", [None, "unsupported_parameter"])
def test_sealed_reasoning_is_not_asked_of_a_model_without_it(
    asked: bytes, left: bytes, param: str | None, code: str | None
) -> None:
    document = parse_json_body(b'{"include":' + asked + b"}")
    repairs = found(refusal(NO_SEALED, param, code), document)
    assert repairs == (Repair(parameter="include"),)
    repaired, made = apply(document, repairs)
    assert (repaired.raw, made) == (left, repairs)
    assert found(refusal(NO_SEALED, param, code), repaired) == ()


@pytest.mark.parametrize("asked", [b'["file_search_call.results"]', b"[]", b"[1]", b'"reasoning.encrypted_content"'])
def test_whatever_else_an_answer_is_to_include_stays(asked: bytes) -> None:
    document = parse_json_body(b'{"include":' + asked + b"}")
    assert found(refusal(NO_SEALED, "include"), document) == ()
    assert found(refusal("No.", "include", "unsupported_parameter"), document) == ()


def test_a_refusal_of_probabilities_costs_no_sealed_reasoning() -> None:
    document = parse_json_body(b'{"include":["message.output_text.logprobs","reasoning.encrypted_content"]}')
    body = refusal("logprobs are not supported with reasoning models.", "include", "unsupported_parameter")
    assert found(body, document) == ()


@pytest.mark.parametrize("name", ["reasoning.summary", "reasoning.generate_summary", "reasoning.effort"])
def test_what_tunes_the_reasoning_of_a_response_is_left_out_of_it(name: str) -> None:
    inner = name.partition(".")[2]
    body = refusal(f"Unsupported parameter: '{name}' is not supported with the 'gpt-4o' model.", name)
    for asked, left in (({inner: "auto"}, {}), ({inner: "auto", "other": 1}, {"reasoning": {"other": 1}})):
        document = parse_json_body(json.dumps({"reasoning": asked}).encode())
        assert json.loads(apply(document, found(body, document))[0].raw) == left


@pytest.mark.parametrize("name", ["input[0].content", "input[0].role", "messages[0].metadata", "input[0].metadata_x"])
def test_other_members_of_items_stay(name: str) -> None:
    document = parse_json_body(b'{"messages":[{"metadata":1}],"input":[{"content":1,"role":1,"metadata_x":1}]}')
    assert found(refusal("No.", name, "unknown_parameter"), document) == ()


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "body",
    [
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "user"], "msg": "Extra inputs are not permitted"},
                    {"type": "extra_forbidden", "loc": ["body", "top_p"], "msg": "Extra inputs are not permitted"}]},
        {"error": {"code": "Invalid input", "message": "invalid input error", "details": [
            {"type": "extra_forbidden", "loc": ["body", "user"], "msg": "Extra inputs are not permitted"},
            {"type": "extra_forbidden", "loc": ["body", "top_p"], "msg": "Extra inputs are not permitted"}]}},
    ],
)  # fmt: skip
def test_what_a_server_in_python_forbids_is_left_out(status: int, body: object) -> None:
    repairs = find_repairs(status, json.dumps(body).encode(), CHAT)
    assert repairs == (Repair(parameter="user"), Repair(parameter="top_p"))


def test_other_makers_words_are_read() -> None:
    for message in (
        "Model grok-4 does not support parameter presencePenalty.",
        "Argument not supported on this model: presencePenalty",
    ):
        body = json.dumps({"code": "400", "error": message}).encode()
        assert found(body) == (Repair(parameter="presence_penalty"),)
    for message in ("'user' is only allowed when 'x' is set.", "The 'user' parameter is only allowed when x.",
                    "Invalid value for 'user': 'user' is only allowed when 'tools' are specified."):  # fmt: skip
        assert found(refusal(message)) == (Repair(parameter="user"),)


def test_a_refused_value_inside_a_member_is_found_by_the_path() -> None:
    message = (
        "Unsupported value: 'low' is not supported with the 'gpt-5.1-codex-max' model. Supported values are: 'medium'."
    )
    [repair] = found(refusal(message, "text.verbosity", "unsupported_value"), RESPONSE)
    assert repair == Repair(parameter="text.verbosity", value=b'"low"', replacement=b'"medium"')
    [whole] = found(refusal("No.", "prompt_cache_options.ttl", "unsupported_value"), RESPONSE)
    assert whole == Repair(parameter="prompt_cache_options", value=b'{"ttl":9}')


def test_the_limit_has_another_name_in_chat_completions_alone() -> None:
    message = (
        "Unsupported parameter: 'max_tokens'. In the Responses API, this parameter has moved to 'max_output_tokens'."
    )
    assert found(refusal(message, "max_tokens", "unsupported_parameter"), RESPONSE) == ()
    assert found(refusal(message, "max_tokens", "unsupported_parameter"), CHAT) == (NEWER,)


@pytest.mark.parametrize(("made", "name"), [(NEWER, "max_completion_tokens"), (OLDER, "max_tokens")])
@pytest.mark.parametrize("renamed", [True, False])
def test_a_name_that_was_refused_does_not_come_back(made: Repair, name: str, *, renamed: bool) -> None:
    document = parse_json_body(b'{"messages":[],"%s":1}' % name.encode())
    earlier = made if renamed else Repair(parameter=made.parameter)
    body = refusal("No.", name, "unsupported_parameter")
    assert find_repairs(400, body, document, [Repair(parameter="top_p"), earlier]) == ()
    assert len(find_repairs(400, body, document, [Repair(parameter="top_p")])) == 1


ERROR = {"message": "No.", "param": "top_p", "code": "unknown_parameter"}


@pytest.mark.parametrize(
    "body", [{"error": [ERROR]}, {"error": [ERROR, {}]}, ERROR, {"error": None, **ERROR}, {"error": ERROR, "b": 1}]
)
def test_the_error_may_be_a_list_or_the_body_itself(body: object) -> None:
    assert found(json.dumps(body).encode()) == (Repair(parameter="top_p"),)


def test_the_error_may_be_a_text() -> None:
    assert found(b'{"error":"Unrecognized request argument supplied: top_p"}') == (Repair(parameter="top_p"),)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"no healthy upstream", b"<html>", b"[]", b"null", b'"top_p"', b"{}", b'{"error":[]}', b'{"error":1}'),
        *(b'{"error":{}}', b'{"error":[1]}', b'{"error":"top_p"}', b"\xff\xfe", b'{"error":' * 5000, b"[" * 5000),
    ],
)  # fmt: skip
def test_garbage_is_no_refusal(body: bytes) -> None:
    assert found(body) == ()


@given(
    st.sampled_from(["", "Unknown parameter: ", "Unrecognized request argument(s) supplied: "]),
    st.text(max_size=20) | st.sampled_from(ALL + KEPT).map("'{}'".format) | st.sampled_from(ALL),
    st.none() | st.text(max_size=9) | st.sampled_from(ALL + KEPT),
    st.none() | st.text(max_size=9) | st.sampled_from(["unknown_parameter", "unsupported_value"]),
)
def test_whatever_azure_says_nothing_else_is_touched(
    words: str, name: str, param: str | None, code: str | None
) -> None:
    for repair in found(refusal(words + name, param, code)):
        assert repair.parameter in ALL


def test_the_header_has_the_names_and_no_values() -> None:
    repairs = [Repair(parameter="temperature", value=b"0.7"), NEWER, Repair(parameter="text.verbosity")]
    assert encode_repairs(repairs) == "temperature, max_tokens=max_completion_tokens, text.verbosity"
    assert encode_repairs([]) == ""


def test_a_refused_value_is_not_shown() -> None:
    assert "canary" not in repr(Repair(parameter="prompt_cache_key", value=b'"canary"'))


VLLM = "[{'type': 'extra_forbidden', 'loc': ('body', %s), 'msg': 'Extra inputs are not permitted', 'input': True}]"


@pytest.mark.parametrize(
    ("place", "parameter"),
    [
        ("'parallel_tool_calls'", "parallel_tool_calls"),
        ("'stream_options', 'include_obfuscation'", "stream_options.include_obfuscation"),
    ],
)
def test_what_vllm_does_not_know_is_left_out(place: str, parameter: str) -> None:
    document = parse_json_body(
        b'{"messages":[],"parallel_tool_calls":true,"stream_options":{"include_obfuscation":true}}'
    )
    body = json.dumps({"object": "error", "message": VLLM % place, "type": "BadRequestError", "code": 400}).encode()
    assert find_repairs(400, body, document) == (Repair(parameter=parameter),)
    assert find_repairs(404, body, document) == ()


def test_what_vllm_does_not_know_and_is_no_tuning_stays() -> None:
    body = json.dumps({"object": "error", "message": VLLM % "'tools'", "code": 400}).encode()
    assert find_repairs(400, body, parse_json_body(b'{"messages":[],"tools":[]}')) == ()


def test_what_a_server_on_fastapi_does_not_know_is_left_out() -> None:
    wrong = {"type": "extra_forbidden", "loc": ["body", "user"], "msg": "Extra inputs are not permitted", "input": "x"}
    body = json.dumps({"detail": [wrong]}).encode()
    assert find_repairs(422, body, parse_json_body(b'{"messages":[],"user":"x"}')) == (Repair(parameter="user"),)
