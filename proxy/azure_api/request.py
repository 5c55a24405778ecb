"""A client's request as a call of Azure OpenAI: what it asks for, and the body that is sent."""

from collections.abc import Callable

import msgspec

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.json_members import decode
from proxy.openai_api.operations import Body, Operation, StreamFormat, Surface
from proxy.openai_api.router import Route

IMAGE_HEADER = "x-ms-oai-image-generation-deployment"
_IMAGE_TOOL = "image_generation"
# A JSON body is read also where the operation takes a form.
_READ = frozenset({Body.MODEL, Body.MODEL_IF_ANY, Body.SESSION, Body.DATA_SOURCE, Body.FORM})
# The member that has the model in it.
_HOLDERS = {Body.SESSION: "session", Body.DATA_SOURCE: "data_source"}

Serving = Callable[[str], str]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for.

    `model` is the client's name of the model, None if the operation needs none. `choices` is how many answers the
    client wants, and `streams` whether it wants events. A response `in_background` continues without its client. `raw`
    is the body, and `document` the same parsed, None if it was not read.
    """

    __repr__ = object.__repr__  # without what is in it

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
    """Parse what routing and streaming need from a body that is not a form.

    Raises `InvalidRequest` if it cannot be parsed, if a model is missing, or if the answer would be stored and
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
    """Return the body for Azure, unchanged except for the model.

    With a deployment in the URL, Azure ignores the model in the body, but refuses it for images.
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
    """Return the deployment for the images of a response, which Azure requires in a header; None without one.

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


def wants_usage(call: Call) -> bool:
    """Tell whether the client asked for the usage at the end of a stream of chat."""
    options = call.document.member("stream_options") if call.document is not None else None
    try:
        return options is not None and parse_json_body(options).flag("include_usage")
    except InvalidRequest:
        return False


def missing_model() -> InvalidRequest:
    """Return the error for a call without a model."""
    return InvalidRequest("You must provide a model parameter.", param="model", code="missing_required_parameter")


def is_image(operation: Operation) -> bool:
    """Tell whether Azure refuses a model in the body when the URL has the deployment."""
    return operation.path.startswith("/images/")


def _streams(operation: Operation, document: JsonBody) -> bool:
    """Tell whether the client wants events; raise `InvalidRequest` if the flag is not a boolean."""
    if operation.stream is None:
        return False
    return document.flag("stream") or (operation.stream is StreamFormat.SPEECH and _wants_sse(document))


def _wants_sse(document: JsonBody) -> bool:
    return document.member("stream_format") == b'"sse"'


def _choices(operation: Operation, document: JsonBody) -> int:
    prompts = document.length("prompt") if operation.stream is StreamFormat.COMPLETION else 1
    return document.count("n") * prompts


def _holder(document: JsonBody, kind: Body) -> JsonBody | None:
    """Return the object that has the model, None if it is missing and optional."""
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
    # By default, a response is stored.
    return parse_json_body(document.with_member("store", b"false"))
