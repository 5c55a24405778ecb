"""The operations that ask a model: where each goes, where its model sits, how its answer ends."""

import pytest

from proxy.openai_api.operations import INFERENCE, Body, StreamFormat, Surface

BY_NAME = {operation.name: operation for operation in INFERENCE}
DEPLOYMENT, V1 = Surface.DEPLOYMENT, Surface.V1
ASKING = [
    ("createChatCompletion", DEPLOYMENT, Body.MODEL, StreamFormat.CHAT),
    ("createCompletion", DEPLOYMENT, Body.MODEL, StreamFormat.COMPLETION),
    ("createEmbedding", DEPLOYMENT, Body.MODEL, None),
    ("createImage", DEPLOYMENT, Body.MODEL, StreamFormat.IMAGE),
    ("createImageEdit", DEPLOYMENT, Body.FORM, StreamFormat.IMAGE),
    ("createSpeech", DEPLOYMENT, Body.MODEL, StreamFormat.SPEECH),
    ("createTranscription", DEPLOYMENT, Body.FORM, StreamFormat.TRANSCRIPT),
    ("createTranslation", DEPLOYMENT, Body.FORM, None),
    ("createResponse", V1, Body.MODEL_IF_ANY, StreamFormat.RESPONSE),
    ("getResponse", V1, Body.NONE, StreamFormat.RESPONSE),
    ("Compactconversation", V1, Body.MODEL_IF_ANY, None),
    ("Getinputtokencounts", V1, Body.MODEL_IF_ANY, None),
    ("createVideo", V1, Body.FORM, None),
    ("CreateVideoRemix", V1, Body.STREAM, None),
    ("CreateVideoCharacter", V1, Body.STREAM, None),
    ("CreateVideoEdit", V1, Body.STREAM, None),
    ("CreateVideoExtend", V1, Body.STREAM, None),
    ("create-realtime-client-secret", V1, Body.SESSION, None),
    ("create-realtime-translation-client-secret", V1, Body.SESSION, None),
    ("create-realtime-session", V1, Body.MODEL_IF_ANY, None),
    ("create-realtime-transcription-session", V1, Body.MODEL_IF_ANY, None),
    ("accept-realtime-call", V1, Body.MODEL_IF_ANY, None),
    ("create-realtime-call", V1, Body.SESSION_FORM, None),
    ("refer-realtime-call", V1, Body.OPAQUE, None),
]


@pytest.mark.parametrize(("name", "surface", "body", "stream"), ASKING)
def test_an_operation_goes_where_azure_takes_it(
    name: str, surface: Surface, body: Body, stream: StreamFormat | None
) -> None:
    operation = BY_NAME[name]
    assert (operation.surface, operation.body, operation.stream) == (surface, body, stream)


def test_every_operation_that_reads_a_model_is_judged_here() -> None:
    quiet = {Body.NONE, Body.OPAQUE}
    assert {row.name for row in INFERENCE if row.body not in quiet or row.stream} <= {name for name, *_ in ASKING}


def test_only_completions_are_missing_on_v1() -> None:
    assert [operation.name for operation in INFERENCE if not operation.on_v1] == ["createCompletion"]


def test_only_answers_that_are_filtered_are_cleaned_of_azures_fields() -> None:
    assert {operation.name for operation in INFERENCE if operation.clean} >= {
        "createChatCompletion", "createCompletion", "getChatCompletion", "updateChatCompletion", "createResponse",
        "getResponse", "createImage", "createImageEdit",
    }  # fmt: skip
    assert not BY_NAME["createEmbedding"].clean, "a large answer of numbers is not parsed"


def test_sound_and_films_leave_while_they_come() -> None:
    assert {operation.name for operation in INFERENCE if operation.download} == {"createSpeech", "RetrieveVideoContent"}


def test_what_makes_an_answer_stores_nothing_by_itself_and_what_names_one_does() -> None:
    for operation in INFERENCE:
        if operation.surface is DEPLOYMENT or operation.path.startswith("/realtime"):
            assert not operation.stored, operation.name
        elif "{" in operation.path:
            assert operation.stored, operation.name
    assert not BY_NAME["createResponse"].stored
