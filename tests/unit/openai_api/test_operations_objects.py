"""The operations on what Azure keeps."""

import pytest

from proxy.openai_api.operations import ASSISTANTS, FILES, OBJECTS, TUNING, Body, StreamFormat, Surface

BY_NAME = {operation.name: operation for operation in OBJECTS}


def test_all_of_them_are_about_stored_objects_and_need_a_key() -> None:
    assert all(operation.stored and not operation.public for operation in OBJECTS)


def test_assistants_threads_and_uploads_are_on_the_classic_surface_and_the_rest_on_v1() -> None:
    for operation in OBJECTS:
        classic = operation.path.split("/")[1] in ("assistants", "threads", "uploads")
        assert operation.surface is (Surface.CLASSIC if classic else Surface.V1), operation.name


def test_only_evals_want_a_header_of_azures() -> None:
    for operation in OBJECTS:
        header = ("aoai-evals", "preview") if operation.path.startswith("/evals") else None
        assert operation.header == header, operation.name


@pytest.mark.parametrize("name", ["createFineTuningJob", "runGrader", "createBatch"])
def test_a_model_that_is_no_deployment_is_never_read(name: str) -> None:
    assert BY_NAME[name].body is Body.OPAQUE


def test_the_model_of_an_assistant_may_stay_out() -> None:
    reading = {operation.name for operation in OBJECTS if operation.body is Body.MODEL_IF_ANY}
    assert reading == {"createAssistant", "modifyAssistant", "createThreadAndRun", "createRun"}


def test_the_runs_of_assistants_have_streams() -> None:
    streamed = {operation.name for operation in OBJECTS if operation.stream}
    assert streamed == {"createThreadAndRun", "createRun", "submitToolOuputsToRun"}
    assert {operation.stream for operation in ASSISTANTS} == {None, StreamFormat.RUN}


def test_files_pass_while_they_come_both_ways() -> None:
    passing = {operation.name: operation.body for operation in FILES if operation.body in (Body.FILE, Body.STREAM)}
    assert passing == {"createFile": Body.FILE, "CreateContainerFile": Body.STREAM, "addUploadPart": Body.STREAM}
    assert {operation.name for operation in FILES if operation.download} == {
        "downloadFile",
        "RetrieveContainerFileContent",
    }


def test_nothing_about_tuning_is_a_file() -> None:
    assert {operation.body for operation in TUNING} == {Body.NONE, Body.OPAQUE, Body.DATA_SOURCE}
