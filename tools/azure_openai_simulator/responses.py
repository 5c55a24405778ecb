"""POST responses."""

from collections.abc import Mapping

import msgspec

from tools.azure_openai_simulator import metering
from tools.azure_openai_simulator.answers import Answer, Ask, Stream, document, encode
from tools.azure_openai_simulator.chat_request import (
    ChatRequest,
    Function,
    JsonSchema,
    Message,
    Reply,
    ResponseFormat,
    Tool,
    reply_to,
)
from tools.azure_openai_simulator.errors import ERROR_SAMPLES, InvalidError, RefusalError
from tools.azure_openai_simulator.filters import COMPLETION_SAFE
from tools.azure_openai_simulator.model_apis import check_responses, reasoning_item, reasons
from tools.azure_openai_simulator.response_items import function_call, image_call, items_of, message, text_of
from tools.azure_openai_simulator.response_stream import events
from tools.azure_openai_simulator.state import Record

PLACE = "responses"
WRITES_CACHE = frozenset({"gpt-5.6-luna"})
"""Models of which Azure counts what goes into the cache."""
IMAGE_HEADER = "x-ms-oai-image-generation-deployment"


class ResponseTool(msgspec.Struct):
    """A tool the model may call, or the one it must call."""

    type: str = ""
    name: str = ""
    parameters: dict[str, object] | None = None


class TextFormat(msgspec.Struct, rename={"definition": "schema"}):
    """The form of the reply."""

    type: str = "text"
    definition: dict[str, object] | None = None


class TextOptions(msgspec.Struct):
    """How the model speaks."""

    format: TextFormat | None = None


class ResponseRequest(msgspec.Struct):
    """The body of a call, as far as the simulator reads it."""

    instructions: str | None = None
    input: str | list[dict[str, object]] | None = None
    stream: bool | None = None
    store: bool | None = None
    background: bool | None = None
    max_output_tokens: int | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, object] | None = None
    tools: tuple[ResponseTool, ...] | None = None
    tool_choice: str | ResponseTool | None = None
    text: TextOptions | None = None

    def thread(self) -> str | None:
        """Return the id of the conversation."""
        return self.conversation if isinstance(self.conversation, str | None) else str(self.conversation.get("id"))


def answer(ask: Ask) -> Answer:
    """Answer a responses call, and keep the response unless it is not to be stored."""
    check_responses(ask)
    asked = ask.members()
    request = msgspec.convert(asked, ResponseRequest)
    _check(ask, request)
    given = items_of(ask, request.input)
    _check_references(ask, given)
    reply = reply_to(_as_chat(request, given))
    calls = metering.tool_calls(ask, asked)
    usage = _usage(ask, asked, request, given, reply, len(calls))
    response = _response(ask, asked, request, [*calls, *_output(ask, asked, request, reply)]) | usage
    if request.store is not False:
        _keep(ask, response, given, request.thread())
    if request.background and not request.stream:
        uncounted = {name: value for name, value in response.items() if name != "usage"}
        ask.state.add(PLACE, uncounted | {"status": "queued", "output": [], "completed_at": None})
        ask.state.add(f"{PLACE}/{response['id']}/finished", response)
        return document(ask.state.find(PLACE, str(response["id"]), "response"))
    return Stream(events(response)) if request.stream else document(response)


def _check(ask: Ask, request: ResponseRequest) -> None:
    """Refuse what Azure refuses; raise RefusalError."""
    if request.background and request.store is False:
        raise InvalidError(400, "background requires store to be true.", param="background")
    if request.previous_response_id is not None:
        ask.state.find(PLACE, request.previous_response_id, "response")
    thread = request.thread()
    if thread is not None:
        ask.state.find("conversations", thread, "conversation")
    if any(tool.type == "image_generation" for tool in request.tools or ()):
        _check_image_deployment(ask)


def _check_image_deployment(ask: Ask) -> None:
    deployment = ask.headers.get(IMAGE_HEADER)
    if deployment is None:
        message = f"The {IMAGE_HEADER} header is required when the image_generation tool is used."
        raise InvalidError(400, message, param="tools")
    if deployment not in ask.state.deployments:
        raise RefusalError(deployment if deployment in ERROR_SAMPLES else "error-404-deployment")


def _as_chat(request: ResponseRequest, given: list[Record]) -> ChatRequest:
    """Say the same in the words of chat completions, whose model answers."""
    form = (request.text or TextOptions()).format or TextFormat()
    choice = request.tool_choice
    tools = [_as_tool(tool) for tool in request.tools or () if tool.type == "function"]
    return ChatRequest(
        messages=tuple(Message(role=str(item.get("role", "")), content=text_of(item)) for item in given),
        max_completion_tokens=request.max_output_tokens,
        tools=tuple(tools),
        tool_choice=_as_tool(choice) if isinstance(choice, ResponseTool) else choice,
        response_format=_as_format(form),
    )


def _as_format(form: TextFormat) -> ResponseFormat:
    schema = JsonSchema(definition=form.definition) if form.type == "json_schema" else None
    return ResponseFormat(type=form.type, json_schema=schema)


def _as_tool(tool: ResponseTool) -> Tool:
    return Tool(function=Function(name=tool.name, parameters=tool.parameters))


def _output(ask: Ask, asked: Record, request: ResponseRequest, reply: Reply) -> list[Record]:
    status = "incomplete" if reply.finish_reason == "length" else "completed"
    text = "".join(reply.tokens)
    thoughts = [reasoning_item(ask, asked)] if reasons(ask.model) else []
    pictures = [image_call(ask) for tool in request.tools or () if tool.type == "image_generation"]
    if reply.function is not None:
        return [*thoughts, *pictures, function_call(ask, reply.function, text, status)]
    return [*thoughts, *pictures, message(ask, text, status)]


def _response(ask: Ask, asked: Record, request: ResponseRequest, output: list[Record]) -> Record:
    status = str(output[-1]["status"])
    thread = request.thread()
    return {
        "id": ask.state.new_id("resp_"),
        "object": "response",
        "created_at": ask.created,
        "completed_at": ask.created if status == "completed" else None,
        "status": status,
        "background": bool(request.background),
        "content_filters": _filters(),
        "conversation": None if thread is None else {"id": thread},
        "error": None,
        "incomplete_details": None if status == "completed" else {"reason": "max_output_tokens"},
        "model": ask.deployment,
        "output": output,
        **{name: asked.get(name, default) for name, default in _ECHOED.items()},
        "reasoning": {"effort": None, "summary": None},
        "text": asked.get("text") or {"format": {"type": "text"}},
        "service_tier": metering.tier(asked),
        "store": request.store is not False,
        **{name: asked[name] for name in ("user",) if name in asked},
    }


_ECHOED: Mapping[str, object] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}


def _filters() -> list[Record]:
    offsets = {"start_offset": 0, "end_offset": 0, "check_offset": 0}
    jailbreak = {"jailbreak": {"detected": False, "filtered": False}}
    return [
        {
            "blocked": False,
            "source_type": source,
            "content_filter_raw": None,
            "content_filter_results": results,
            "content_filter_offsets": offsets,
        }
        for source, results in (("prompt", jailbreak), ("completion", COMPLETION_SAFE))
    ]


def _usage(ask: Ask, asked: Record, request: ResponseRequest, given: list[Record], reply: Reply, calls: int) -> Record:
    """Return the usage; behind each call of a tool the model reads all of it again."""
    texts = [("system", request.instructions or ""), *((str(item.get("role", "")), text_of(item)) for item in given)]
    said = metering.answer_tokens(ask, reply.tokens, request.max_output_tokens)
    thought = metering.thought(ask, asked, said, request.max_output_tokens)
    read = metering.given(ask, asked, (text for _, text in texts)).tokens + _stored(ask, request)
    if ask.state.most is not None and (calls or _stored(ask, request)):
        read = ask.state.most.window
    prompt, completion = read * (calls + 1), said + thought
    seed = encode({"deployment": ask.deployment, "tools": request.tools})
    cached = min(ask.state.prompt_cache.use(ask.created, seed, texts), prompt)
    written = prompt - cached if ask.model in WRITES_CACHE else 0
    usage = {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": prompt + completion,
    }
    return {"usage": usage}


def _stored(ask: Ask, request: ResponseRequest) -> int:
    """Count the turns before, of which a call has only the name."""
    thread, before = request.thread(), request.previous_response_id
    items = [] if thread is None else list(ask.state.collection(f"conversations/{thread}/items").values())
    while before is not None:
        response = ask.state.find(PLACE, before, "response")
        output = response["output"]
        items += ask.state.collection(f"{PLACE}/{before}/input_items").values()
        items += output if isinstance(output, list) else []
        held = response["previous_response_id"]
        before = None if held is None else str(held)
    return sum(metering.count(ask, text_of(item)) for item in items)


def _keep(ask: Ask, response: Record, given: list[Record], thread: str | None) -> None:
    ask.state.add(PLACE, response)
    ask.state.extend(f"{PLACE}/{response['id']}/input_items", given)
    output = response["output"]
    if thread is not None and isinstance(output, list):
        ask.state.extend(f"conversations/{thread}/items", [*given, *output])


def _check_references(ask: Ask, given: list[Record]) -> None:
    """Refuse a reference to an item that is not kept.

    https://github.com/maximhq/bifrost/issues/6382 has the answer of Azure.
    """
    for item in given:
        if item["type"] == "item_reference" and not _is_kept(ask, str(item["id"])):
            raise InvalidError(
                400,
                f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to false. "
                "Try again with `store` set to true, or remove this item from your input.",
                param="input",
            )


def _is_kept(ask: Ask, identity: str) -> bool:
    responses = ask.state.collection(PLACE)
    outputs = (record.get("output") for record in responses.values())
    kept = (item["id"] for output in outputs if isinstance(output, list) for item in output)
    inputs = (ask.state.collection(f"{PLACE}/{response}/input_items") for response in [*responses])
    return identity in kept or any(identity in items for items in inputs)
