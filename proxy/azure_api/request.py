"""A client's request into a call of Azure OpenAI: what it asks for, and what is sent."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.json_members import decode
from proxy.openai_api.operations import Body, Operation, StreamFormat, Surface
from proxy.openai_api.router import Route

IMAGE_HEADER = "x-ms-oai-image-generation-deployment"
_IMAGE_TOOL = "image_generation"
# JSON in the place of a form is read like any other.
_READ = frozenset({Body.MODEL, Body.MODEL_IF_ANY, Body.SESSION, Body.DATA_SOURCE, Body.FORM})
# The member that holds the model.
_HOLDERS = {Body.SESSION: "session", Body.DATA_SOURCE: "data_source"}

Serving = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a client asks for.

    `model` is the client's name for it, None where the operation needs none; `choices` is how many answers it wants,
    and `streams` whether as events; a response made `in_background` goes on without its client; `document` is the body
    where it was read, and `raw` the bytes of it.
    """

    route: Route
    model: str | None = None
    choices: int = 1
    streams: bool = False
    in_background: bool = False
    raw: bytes = b""
    document: JsonBody | None = None


class _Tool(msgspec.Struct):
    type: object = None
    model: object = None


_TOOLS = msgspec.json.Decoder(list[_Tool])


def parse_call(route: Route, raw: bytes, *, may_store: bool = True) -> Call:
    """Read what routing and streaming need from a body that is not a form.

    Raises `InvalidRequest` when it cannot be read, when a model is missing, or when the answer would be stored and
    `may_store` is False.
    """
    kind = route.operation.body
    if kind not in _READ or (kind is Body.MODEL_IF_ANY and not raw):
        return Call(route=route, raw=raw)
    document = parse_json_body(raw)
    streams = _streams(route.operation, document)
    if not may_store:
        document = _not_stored(route.operation, document)
    holder = _holder(document, kind)
    model = route.model or (holder.text("model") if holder is not None else None)
    if not model and (kind is Body.MODEL or route.operation.surface is Surface.DEPLOYMENT):
        raise missing_model()
    return Call(
        route=route,
        model=model,
        choices=_choices(route.operation, document),
        streams=streams,
        in_background=document.member("background") == b"true",
        raw=document.raw,
        document=document,
    )


def encode_body(call: Call, deployment: str | None, surface: Surface) -> bytes:
    """Return the body for Azure: as it came, except for the model.

    On a deployment URL the model does no harm in the body, but for images, where it is refused.
    https://github.com/openai/openai-python/issues/2892
    """
    document = call.document
    if document is None or deployment is None:
        return call.raw
    value = msgspec.json.encode(deployment)
    kind = call.route.operation.body
    if kind in _HOLDERS and (holder := _holder(document, kind)) is not None:
        return document.replace(_HOLDERS[kind], holder.with_member("model", value))
    if surface is not Surface.DEPLOYMENT:
        return document.with_member("model", value)
    return document.without("model") if is_image(call.route.operation) else call.raw


def image_deployment(call: Call, serving: Serving) -> str | None:
    """Return the deployment that makes the images of a response, which Azure wants in a header; None without one.

    https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses#image-generation
    """
    if call.document is None or call.route.operation.name != "createResponse":
        return None
    tools = call.document.member("tools")
    if tools is None:
        return None
    try:
        models = [tool.model for tool in decode(tools, _TOOLS.decode) if tool.type == _IMAGE_TOOL]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return next((serving(model) for model in models if isinstance(model, str)), None)


def missing_model() -> InvalidRequest:
    """Return what the client of a call without a model reads."""
    return InvalidRequest("You must provide a model parameter.", param="model", code="missing_required_parameter")


def is_image(operation: Operation) -> bool:
    """Tell whether Azure refuses a model beside the deployment in the URL."""
    return operation.path.startswith("/images/")


def _streams(operation: Operation, document: JsonBody) -> bool:
    """Tell whether events are asked for; another type of the flag is refused here, in OpenAI's words."""
    if operation.stream is None:
        return False
    return document.flag("stream") or (operation.stream is StreamFormat.SPEECH and _wants_sse(document))


def _wants_sse(document: JsonBody) -> bool:
    return document.member("stream_format") == b'"sse"'


def _choices(operation: Operation, document: JsonBody) -> int:
    prompts = document.length("prompt") if operation.stream is StreamFormat.COMPLETION else 1
    return document.count("n") * prompts


def _holder(document: JsonBody, kind: Body) -> JsonBody | None:
    """Return the object that holds the model, None where there is none and need not be."""
    if kind not in _HOLDERS:
        return document
    held = document.member(_HOLDERS[kind])
    if held is not None:
        return parse_json_body(held)
    if kind is Body.DATA_SOURCE:
        return None
    raise InvalidRequest("You must provide a session.", param="session", code="missing_required_parameter")


def _not_stored(operation: Operation, document: JsonBody) -> JsonBody:
    if document.flag("store"):
        raise InvalidRequest("Storing is switched off at this proxy.", param="store", code="unsupported_value")
    if operation.name != "createResponse":
        return document
    # OpenAI stores a response unless it is told not to.
    return parse_json_body(document.with_member("store", b"false"))
