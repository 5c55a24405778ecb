"""What of a form is read before the call can be routed, and what is changed on its way."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.translation.json_body import parse_json_body
from proxy.translation.multipart import added_part
from proxy.translation.operations import Body, Route, Surface
from proxy.translation.request import Serving, is_image, missing_model

_WANTED: Mapping[Body, tuple[str, ...]] = {
    Body.STREAM: (),
    Body.FORM: ("model",),
    Body.SESSION_FORM: ("session",),
    Body.FILE: ("purpose",),
}
FORM_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPlan:
    """What is sent of a form: parts replaced or, with None, dropped; the bytes of a part added; batch lines mapped.

    A part that was read is replaced even by itself: a second one with its name, which others may read, is refused.
    """

    model: str | None = None
    deployment: str | None = None
    replace: Mapping[str, bytes | None]
    added: bytes = b""
    batch: bool = False


def is_upload(body: Body, content_type: str) -> bool:
    """Tell whether a body passes while it comes: forms do, and what nobody reads; JSON in a form's place does not."""
    return body is Body.STREAM or (body in _WANTED and is_form(content_type)) or body is Body.SESSION_FORM


def is_form(content_type: str) -> bool:
    """Tell whether the Content-Type names a form."""
    return content_type.lower().lstrip().startswith(FORM_TYPE)


def wanted_parts(body: Body) -> tuple[str, ...]:
    """Return the names of the parts that must be read."""
    return _WANTED[body]


def model_of(route: Route, fields: Mapping[str, str]) -> str | None:
    """Return the model that a form asks for, None where it needs none; raise `InvalidRequest` when it is missing."""
    body = route.operation.body
    if body is Body.SESSION_FORM and "session" in fields:
        return parse_json_body(fields["session"].encode()).text("model")
    if body is not Body.FORM:
        return None
    model = route.model or fields.get("model")
    if not model and route.operation.surface is Surface.DEPLOYMENT:
        raise missing_model()
    return model or None


def plan_form(
    route: Route, fields: Mapping[str, str], serving: Serving, *, surface: Surface, boundary: bytes
) -> FormPlan:
    """Return what to change, given the parts that were read.

    Raises `InvalidRequest` when a model is missing, and what `serving` raises.
    """
    body = route.operation.body
    if body is Body.FORM:
        return _plan_model(route, fields, serving, surface=surface, boundary=boundary)
    if body is Body.SESSION_FORM and "session" in fields:
        return _plan_session(fields["session"], serving)
    same = {name: value.encode() for name, value in fields.items()}
    return FormPlan(replace=same, batch=fields.get("purpose") == "batch")


def _plan_model(
    route: Route, fields: Mapping[str, str], serving: Serving, *, surface: Surface, boundary: bytes
) -> FormPlan:
    model = model_of(route, fields)
    if model is None:
        return FormPlan(replace={})  # Azure may know a default, as it does for videos.
    deployment = serving(model)
    on_deployment = surface is Surface.DEPLOYMENT
    value = None if on_deployment and is_image(route.operation) else deployment.encode()
    missing = "model" not in fields and not on_deployment
    return FormPlan(
        model=model,
        deployment=deployment,
        replace={"model": value},
        added=added_part(boundary, "model", deployment) if missing else b"",
    )


def _plan_session(session: str, serving: Serving) -> FormPlan:
    document = parse_json_body(session.encode())
    model = document.text("model")
    if model is None:
        return FormPlan(replace={"session": session.encode()})
    deployment = serving(model)
    value = document.replace("model", f'"{deployment}"'.encode())
    return FormPlan(model=model, deployment=deployment, replace={"session": value})
