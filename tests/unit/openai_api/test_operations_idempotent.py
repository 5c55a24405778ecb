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
        (b'{"model":"m","input":"x"}', False), (b'{"store":true}', False), (b'{"background":false}', False),
        (b'{"background":true}', True), (b'{"previous_response_id":"resp_1"}', True),
        (b'{"previous_response_id":null,"conversation":null}', False), (b'{"conversation":"conv_1"}', True),
        (b'{"conversation":{"id":"conv_1"}}', True), (b'{"metadata":{"background":true}}', False),
    ],
)  # fmt: skip
def test_a_response_lasts_when_it_is_a_job_or_a_turn(body: bytes, expected: bool) -> None:
    assert is_idempotent(BY_NAME["createResponse"], parse_json_body(body)) is not expected


def test_a_stored_chat_is_an_answer() -> None:
    assert is_idempotent(BY_NAME["createChatCompletion"], parse_json_body(b'{"store":true,"background":true}'))


@pytest.mark.parametrize(("method", "expected"), [("GET", False), ("POST", True), ("DELETE", True), ("PATCH", True)])
def test_an_unknown_operation_lasts_unless_it_reads(method: str, expected: bool) -> None:
    assert is_idempotent(unknown(method, "/v1/skills").operation, None) is not expected
