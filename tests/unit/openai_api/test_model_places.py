"""The models that a body names besides the one that it asks for."""

import json

import pytest

from proxy.errors import InvalidRequest
from proxy.openai_api.json_walk import MAX_STEPS
from proxy.openai_api.model_places import also_named_models, is_batch_in_parts
from proxy.openai_api.operations import OPERATIONS

ROWS = {row.name: row for row in OPERATIONS}
GRADERS = {"type": "multi", "graders": {"a": {"model": "x"}, "b": {"type": "string_check"}, "c": {"model": "y"}}}
TRANSCRIBED = {"type": "realtime", "audio": {"input": {"transcription": {"model": "x"}}}}


@pytest.mark.parametrize(
    ("operation", "body", "models"),
    [
        ("createChatCompletion", {"model": "asked", "messages": [], "metadata": {"model": "m"}}, []),
        ("createChatCompletion",
         {"data_sources": [{"parameters": {"embedding_dependency": {"type": "x", "deployment_name": "x"}}}]}, ["x"]),
        ("createResponse", {"model": "asked", "tools": [{"type": "image_generation", "model": "x"}, {"type": "mcp"}]},
         ["x"]),
        ("createResponse", {"tools": [{"type": "function", "parameters": {"model": "no"}}]}, []),
        ("create-realtime-client-secret", {"session": TRANSCRIBED}, ["x"]),
        ("create-realtime-client-secret", {"session": {"input_audio_transcription": {"model": "x"}}}, ["x"]),
        ("create-realtime-session", TRANSCRIBED, ["x"]),
        ("create-realtime-transcription-session", {"input_audio_transcription": {"model": "x"}}, ["x"]),
        ("create-realtime-call", TRANSCRIBED, ["x"]),
        ("accept-realtime-call", TRANSCRIBED, ["x"]),
        ("createFineTuningJob", {"model": "x", "method": {"reinforcement": {"grader": {"model": "y"}}}}, ["x", "y"]),
        ("createFineTuningJob", {"method": {"reinforcement": {"grader": GRADERS}}}, ["x", "y"]),
        ("runGrader", {"grader": {"type": "score_model", "model": "x"}, "item": {"model": "no"}}, ["x"]),
        ("validateGrader", {"grader": GRADERS}, ["x", "y"]),
        ("createEval", {"testing_criteria": [{"model": "x"}, {"type": "string_check"}, {"model": "y"}]}, ["x", "y"]),
        ("createFile", {"model": "no"}, []),
    ],
)  # fmt: skip
def test_a_row_says_where_further_models_are_named(operation: str, body: object, models: list[str]) -> None:
    assert also_named_models(ROWS[operation], json.dumps(body).encode()) == models


def test_nothing_is_named_in_no_body() -> None:
    assert also_named_models(ROWS["createEval"], b"") == []


def test_a_model_is_found_behind_escapes_and_where_its_name_stands_twice() -> None:
    grader = rb'{"\u0067rader":{"model":"a","mod\u0065l":"\u0062"}}'
    assert also_named_models(ROWS["runGrader"], grader) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"grader":{"model":"\\ud800"}}',
        b'{"grader":{' + b",".join(b'"%d":{"a":"b"}' % number for number in range(MAX_STEPS)) + b',"model":"x"}}',
    ],
)
def test_what_cannot_be_read_to_its_end_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        also_named_models(ROWS["runGrader"], body)


@pytest.mark.parametrize(
    ("operation", "body", "is_batch"),
    [
        ("createUpload", b'{"purpose":"batch"}', True),
        ("createUpload", b'{"purpose":"fine-tune"}', False),
        ("createFile", b"no JSON", False),
    ],
)
def test_an_upload_in_parts_of_a_batch_is_told_from_others(operation: str, body: bytes, is_batch: bool) -> None:
    assert is_batch_in_parts(ROWS[operation], body) is is_batch
