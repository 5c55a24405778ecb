"""What a chat completions call asks for, and the reply the simulated model gives."""

from dataclasses import dataclass

import msgspec

from tools.azure_openai_simulator.echo import echo, tokens_of, truncate
from tools.azure_openai_simulator.schema import example


class Part(msgspec.Struct):
    """One part of a message; only text parts are read."""

    type: str = ""
    text: str = ""


class Message(msgspec.Struct):
    """One message of the conversation."""

    role: str = ""
    content: str | tuple[Part, ...] | None = None

    def text(self) -> str:
        """Return the text of all parts."""
        if isinstance(self.content, tuple):
            return " ".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class Function(msgspec.Struct):
    """A function the model may call."""

    name: str
    parameters: dict[str, object] | None = None


class Tool(msgspec.Struct):
    """A tool the model may call, or the one it must call; only functions are read."""

    function: Function | None = None


class JsonSchema(msgspec.Struct, rename={"definition": "schema"}):
    """The schema of a structured output."""

    definition: dict[str, object] | None = None


class ResponseFormat(msgspec.Struct):
    """The form of the reply."""

    type: str = "text"
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct):
    """What a stream carries besides text."""

    include_usage: bool | None = None


class ChatRequest(msgspec.Struct):
    """The body of a call, as far as the simulator reads it."""

    messages: tuple[Message, ...] = ()
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: str | Tool | None = None
    response_format: ResponseFormat | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None

    def limit(self) -> int | None:
        """Return the most tokens of an answer."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model says: tokens of text or, with `function`, of the arguments of a call to it."""

    tokens: tuple[str, ...]
    finish_reason: str
    function: str | None = None


def reply_to(request: ChatRequest) -> Reply:
    """Echo the last message of the user, as a call when a tool is demanded."""
    prompt = next((message.text() for message in reversed(request.messages) if message.role == "user"), "")
    function = _demanded(request)
    limit = request.limit()
    if function is None:
        tokens, reason = truncate(tokens_of(_said(request.response_format, prompt)), limit)
        return Reply(tokens=tokens, finish_reason=reason)
    tokens, reason = truncate(tokens_of(_spaced(example(function.parameters, prompt))), limit)
    if reason == "stop" and request.tool_choice == "required":
        reason = "tool_calls"  # a named function ends with "stop": platform.openai.com/docs/guides/function-calling
    return Reply(tokens=tokens, finish_reason=reason, function=function.name)


def _demanded(request: ChatRequest) -> Function | None:
    functions = [tool.function for tool in request.tools or () if tool.function is not None]
    if request.tool_choice == "required":
        return functions[0] if functions else None
    named = request.tool_choice.function if isinstance(request.tool_choice, Tool) else None
    return next((function for function in functions if named and function.name == named.name), None)


def _said(form: ResponseFormat | None, prompt: str) -> str:
    if form is None or form.type == "text":
        return echo(prompt)
    if form.json_schema is not None:
        return _spaced(example(form.json_schema.definition, prompt))
    return _spaced({"said": prompt})


def _spaced(value: object) -> str:
    """Encode JSON with white space, which makes tokens of it."""
    return msgspec.json.format(msgspec.json.encode({} if value is None else value), indent=1).decode()
