"""A client's request as a call of Azure OpenAI: what it asks for, and the body that is sent."""

from collections.abc import Callable

import msgspec

from proxy.errors import InvalidRequest
from proxy.openai_api.input_items import REFERENCE, is_reference
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

    `model` is the client's name of the model, None if the operation needs none. `lacks_model` tells that the client
    left it out, as OpenAI's API allows, so that a default deployment serves the call if there is one. `choices` is how
    many answers the client wants, and `streams` whether it wants events. A response `in_background` continues without
    its client. `raw` is the body, and `document` the same parsed, None if it was not read. `hides_usage` tells that the
    proxy asks for the usage of a stream and the client does not.
    """

    __repr__ = object.__repr__  # without what is in it

    route: Route
    model: str | None = None
    lacks_model: bool = False
    choices: int = 1
    streams: bool = False
    in_background: bool = False
    hides_usage: bool = False
    raw: bytes = b""
    document: JsonBody | None = None


class _Item(msgspec.Struct):
    id: object = None
    type: object = None
    role: object = None


class _Tool(msgspec.Struct):
    type: object = None
    model: object = None


_TOOLS = msgspec.json.Decoder(list[_Tool])
_ITEMS = msgspec.json.Decoder(list[_Item])


def parse_call(route: Route, raw: bytes, *, may_store: bool = True) -> Call:
    """Parse what routing and streaming need from a body that is not a form.

    Raises `InvalidRequest` if it cannot be parsed, if a model is missing that may not, or if the answer would be stored
    and `may_store` is False.
    """
    kind = route.operation.body
    if kind not in _READ or (kind is Body.MODEL_IF_ANY and not raw):
        return Call(route=route, raw=raw)
    document = parse_json_body(b"{}" if kind is Body.SESSION and not raw else raw)
    streams = _streams(route.operation, document)
    if not may_store:
        document = _not_stored(route.operation, document)
    holder = _holder(document, kind)
    model = route.model or (holder.text("model") if holder is not None else None)
    lacks_model = not model and _may_lack_model(route.operation, document, holder)
    if not model and not lacks_model:
        require_model(route.operation, document)
    return Call(
        route=route,
        model=model,
        lacks_model=lacks_model,
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
    if kind is Body.SESSION and call.lacks_model:
        return document.with_member("session", _default_session(document, value))
    if kind in _HOLDERS and (holder := _holder(document, kind)) is not None:
        return document.replace(_HOLDERS[kind], holder.with_member("model", value))
    if surface is not Surface.DEPLOYMENT:
        return document.with_member("model", value)
    return document.without("model") if is_image(call.route.operation) else call.raw


def image_deployment(call: Call, serving: Serving) -> str | None:
    """Return the deployment for the images of a response, which Azure requires in a header; empty or None without one.

    `serving` is asked for an empty name where the client leaves the model out.

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
    named = next((model for model in models if isinstance(model, str)), "" if None in models else None)
    return None if named is None else serving(named)


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


def require_model(operation: Operation, document: JsonBody | None) -> None:
    """Raise `InvalidRequest` for a call without a model that nobody can serve by default, unless Azure may."""
    if operation.body is Body.MODEL or operation.surface is Surface.DEPLOYMENT:
        raise missing_model()
    if operation.body is Body.SESSION and document is not None and document.member("session") is None:
        raise InvalidRequest("You must provide a session.", param="session", code="missing_required_parameter")


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
    """Return the object that has the model, None if it is missing."""
    if kind not in _HOLDERS:
        return document
    held = document.member(_HOLDERS[kind])
    return None if held is None else parse_json_body(held)


def _may_lack_model(operation: Operation, document: JsonBody, holder: JsonBody | None) -> bool:
    """Tell whether a client may leave the model out.

    A prompt that is kept has a model of its own, and a session that only transcribes has it elsewhere.
    """
    if operation.name == "createResponse":
        return document.member("prompt") is not None
    if operation.body is Body.SESSION and holder is not None:
        return operation.defaults and holder.member("type") in (None, b'"realtime"')
    return operation.defaults


def _default_session(document: JsonBody, model: bytes) -> bytes:
    """Return a realtime session with a model; Azure requires the type as well."""
    session = parse_json_body(document.member("session") or b"{}")
    typed = session.with_member("type", b'"realtime"')
    return parse_json_body(typed).with_member("model", model)


def _not_stored(operation: Operation, document: JsonBody) -> JsonBody:
    if document.flag("store"):
        raise InvalidRequest("Storing is switched off at this proxy.", param="store", code="unsupported_value")
    if operation.name != "createResponse":
        return document
    if _refers(document):
        raise InvalidRequest(
            "Storing is switched off at this proxy, so an item cannot be named by its id (item_reference): "
            "send the items themselves. With the AI SDK, set providerOptions.openai.store to false.",
            param="input",
            code="unsupported_value",
        )
    # By default, a response is stored.
    return parse_json_body(document.with_member("store", b"false"))


def _refers(document: JsonBody) -> bool:
    """Tell whether the input of a response names items that Azure would have to keep."""
    given = document.member("input") or b""
    if REFERENCE.encode() not in given and b'"id"' not in given:
        return False
    try:
        return any(is_reference(item.id, item.type, item.role) for item in decode(given, _ITEMS.decode))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
