"""Which calls may be repeated because they leave nothing behind at Azure."""

import pytest

from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.operations import OPERATIONS, Operation, Surface, is_idempotent
from proxy.openai_api.router import unknown
from tests.unit.openai_api.paths import BY_NAME

AT_AZURE = [row for row in OPERATIONS if row.surface not in (Surface.LOCAL, Surface.UNSUPPORTED)]
PASSING = {
    *("createChatCompletion", "createCompletion", "createEmbedding", "createResponse", "Compactconversation"),
    *("Getinputtokencounts", "createImage", "createImageEdit", "createSpeech", "createTranscription"),
    *("createTranslation", "create-realtime-client-secret", "create-realtime-translation-client-secret"),
    *("create-realtime-session", "create-realtime-transcription-session", "searchVectorStore", "runGrader"),
    "validateGrader",
}


@pytest.mark.parametrize("operation", AT_AZURE, ids=lambda row: row.name)
def test_whatever_is_not_read_or_answered_at_once_lasts(operation: Operation) -> None:
    assert is_idempotent(operation, None) is (operation.method == "GET" or operation.name in PASSING)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m","input":"x"}', False), (b'{"store":true}', True), (b'{"store":false}', False),
        (b'{"store":null}', False), (b'{"background":false}', False),
        (b'{"background":true}', True), (b'{"previous_response_id":"resp_1"}', True),
        (b'{"previous_response_id":null,"conversation":null}', False), (b'{"conversation":"conv_1"}', True),
        (b'{"conversation":{"id":"conv_1"}}', True), (b'{"metadata":{"background":true}}', False),
    ],
)  # fmt: skip
def test_a_response_lasts_when_it_is_stored_by_an_explicit_word_a_job_or_a_turn(body: bytes, expected: bool) -> None:
    assert is_idempotent(BY_NAME["createResponse"], parse_json_body(body)) is not expected


def test_a_chat_is_an_answer_unless_the_client_has_it_stored() -> None:
    assert is_idempotent(BY_NAME["createChatCompletion"], parse_json_body(b'{"store":false}'))
    assert not is_idempotent(BY_NAME["createChatCompletion"], parse_json_body(b'{"store":true}'))


@pytest.mark.parametrize("operation", ["createResponse", "createChatCompletion"])
@pytest.mark.parametrize(
    ("tools", "acts"),
    [
        ("[]", False), ("null", False), ('[{"type":"function","name":"f"}]', False),
        ('[{"type":"custom"},{"type":"function"},{"type":"local_shell"},{"type":"apply_patch"}]', False),
        *((f'[{{"type":"function"}},{{"type":"{kind}"}}]', True) for kind in (
            "mcp", "code_interpreter", "computer_use_preview", "image_generation", "web_search", "web_search_preview",
            "file_search", "a_tool_of_tomorrow",
        )),
        ('[{"name":"without a type"}]', True), ('[1]', True), ('{}', True), ('[{"type":1}]', True),
        (r'[{"type":"function","description":"half an emoji \ud83d"}]', False),
    ],
)  # fmt: skip
def test_a_tool_that_runs_at_azure_acts_and_one_of_the_client_does_not(operation: str, tools: str, acts: bool) -> None:
    body = parse_json_body(f'{{"tools":{tools},"input":"x"}}'.encode())
    assert is_idempotent(BY_NAME[operation], body) is not acts


def test_a_chat_that_searches_the_web_acts() -> None:
    assert not is_idempotent(BY_NAME["createChatCompletion"], parse_json_body(b'{"web_search_options":{}}'))
    assert is_idempotent(BY_NAME["createChatCompletion"], parse_json_body(b'{"web_search_options":null}'))


def test_what_only_counts_tokens_keeps_nothing_of_a_conversation() -> None:
    assert is_idempotent(BY_NAME["Getinputtokencounts"], parse_json_body(b'{"conversation":"conv_1"}'))


@pytest.mark.parametrize(("method", "expected"), [("GET", False), ("POST", True), ("DELETE", True), ("PATCH", True)])
def test_an_unknown_operation_lasts_unless_it_reads(method: str, expected: bool) -> None:
    assert is_idempotent(unknown(method, "/v1/skills").operation, None) is not expected
