"""Forms for Azure OpenAI: what is read before the call is routed, and what is changed while the form passes.

In a form with a model, the model becomes the deployment. In the input file of a batch, which has one request a line,
the `model` of every line does: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/batch
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from proxy.azure_api.request import Serving, is_image
from proxy.errors import InvalidRequest, ModelNotFound
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.json_members import BYTE_ORDER_MARK
from proxy.openai_api.multipart import added_part
from proxy.openai_api.operations import Body, Surface
from proxy.openai_api.router import Route

_WANTED: Mapping[Body, tuple[str, ...]] = {
    Body.STREAM: (),
    Body.FORM: ("model",),
    Body.SESSION_FORM: ("session",),
    Body.FILE: ("purpose",),
}
FORM_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPlan:
    """The changes to a form: parts to replace or, with None, to drop; the bytes of a part to add; lines to map.

    A part that was read is replaced even by itself, so that a second part with its name is refused.
    """

    model: str | None = None
    deployment: str | None = None
    replace: Mapping[str, bytes | None]
    added: bytes = b""
    batch: bool = False


def is_upload(body: Body, content_type: str) -> bool:
    """Tell whether a body passes while it arrives: forms and bodies that are not read do, JSON does not."""
    return body is Body.STREAM or (body in _WANTED and is_form(content_type)) or body is Body.SESSION_FORM


def is_form(content_type: str) -> bool:
    """Tell whether the Content-Type names a form."""
    return content_type.lower().lstrip().startswith(FORM_TYPE)


def wanted_parts(body: Body) -> tuple[str, ...]:
    """Return the names of the parts to read before routing."""
    return _WANTED[body]


def model_of(route: Route, fields: Mapping[str, str]) -> str | None:
    """Return the model of a form, None if it is missing."""
    body = route.operation.body
    if body is Body.SESSION_FORM and "session" in fields:
        return parse_json_body(fields["session"].encode()).text("model")
    if body is not Body.FORM:
        return None
    return route.model or fields.get("model") or None


def plan_form(
    route: Route,
    fields: Mapping[str, str],
    serving: Serving,
    *,
    surface: Surface,
    boundary: bytes,
    default: str | None = None,
) -> FormPlan:
    """Return the changes to a form, given the parts that were read; `default` serves one without a model.

    Raises what `serving` raises.
    """
    body = route.operation.body
    if body is Body.FORM:
        return _plan_model(route, fields, serving, surface=surface, boundary=boundary, default=default)
    if body is Body.SESSION_FORM and "session" in fields:
        return _plan_session(fields["session"], serving)
    same = {name: value.encode() for name, value in fields.items()}
    return FormPlan(replace=same, batch=fields.get("purpose") == "batch")


def _plan_model(
    route: Route,
    fields: Mapping[str, str],
    serving: Serving,
    *,
    surface: Surface,
    boundary: bytes,
    default: str | None,
) -> FormPlan:
    model = model_of(route, fields) or default
    if model is None:
        return FormPlan(replace={})  # Azure may have a default, as it has for videos.
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


# A line is one request, with its images: it may be as large as the largest JSON body.
MAX_LINE_BYTES = 32 * 1024 * 1024


class BatchLines:
    """Rewrites `body.model` of each line and no other byte; holds one line.

    `serving` returns the deployment of a model. `bare` changes the body of a line, for what else is not Azure's. Their
    errors, and the `InvalidRequest` for a line that is not a JSON object, have the number of the line in their message.
    """

    def __init__(self, serving: Callable[[str], str], bare: Callable[[bytes], bytes] | None = None) -> None:
        self._serving = serving
        self._bare = bare
        self._held = bytearray()
        self._number = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return the complete lines."""
        whole, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self._hold(rest)
            return b""
        lines = (bytes(self._held) + whole).split(b"\n")
        self._held.clear()
        rewritten = b"\n".join([*map(self._rewrite, lines), b""])
        self._hold(rest)
        return rewritten

    def end(self) -> bytes:
        """Return the last line if it has no line end."""
        last = bytes(self._held)
        self._held.clear()
        return self._rewrite(last)

    def _hold(self, rest: bytes) -> None:
        self._held += rest
        if len(self._held) > MAX_LINE_BYTES:
            self.end()  # raises, because the line is too long already

    def _rewrite(self, line: bytes) -> bytes:
        self._number += 1
        mark = BYTE_ORDER_MARK if self._number == 1 and line.startswith(BYTE_ORDER_MARK) else b""
        try:
            return mark + _map_line(line[len(mark) :], self._serving, self._bare)
        except (InvalidRequest, ModelNotFound) as error:
            error.message = f"Line {self._number} of your file: {error.message}"
            error.args, error.param = (error.message,), "file"
            raise


def _map_line(line: bytes, serving: Callable[[str], str], bare: Callable[[bytes], bytes] | None) -> bytes:
    if not line or line.isspace():
        return line
    if len(line) > MAX_LINE_BYTES:
        raise InvalidRequest(f"The line is longer than {MAX_LINE_BYTES} bytes.")
    request = parse_json_body(line)
    start, end = request.spans.get("body", (0, 0))
    if not line.startswith(b"{", start, end):
        return line
    body = parse_json_body(line[start:end])
    if bare is not None and (changed := bare(body.raw)) != body.raw:
        return _map_line(request.replace("body", changed), serving, None)
    model = body.text("model")
    if not model or (deployment := serving(model)) == model:
        return line
    return request.replace("body", body.replace("model", msgspec.json.encode(deployment)))
