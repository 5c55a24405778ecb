"""A chat completion request as one of the Responses API.

Values that mean the same there are never built: they go over as the JSON that they came as.
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.json_members import DECODE, ENCODE, Members, rewrite
from proxy.translation.chat_on_responses.answer import ChatReader
from proxy.translation.chat_on_responses.errors import Parameters
from proxy.translation.chat_on_responses.members import MEMBERS, Fate, invalid, refuse
from proxy.translation.chat_on_responses.messages import InputItems
from proxy.translation.chat_on_responses.pieces import Wanted
from proxy.translation.chat_on_responses.stop import parse_stop
from proxy.translation.chat_on_responses.tools import (
    from_function_call,
    from_functions,
    members_of,
    to_choice,
    to_tools,
)
from proxy.translation.interface import Remembered, Reply, TranslatedRequest
from proxy.translation.losses import Losses

_NULL, _FALSE, _TRUE, _ONE = Raw(b"null"), Raw(b"false"), b"true", b"1"
# Azure refuses less. https://platform.openai.com/docs/api-reference/responses/create#responses-create-max_output_tokens
MIN_OUTPUT_TOKENS = 16
ENCRYPTED, LOGPROBS = "reasoning.encrypted_content", "message.output_text.logprobs"
_JSON_SCHEMA = b'"json_schema"'
_MODALITIES = msgspec.json.Decoder(list[str]).decode


def _nothing(_call_id: str) -> None:
    return None


def translate(
    document: JsonBody,
    reply: Reply,
    *,
    reasons: bool = False,
    remembered: Remembered = _nothing,
    with_details: bool = False,
    keep_filters: bool = False,
    needs_usage: bool = False,
) -> TranslatedRequest:
    """Return the request for a model that serves only Responses; raise `InvalidRequest` for what it has not.

    `reasons` tells that the model does, so that its reasoning comes along for the next turn. `with_details` gives the
    client what it may send back of that. `keep_filters` leaves Azure's results of the content filter in the answer.
    `needs_usage` tells that a stream is read to its end even when the client needs nothing of it any more.
    """
    stops = parse_stop(document)
    request = _Request(remembered, with_details=with_details)
    body = parse_json_body(rewrite(document.raw, lambda raw: request.build(DECODE(raw), reasons=reasons)))
    wanted = Wanted(
        stops=stops,
        usage=request.includes_usage,
        rest=needs_usage,
        functions=request.is_legacy,
        details=with_details,
        filters=keep_filters,
        summary=request.has_summary,
    )
    reader = ChatReader(reply, wanted, document.text("model") or "", request.parameters())
    losses = request.losses
    return TranslatedRequest(body=body, reader=reader, dropped=losses.dropped, changed=losses.changed)


class _Request:
    """A request being made: `body` and the objects in it that several members of the client's go into."""

    def __init__(self, remembered: Remembered, *, with_details: bool) -> None:
        self.losses = Losses()
        self.body: dict[str, object] = {}
        self.text: dict[str, object] = {}
        self.reasoning: dict[str, object] = {}
        self.include: list[str] = []
        self.tools: list[Members] = []
        self.functions: list[Members] = []
        self.renamed: dict[str, str] = {}
        self.includes_usage = False
        self._given: Members = {}
        self._input = InputItems(self.losses, remembered, with_details=with_details)

    @property
    def is_legacy(self) -> bool:
        """Tell whether the client knows functions and no tools."""
        return bool(self.functions) and not self.tools

    @property
    def has_summary(self) -> bool:
        """Tell whether the client asked for a summary of the reasoning."""
        return self.reasoning.get("summary", _NULL) != _NULL

    def parameters(self) -> Parameters:
        """Return where each member came from."""
        return Parameters(self._input.origins, [*self.tools, *self.functions], len(self.tools), self.renamed)

    def build(self, given: Members, *, reasons: bool) -> bytes:
        """Return the body."""
        self._given = given
        if not self._has("messages"):
            message = "Missing required parameter: 'messages'."
            raise InvalidRequest(message, param="messages", code="missing_required_parameter")
        for name, value in self._given.items():
            row = MEMBERS.get(name)
            if row is None:
                self.body[name] = value
            elif value == _NULL:
                continue  # Chat takes it for a member that is missing, Responses not everywhere.
            elif row.fate is Fate.SENT:
                self.body[name] = value
            else:
                self._take(name, row.fate, row.note, value)
        self.include += [ENCRYPTED] * reasons
        parts: dict[str, object] = {"include": self.include, "text": self.text, "reasoning": self.reasoning}
        parts["tools"] = [*self.tools, *self.functions]
        self.body |= {name: part for name, part in parts.items() if part}
        return ENCODE({**self.body, "input": self._input.items, "store": _FALSE})

    def _take(self, name: str, fate: Fate, note: str, value: Raw) -> None:
        if fate is Fate.REFUSED:
            raise refuse(name, note)
        if name in _TAKEN:
            _TAKEN[name](self, value)
        elif fate is Fate.DROPPED:
            self.losses.drop(name)

    def messages(self, value: Raw) -> None:
        """Take the messages."""
        self._input.add(value)

    def max_completion_tokens(self, value: Raw) -> None:
        """Take the bound of the answer."""
        self._bound("max_completion_tokens", value)

    def max_tokens(self, value: Raw) -> None:
        """Take the bound by its older name, unless there is the other."""
        if self._has("max_completion_tokens"):
            self.losses.drop("max_tokens")
        else:
            self._bound("max_tokens", value)

    def reasoning_effort(self, value: Raw) -> None:
        """Take how much the model reasons."""
        self.reasoning["effort"] = value

    def reasoning_options(self, value: Raw) -> None:
        """Take the options of Responses, which some clients add to a chat; the effort of a chat counts for more."""
        given = members_of(value, "reasoning")
        if "effort" in given and not self._has("reasoning_effort"):
            self.renamed["reasoning.effort"] = "reasoning.effort"
        self.reasoning = {**given, **self.reasoning}

    def verbosity(self, value: Raw) -> None:
        """Take how much the model says."""
        self.text["verbosity"] = value

    def response_format(self, value: Raw) -> None:
        """Take the form of the answer; a schema's members are one level higher there."""
        form = members_of(value, "response_format")
        if bytes(form.get("type", _NULL)) == _JSON_SCHEMA:
            schema = members_of(form.pop("json_schema", _NULL), "response_format.json_schema")
            given = {name: member for name, member in schema.items() if member != _NULL}
            defaults: Members = {"schema": Raw(b"{}"), "strict": _FALSE}
            form = {**defaults, **given, **form}
        self.text["format"] = form

    def take_tools(self, value: Raw) -> None:
        """Take the tools."""
        self.tools = to_tools(value, self.losses)

    def tool_choice(self, value: Raw) -> None:
        """Take the choice among them."""
        self.body["tool_choice"] = to_choice(value, self.losses)

    def take_functions(self, value: Raw) -> None:
        """Take the functions, of which the client knows one call at a time."""
        self.functions = from_functions(value)
        self.body.setdefault("parallel_tool_calls", _FALSE)

    def function_call(self, value: Raw) -> None:
        """Take the choice among them, unless there is the newer one."""
        if self._has("tool_choice"):
            self.losses.drop("function_call")
        else:
            self.renamed["tool_choice"] = "function_call"
            self.body["tool_choice"] = from_function_call(value)

    def logprobs(self, value: Raw) -> None:
        """Take whether the answer has probabilities."""
        if bytes(value) == _TRUE:
            self.include.append(LOGPROBS)
            self.renamed["include"] = "logprobs"

    def stream_options(self, value: Raw) -> None:
        """Take the options of the stream, one of which is answered here."""
        options = members_of(value, "stream_options")
        self.includes_usage = bytes(options.pop("include_usage", _NULL)) == _TRUE
        if options:
            self.body["stream_options"] = options

    def n(self, value: Raw) -> None:
        """Refuse several choices."""
        if bytes(value) != _ONE:
            raise refuse("n", "it answers one choice")

    def modalities(self, value: Raw) -> None:
        """Refuse what is not text."""
        try:
            others = set(_MODALITIES(value)) - {"text"}
        except msgspec.ValidationError:
            raise invalid("modalities", "a list of strings") from None
        if others:
            raise refuse("modalities", "it answers text")

    def store(self, value: Raw) -> None:
        """Note that nothing is stored."""
        if bytes(value) == _TRUE:
            self.losses.drop("store")

    def _has(self, name: str) -> bool:
        return self._given.get(name, _NULL) != _NULL

    def _bound(self, name: str, value: Raw) -> None:
        digits = bytes(value)
        self.renamed["max_output_tokens"] = name
        if digits.isdigit() and len(digits) < 3 and 0 < int(digits) < MIN_OUTPUT_TOKENS:
            self.losses.changed[name] = str(MIN_OUTPUT_TOKENS)
            self.body["max_output_tokens"] = MIN_OUTPUT_TOKENS
        else:
            self.body["max_output_tokens"] = value


_TAKEN: Mapping[str, Callable[[_Request, Raw], None]] = {
    "messages": _Request.messages,
    "max_completion_tokens": _Request.max_completion_tokens,
    "max_tokens": _Request.max_tokens,
    "reasoning_effort": _Request.reasoning_effort,
    "reasoning": _Request.reasoning_options,
    "verbosity": _Request.verbosity,
    "response_format": _Request.response_format,
    "tools": _Request.take_tools,
    "tool_choice": _Request.tool_choice,
    "functions": _Request.take_functions,
    "function_call": _Request.function_call,
    "logprobs": _Request.logprobs,
    "stream_options": _Request.stream_options,
    "n": _Request.n,
    "modalities": _Request.modalities,
    "store": _Request.store,
}
