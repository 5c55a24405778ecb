"""What of a form is read, and what is changed on its way."""

import json
from collections.abc import Mapping

import pytest

from proxy.azure_api.forms import FormPlan, is_form, is_upload, model_of, plan_form, wanted_parts
from proxy.errors import InvalidRequest, ModelNotFound
from proxy.openai_api.multipart import FormRewriter
from proxy.openai_api.operations import Body, Operation, Surface
from proxy.openai_api.router import Route
from tests.unit.openai_api.forms import BOUNDARY, field, form, read_with_email
from tests.unit.openai_api.paths import BY_NAME

FORM = "multipart/form-data; boundary=x"
SOUND, EDIT, VIDEO = BY_NAME["createTranscription"], BY_NAME["createImageEdit"], BY_NAME["createVideo"]
CALL, FILE = BY_NAME["create-realtime-call"], BY_NAME["createFile"]
DEPLOYMENT, V1, CLASSIC = Surface.DEPLOYMENT, Surface.V1, Surface.CLASSIC


def serving(model: str) -> str:
    if model == "unknown":
        raise ModelNotFound(model)
    return f"{model}-d"


def plan(operation: Operation, fields: Mapping[str, str], surface: Surface = V1, model: str | None = None) -> FormPlan:
    route = Route(operation=operation, model=model)
    return plan_form(route, fields, serving, surface=surface, boundary=BOUNDARY)


def rewritten(asked: FormPlan, *parts: bytes) -> list[tuple[str | None, bytes]]:
    """Return the parts of a form after a plan, as another reader sees them."""
    rewriter = FormRewriter(BOUNDARY, asked.replace, added=asked.added)
    return read_with_email(rewriter.feed(form(*parts)) + rewriter.end())


@pytest.mark.parametrize("content_type", [FORM, "Multipart/Form-Data", " multipart/form-data;boundary=x"])
def test_a_form_is_told_by_its_content_type(content_type: str) -> None:
    assert is_form(content_type)


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/mixed", "text/plain; multipart/form-data"])
def test_anything_else_is_no_form(content_type: str) -> None:
    assert not is_form(content_type)


@pytest.mark.parametrize(
    ("body", "form_passes", "other_passes"),
    [
        (Body.FORM, True, False), (Body.FILE, True, False), (Body.STREAM, True, True), (Body.SESSION_FORM, True, True),
        (Body.NONE, False, False), (Body.OPAQUE, False, False), (Body.MODEL, False, False),
        (Body.MODEL_IF_ANY, False, False), (Body.SESSION, False, False),
    ],
)  # fmt: skip
def test_forms_and_what_nobody_reads_pass_and_json_in_a_forms_place_does_not(
    body: Body, form_passes: bool, other_passes: bool
) -> None:
    assert is_upload(body, FORM) is form_passes
    for other in ("application/json", "", "application/sdp"):
        assert is_upload(body, other) is other_passes


def test_the_parts_that_must_be_read_are_few() -> None:
    wanted = [wanted_parts(body) for body in (Body.STREAM, Body.FORM, Body.SESSION_FORM, Body.FILE)]
    assert wanted == [(), ("model",), ("session",), ("purpose",)]


@pytest.mark.parametrize("operation", [SOUND, VIDEO, BY_NAME["createTranslation"]], ids=lambda row: row.name)
@pytest.mark.parametrize("surface", [DEPLOYMENT, V1, CLASSIC])
def test_the_model_part_becomes_the_deployment(operation: Operation, surface: Surface) -> None:
    assert plan(operation, {"model": "m"}, surface) == FormPlan(model="m", deployment="m-d", replace={"model": b"m-d"})


def test_an_image_has_no_model_part_beside_its_deployment() -> None:
    assert plan(EDIT, {"model": "m"}, DEPLOYMENT).replace == {"model": None}
    assert plan(EDIT, {"model": "m"}, V1).replace == {"model": b"m-d"}
    asked = plan(EDIT, {}, DEPLOYMENT, model="p")
    assert asked == FormPlan(model="p", deployment="p-d", replace={"model": None})
    assert rewritten(asked, field("prompt", b"x")) == [("prompt", b"x")]


@pytest.mark.parametrize("fields", [{}, {"model": ""}])
def test_a_form_without_a_model_is_for_the_default_deployment(fields: Mapping[str, str]) -> None:
    def default(operation: Operation, surface: Surface) -> FormPlan:
        route = Route(operation=operation)
        return plan_form(route, fields, lambda model: model, surface=surface, boundary=BOUNDARY, default="d")

    assert default(SOUND, DEPLOYMENT) == FormPlan(model="d", deployment="d", replace={"model": b"d"})
    assert default(EDIT, DEPLOYMENT) == FormPlan(model="d", deployment="d", replace={"model": None})
    video = default(VIDEO, V1)
    assert (video.model, video.deployment, video.replace) == ("d", "d", {"model": b"d"})
    assert bool(video.added) is ("model" not in fields)


@pytest.mark.parametrize("fields", [{}, {"model": ""}])
def test_azure_may_know_a_default_model_for_videos(fields: Mapping[str, str]) -> None:
    assert plan(VIDEO, fields, V1) == FormPlan(replace={})


SESSION = BY_NAME["create-realtime-call"]


@pytest.mark.parametrize(
    ("operation", "fields", "model"),
    [
        (SOUND, {"model": "m"}, "m"),
        (VIDEO, {}, None),
        (SESSION, {"session": '{"model":"m"}'}, "m"),
        (SESSION, {"session": "{}"}, None),
        (SESSION, {}, None),
        (BY_NAME["createFile"], {"purpose": "batch"}, None),
    ],
)
def test_the_model_that_a_form_asks_for_is_known_before_it_goes_anywhere(
    operation: Operation, fields: Mapping[str, str], model: str | None
) -> None:
    assert model_of(Route(operation=operation), fields) == model


def test_an_unknown_model_is_told() -> None:
    with pytest.raises(ModelNotFound, match="`unknown`"):
        plan(SOUND, {"model": "unknown"})


def test_the_model_of_the_path_goes_before_the_forms() -> None:
    for surface in (DEPLOYMENT, V1):
        assert plan(SOUND, {"model": "m"}, surface, model="p") == FormPlan(
            model="p", deployment="p-d", replace={"model": b"p-d"}
        )


@pytest.mark.parametrize(("surface", "added"), [(DEPLOYMENT, []), (V1, [("model", b"p-d")])])
def test_the_model_of_the_path_is_added_where_azure_reads_it_in_the_form(
    surface: Surface, added: list[tuple[str, bytes]]
) -> None:
    asked = plan(SOUND, {}, surface, model="p")
    assert (asked.model, asked.deployment) == ("p", "p-d")
    assert rewritten(asked, field("language", b"de"), field("n", b"1")) == [*added, ("language", b"de"), ("n", b"1")]


def test_the_model_of_a_session_part_becomes_the_deployment() -> None:
    asked = plan(CALL, {"session": '{ "type":"realtime", "model" : "m" }'})
    assert (asked.model, asked.deployment, asked.added) == ("m", "m-d", b"")
    assert asked.replace == {"session": b'{ "type":"realtime", "model" : "m-d" }'}


@pytest.mark.parametrize("fields", [{}, {"session": "{}"}, {"session": '{"model":null}'}])
def test_a_call_without_a_model_passes_as_it_is(fields: Mapping[str, str]) -> None:
    same = {name: value.encode() for name, value in fields.items()}
    assert plan(CALL, fields) == FormPlan(replace=same)


@pytest.mark.parametrize("session", ["", "x", "[]", '{"model":1}', '{"model":"a","model":"b"}'])
def test_a_session_part_that_cannot_be_read_is_refused(session: str) -> None:
    with pytest.raises(InvalidRequest):
        plan(CALL, {"session": session})


def test_an_unknown_model_of_a_session_is_told() -> None:
    with pytest.raises(ModelNotFound):
        plan(CALL, {"session": json.dumps({"model": "unknown"})})


@pytest.mark.parametrize(
    ("fields", "batch"),
    [({"purpose": "batch"}, True), ({"purpose": "fine-tune"}, False), ({"purpose": "Batch"}, False), ({}, False)],
)
def test_only_the_lines_of_a_batch_are_mapped(fields: Mapping[str, str], batch: bool) -> None:
    same = {name: value.encode() for name, value in fields.items()}
    assert plan(FILE, fields) == FormPlan(replace=same, batch=batch)


@pytest.mark.parametrize(
    ("operation", "name", "value"), [(SOUND, "model", b"m"), (CALL, "session", b"{}"), (FILE, "purpose", b"assistants")]
)
def test_a_part_that_was_read_may_not_stand_twice(operation: Operation, name: str, value: bytes) -> None:
    asked = plan(operation, {name: value.decode()})
    assert rewritten(asked, field(name, value))
    with pytest.raises(InvalidRequest):
        rewritten(asked, field(name, value), field(name, b"other"))
