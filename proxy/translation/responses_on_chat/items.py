"""The items of an input as the messages of a chat.

A chat has one message of the assistant where a response has an item for each thing that the model did: its reasoning,
its text and each of its calls. Behind it come the outputs of all its calls, and nothing may stand between.
https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_members import ENCODE, Members
from proxy.translation.responses_on_chat.content import (
    agent_content,
    assistant_content,
    encode_parts,
    instructing_content,
    output_content,
    text_part,
    user_content,
    with_thinking,
)
from proxy.translation.responses_on_chat.draft import NULL, Draft, Fate, list_of, members_of
from proxy.translation.responses_on_chat.marks import is_translated, needs_responses, refuse_reference, unseal, was_part
from proxy.translation.responses_on_chat.names import Tool, ToolKind, call_id
from proxy.translation.responses_on_chat.texts import EMPTY, checked, joined, nested, quoted, text_of
from proxy.translation.responses_on_chat.tools import SEARCH, Tools

_MISSING = Raw(b'"aborted"')
_CLIENT = Raw(b'"client"')
_NO_ARGUMENTS = Raw(b'"{}"')
_USER, _TOOL, _ASSISTANT = Raw(b'"user"'), Raw(b'"tool"'), Raw(b'"assistant"')
# Mistral's models refuse a message of the user right behind an output: https://github.com/zed-industries/zed/issues/37021
_BETWEEN: Members = {"role": _ASSISTANT, "content": Raw(b'"OK."')}


class _Call(msgspec.Struct):
    """A call of a tool, as one of a chat, and what came of it."""

    id: str
    function: str
    arguments: Raw
    output: Raw = _MISSING
    attached: list[Members] = []


class _Turn(msgspec.Struct):
    """What the model did between two things that it was told."""

    origin: str
    texts: list[Raw] = []
    refusals: list[Raw] = []
    thoughts: list[str] = []
    has_parts: bool = False
    calls: list[_Call] = []


class _Message(msgspec.Struct):
    """What the model was told: a message of the user, or one that instructs."""

    origin: str
    role: str
    content: Raw


class History:
    """The messages of one input, built item by item; `origins` has the item that each of them begins with."""

    def __init__(self, draft: Draft, tools: Tools) -> None:
        self.draft = draft
        self.tools = tools
        self._entries: list[_Turn | _Message] = []
        self._turn: _Turn | None = None
        self._unanswered: dict[str, list[_Call]] = {}

    def instruct(self, origin: str, content: Raw) -> None:
        """Add a message that instructs; those at the beginning are one, and one that says nothing is none."""
        if content == EMPTY:
            return
        role = self.draft.model.instructing_role
        only = self._entries[0] if len(self._entries) == 1 else None
        if isinstance(only, _Message) and only.role == role:
            only.content = joined((only.content, content))
        else:
            self.tell(origin, role, content)

    def describe(self, descriptions: Mapping[str, Raw]) -> None:
        """Put descriptions of functions behind what instructs at the beginning."""
        if not descriptions or not self._entries:
            return
        headed = [joined((quoted(f"Description of the function {name}:"), one)) for name, one in descriptions.items()]
        role = self.draft.model.instructing_role
        first = self._entries[0]
        if isinstance(first, _Message) and first.role == role:
            first.content = joined((first.content, *headed))
        else:
            self._entries.insert(0, _Message("tools", role, joined(headed)))

    def tell(self, origin: str, role: str, content: Raw) -> None:
        """Add a message that is not the model's."""
        self._turn = None
        self._entries.append(_Message(origin, role, content))

    def turn(self, origin: str) -> _Turn:
        """Return what the model is doing, which begins with this item if it did nothing just before."""
        if self._turn is None:
            self._turn = _Turn(origin)
            self._entries.append(self._turn)
        return self._turn

    def call(self, origin: str, written: str, tool: Tool, arguments: Raw) -> None:
        """Add a call of a tool."""
        turn = self.turn(origin)
        identifier = call_id(written, {call.id for call in turn.calls}, is_mistral=self.draft.model.is_mistral)
        call = _Call(identifier, self.tools.names.flat(tool), arguments)
        turn.calls.append(call)
        self._unanswered.setdefault(written, []).append(call)

    def output(self, origin: str, written: str, text: Raw, attached: list[Members]) -> None:
        """Add the output of a call; without one before it, it is a message of the user."""
        self._turn = None
        waiting = self._unanswered.get(written)
        if waiting:
            call = waiting.pop(0)
            call.output, call.attached = text, attached
        else:
            heading = quoted(f"Output of the call {written}:")
            self.tell(origin, "user", encode_parts([text_part(joined((heading, text))), *attached]))

    def take(self, number: int, raw: Raw) -> None:
        """Add an item of the input; raise `InvalidRequest` for one that a chat has no place for."""
        path = f"input[{number}]"
        item = members_of(raw, path)
        kind = _kind(item, path)
        if kind not in ITEMS:
            message = f"Invalid value: '{kind[:64]}' is no type of item that chat completions have a place for."
            raise InvalidRequest(message, param=f"{path}.type", code="invalid_value")
        ITEMS[kind].take(self, item, path)

    def messages(self) -> tuple[list[Members], list[str]]:
        """Return the messages of the chat, and the item that each begins with."""
        found: list[tuple[Members, str]] = []
        for entry in self._entries:
            for message in self._written(entry):
                if self.draft.model.is_mistral and found and _is_user_after_tool(message, found[-1][0]):
                    found.append((_BETWEEN, entry.origin))
                found.append((message, entry.origin))
        return [message for message, _ in found], [origin for _, origin in found]

    def _written(self, entry: "_Turn | _Message") -> Iterable[Members]:
        if isinstance(entry, _Message):
            return [{"role": quoted(entry.role), "content": entry.content}]
        said = self._assistant(entry)
        outputs = [_tool_message(call) for call in entry.calls]
        return [*([said] if said else ()), *outputs, *_attachments(entry.calls)]

    def _assistant(self, turn: _Turn) -> Members | None:
        """Return what the model did as one message; None when it was reasoning alone."""
        message: Members = {"role": _ASSISTANT, **self._thoughts(turn)}
        texts = turn.texts
        if turn.refusals and self.draft.model.is_openai:
            message["refusal"] = joined(turn.refusals)
        else:
            texts = [*texts, *turn.refusals]
        if turn.calls:
            message["tool_calls"] = Raw(ENCODE([_tool_call(call) for call in turn.calls]))
        elif turn.thoughts and not texts and "refusal" not in message:
            return None
        return {**message, "content": self._said(turn, message, texts)}

    def _thoughts(self, turn: _Turn) -> Members:
        """Return the reasoning before calls, which other makers' models need again."""
        if not turn.thoughts:
            return {}
        model = self.draft.model
        if turn.calls and not model.is_openai and turn.has_parts:
            return {}
        # Mistral's refuse a member that only others have: https://github.com/BerriAI/litellm/issues/30835
        if not turn.calls or model.is_openai or model.is_mistral:
            self.draft.drop("input[].reasoning")
            return {}
        return {"reasoning_content": quoted("\n\n".join(turn.thoughts))}

    def _said(self, turn: _Turn, message: Members, texts: list[Raw]) -> Raw:
        if turn.has_parts and turn.calls and not self.draft.model.is_openai:
            return with_thinking(turn.thoughts, texts)
        # Some servers of other makers' models take no null: https://github.com/SaladDay/cc-switch-cli/issues/448
        is_null = not texts and self.draft.model.is_openai and ("tool_calls" in message or "refusal" in message)
        return NULL if is_null else joined(texts)


def _kind(item: Members, path: str) -> str:
    """Return the type of an item, which a message and a reference may leave out."""
    if item.get("type", NULL) != NULL:
        return text_of(item["type"], f"{path}.type")
    return "message" if "role" in item else "item_reference"


def _is_user_after_tool(message: Members, before: Members) -> bool:
    return message["role"] == _USER and before["role"] == _TOOL


def _tool_call(call: _Call) -> Mapping[str, object]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.function, "arguments": call.arguments},
    }


def _tool_message(call: _Call) -> Members:
    return {"role": _TOOL, "tool_call_id": quoted(call.id), "content": call.output}


def _attachments(calls: list[_Call]) -> list[Members]:
    """Return the message with the images and files of outputs, none when there are none."""
    parts: list[Members] = []
    for call in calls:
        if call.attached:
            parts += (text_part(quoted(f"Attached to the output of the call {call.id}:")), *call.attached)
    return [{"role": _USER, "content": Raw(ENCODE(parts))}] if parts else []


_Take = Callable[[History, Members, str], None]


class ItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a type of item: its fate, what it is in a chat, and how it is added to the messages."""

    fate: Fate
    chat: str
    take: _Take


# What tells nothing to the model: where an item is kept, and whether it was whole.
_BOOKKEEPING = frozenset(
    {"id", "type", "status", "created_by", "metadata", "internal_chat_message_metadata_passthrough", "execution"}
)


def _drop_rest(history: History, item: Members, *known: str) -> None:
    history.draft.drop_rest(item, _BOOKKEEPING | frozenset(known), "input[]")


def _message(history: History, item: Members, path: str) -> None:
    role = text_of(item.get("role", NULL), f"{path}.role")
    content, place = item.get("content", NULL), f"{path}.content"
    _drop_rest(history, item, "role", "content")
    if role == "user":
        history.tell(path, role, user_content(history.draft, content, place))
    elif role in ("system", "developer"):
        history.instruct(path, instructing_content(history.draft, content, place))
    elif role == "assistant":
        texts, refusals = assistant_content(history.draft, content, place)
        turn = history.turn(path)
        turn.texts, turn.refusals = [*turn.texts, *texts], [*turn.refusals, *refusals]
    else:
        message = f"Invalid value: '{role[:64]}' is no role of a message."
        raise InvalidRequest(message, param=f"{path}.role", code="invalid_value")


def _agent_message(history: History, item: Members, path: str) -> None:
    """Take what another agent of Codex wrote, which says itself who that is."""
    _drop_rest(history, item, "content")
    content = agent_content(history.draft, item.get("content", NULL), f"{path}.content")
    if content != EMPTY:
        history.tell(path, "user", content)


def _reasoning(history: History, item: Members, path: str) -> None:
    """Take reasoning that was sealed here or never was; what Azure has sealed only Azure can read."""
    _drop_rest(history, item, "summary", "content", "encrypted_content")
    sealed = item.get("encrypted_content", NULL)
    content = "" if sealed == NULL else text_of(sealed, f"{path}.encrypted_content")
    own = unseal(content)
    if sealed != NULL and own is None:
        history.draft.drop("input[].encrypted_content")
    text = own or _thoughts(item, "content", path) or _thoughts(item, "summary", path)
    if text:
        turn = history.turn(path)
        turn.thoughts, turn.has_parts = [*turn.thoughts, text], was_part(content)


def _thoughts(item: Members, name: str, path: str) -> str:
    if item.get(name, NULL) == NULL:
        return ""
    parts = [members_of(raw, f"{path}.{name}") for raw in list_of(item[name], f"{path}.{name}")]
    return "\n\n".join(text_of(part.get("text", NULL), f"{path}.{name}.text") for part in parts)


def _tool_of(kind: ToolKind, item: Members, path: str) -> Tool:
    namespace = item.get("namespace", NULL)
    return Tool(
        kind=kind,
        name=text_of(item.get("name", NULL), f"{path}.name"),
        namespace=None if namespace == NULL else text_of(namespace, f"{path}.namespace"),
    )


def _function_call(history: History, item: Members, path: str) -> None:
    _drop_rest(history, item, "call_id", "name", "namespace", "arguments")
    arguments = checked(item.get("arguments", NULL), f"{path}.arguments")
    written = text_of(item.get("call_id", NULL), f"{path}.call_id")
    tool = _tool_of(ToolKind.FUNCTION, item, path)
    # Templates of other makers' models read the arguments, which are never no JSON there.
    history.call(path, written, tool, _NO_ARGUMENTS if arguments == EMPTY else arguments)


def _custom_call(history: History, item: Members, path: str) -> None:
    _drop_rest(history, item, "call_id", "name", "namespace", "input")
    said = checked(item.get("input", NULL), f"{path}.input")
    written = text_of(item.get("call_id", NULL), f"{path}.call_id")
    arguments = Raw(b'"{\\"input\\":%s}"' % nested(said))
    history.call(path, written, _tool_of(ToolKind.CUSTOM, item, path), arguments)


def _search_call(history: History, item: Members, path: str) -> None:
    if item.get("execution") != _CLIENT or item.get("call_id", NULL) == NULL:
        _hosted(history, item, path)
        return
    _drop_rest(history, item, "call_id", "arguments")
    written = text_of(item["call_id"], f"{path}.call_id")
    arguments = item.get("arguments", NULL)
    history.call(path, written, SEARCH, _NO_ARGUMENTS if arguments == NULL else Raw(b'"%s"' % nested(arguments)))


def _output(history: History, item: Members, path: str) -> None:
    _drop_rest(history, item, "call_id", "output", "name", "namespace")
    written = text_of(item.get("call_id", NULL), f"{path}.call_id")
    text, attached = output_content(history.draft, item.get("output", NULL), f"{path}.output")
    history.output(path, written, text, attached)


def _search_output(history: History, item: Members, path: str) -> None:
    """Take the tools that a search found; the model reads their names, and what they are among its tools."""
    names = _more_tools(history, item, path)
    if item.get("execution") != _CLIENT or item.get("call_id", NULL) == NULL:
        _hosted(history, item, path)
        return
    _drop_rest(history, item, "call_id", "tools")
    found = Raw(ENCODE({"tools": names}))
    history.output(path, text_of(item["call_id"], f"{path}.call_id"), Raw(b'"%s"' % nested(found)), [])


def _more_tools(history: History, item: Members, path: str) -> list[str]:
    return history.tools.add(list_of(item.get("tools", NULL), f"{path}.tools"), f"{path}.tools")


def _additional_tools(history: History, item: Members, path: str) -> None:
    _drop_rest(history, item, "role", "tools")
    _more_tools(history, item, path)


def _hosted(history: History, item: Members, _path: str) -> None:
    history.draft.drop(text_of(item["type"], "type"), "input")


def _compacted(_history: History, _item: Members, path: str) -> None:
    raise needs_responses(f"The item `{path}`, which only the deployment that made it can read,", path)


def _reference(_history: History, item: Members, path: str) -> None:
    if is_translated(text_of(item.get("id", NULL), f"{path}.id")):
        raise refuse_reference(f"{path}.id")
    raise needs_responses(f"The item `{path}`, which names what Azure keeps,", f"{path}.id")


def _rows(fate: Fate, take: _Take, *names: str, chat: str = "") -> dict[str, ItemRow]:
    return {name: ItemRow(fate=fate, chat=chat, take=take) for name in names}


ITEMS: Mapping[str, ItemRow] = {
    **_rows(Fate.SENT, _message, "message", chat="a message, the assistant's with its calls"),
    **_rows(Fate.SENT, _agent_message, "agent_message", chat="a message of the user"),
    **_rows(
        Fate.SENT,
        _reasoning,
        "reasoning",
        chat="reasoning_content of the message with its calls, or parts of its content as they came",
    ),
    **_rows(Fate.SENT, _function_call, "function_call", chat="one of the tool_calls"),
    **_rows(Fate.SENT, _custom_call, "custom_tool_call", chat="one of the tool_calls, with the member input"),
    **_rows(Fate.SENT, _search_call, "tool_search_call", chat="one of the tool_calls; a hosted search is left out"),
    **_rows(Fate.SENT, _output, "function_call_output", "custom_tool_call_output", chat="a message of the role tool"),
    **_rows(Fate.SENT, _search_output, "tool_search_output", chat="a message of the role tool, and tools"),
    **_rows(Fate.SENT, _additional_tools, "additional_tools", chat="tools"),
    **_rows(
        Fate.DROPPED,
        _hosted,
        *("file_search_call", "web_search_call", "computer_call", "computer_call_output", "image_generation_call"),
        *("code_interpreter_call", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output"),
        *("apply_patch_call", "apply_patch_call_output", "mcp_list_tools", "mcp_approval_request", "mcp_call"),
        *("mcp_approval_response", "program", "program_output"),
    ),
    **_rows(Fate.REFUSED, _compacted, "compaction", "compaction_summary", "context_compaction", "compaction_trigger"),
    **_rows(Fate.REFUSED, _reference, "item_reference"),
}
