"""A request for a response as one for a chat completion."""

from contextlib import suppress

from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, free_letter, mask, unmask
from proxy.translation.interface import Reply, TranslatedRequest
from proxy.translation.responses_on_chat.answer import Reader
from proxy.translation.responses_on_chat.draft import NULL, Draft, Model, list_of
from proxy.translation.responses_on_chat.errors import Origins
from proxy.translation.responses_on_chat.items import History
from proxy.translation.responses_on_chat.names import ToolNames
from proxy.translation.responses_on_chat.parameters import SEALED, apply_parameters
from proxy.translation.responses_on_chat.response_object import Asked
from proxy.translation.responses_on_chat.texts import checked, is_text
from proxy.translation.responses_on_chat.tools import Tools, put_tools

_NOT_READABLE = "The body of your request has a value that cannot be translated to a chat completion."


def translate(
    document: JsonBody,
    reply: Reply,
    *,
    is_openai: bool,
    reasons: bool = False,
    is_mistral: bool = False,
    keep_filters: bool = False,
) -> TranslatedRequest:
    """Return a client's request for a response as one for a chat completion.

    `is_openai` and `is_mistral` tell whose the model is, and `reasons` whether it reasons. `keep_filters` leaves the
    results of Azure's content filter in the answer. Raises `InvalidRequest` for what a chat cannot do.
    """
    model = Model(is_openai=is_openai, reasons=reasons, is_mistral=is_mistral)
    body, draft, names, origins = _translated(document, model)
    asked = Asked(
        document=document,
        names=names,
        reply=reply,
        sealed=SEALED in (document.member("include") or b""),
        reads_thoughts=not is_openai,
        keep_filters=keep_filters,
        sent=len(body.raw),
    )
    return TranslatedRequest(
        body=body,
        reader=Reader(asked, origins),
        dropped=draft.losses.dropped,
        changed=draft.losses.changed,
    )


_Built = tuple[JsonBody, Draft, ToolNames, Origins]


def _translated(document: JsonBody, model: Model) -> _Built:
    """Return the body of the chat; halves of surrogate pairs, which msgspec refuses, pass masked."""
    with suppress(*UNREADABLE):
        return _built(document.raw, model, None)
    letter = free_letter(document.raw)
    with suppress(*UNREADABLE):
        if letter is not None:
            return _built(mask(document.raw, letter), model, letter)
    raise InvalidRequest(_NOT_READABLE)


def _built(raw: bytes, model: Model, letter: str | None) -> _Built:
    draft, names = Draft(model), ToolNames()
    origins = _build(draft, names, DECODE(raw))
    body = ENCODE(draft.members)
    return parse_json_body(body if letter is None else unmask(body, letter)), draft, names, origins


def _build(draft: Draft, names: ToolNames, body: Members) -> Origins:
    """Put a response into the draft of a chat; return the item that each message and tool begins with."""
    apply_parameters(draft, body)
    tools = Tools(draft, names)
    if body.get("tools", NULL) != NULL:
        tools.add(list_of(body["tools"], "tools"), "tools")
    history = History(draft, tools)
    if body.get("instructions", NULL) != NULL:
        history.instruct("instructions", checked(body["instructions"], "instructions"))
    _take_input(history, body.get("input", NULL))
    put_tools(draft, tools, body.get("tool_choice", NULL))
    history.describe(
        {name: tools.long_descriptions[name] for name in tools.functions if name in tools.long_descriptions}
    )
    messages, origins = history.messages()
    if not messages:
        raise InvalidRequest("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    draft.members["messages"] = Raw(ENCODE(messages))
    return Origins(origins, tools.origins())


def _take_input(history: History, value: Raw) -> None:
    if value == NULL:
        return
    if is_text(value):
        history.tell("input", "user", value)
        return
    for number, raw in enumerate(list_of(value, "input")):
        history.take(number, raw)
