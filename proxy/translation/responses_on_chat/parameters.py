"""Each member of the body of a response but its input and its tools: the table of what becomes of it in a chat.

https://platform.openai.com/docs/api-reference/responses/create
https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Callable, Mapping

from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_members import ENCODE, Members
from proxy.translation.responses_on_chat.draft import NULL, Draft, Fate, Row, list_of, members_of
from proxy.translation.responses_on_chat.marks import is_translated, needs_responses, refuse_reference
from proxy.translation.responses_on_chat.texts import text_of

_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
SEALED = b'"reasoning.encrypted_content"'
_LOGPROBS = b'"message.output_text.logprobs"'
_FORMAT_MEMBERS = frozenset({"type"})


def _same(draft: Draft, name: str, value: Raw) -> None:
    draft.members[name] = value


def _drop(draft: Draft, name: str, _value: Raw) -> None:
    draft.drop(name)


def _keep(_draft: Draft, _name: str, _value: Raw) -> None:
    """Leave a member to the answer, which repeats it, or to what reads it for itself."""


def _refuse(_draft: Draft, name: str, _value: Raw) -> None:
    raise needs_responses(f"`{name}`", name)


def _drop_if(*values: bytes) -> Callable[[Draft, str, Raw], None]:
    def apply(draft: Draft, name: str, value: Raw) -> None:
        if bytes(value) in values:
            draft.drop(name)

    return apply


def _limit(draft: Draft, _name: str, value: Raw) -> None:
    draft.members[draft.model.limit] = value


def _previous(_draft: Draft, name: str, value: Raw) -> None:
    if is_translated(text_of(value, name)):
        raise refuse_reference(name)
    raise needs_responses(f"`{name}`", name)


def _background(_draft: Draft, name: str, value: Raw) -> None:
    if bytes(value) != b"false":
        raise needs_responses("`background`", name)


def _store(draft: Draft, name: str, value: Raw) -> None:
    if bytes(value) == b"true":
        draft.losses.changed[name] = "false"


def _tier(draft: Draft, name: str, value: Raw) -> None:
    """Send a tier; chat has all but the newest."""
    if bytes(value) == b'"ultrafast"':
        draft.drop(name)
    else:
        draft.members[name] = value


def _text(draft: Draft, name: str, value: Raw) -> None:
    text = members_of(value, name)
    if text.get("verbosity", NULL) != NULL:
        draft.members["verbosity"] = text["verbosity"]
    if text.get("format", NULL) != NULL:
        _format(draft, members_of(text["format"], f"{name}.format"))
    draft.drop_rest(text, frozenset({"format", "verbosity"}), name)


def _format(draft: Draft, form: Members) -> None:
    kind = text_of(form.get("type", NULL), "text.format.type")
    if kind == "json_schema":
        schema = {name: value for name, value in form.items() if name not in _FORMAT_MEMBERS and value != NULL}
        draft.members["response_format"] = Raw(ENCODE({"type": kind, "json_schema": schema}))
    elif kind == "json_object":
        draft.members["response_format"] = Raw(b'{"type":"json_object"}')
    elif kind != "text":
        raise InvalidRequest(
            f"Chat completions have no format '{kind[:64]}'.", param="text.format.type", code="invalid_value"
        )


def _reasoning(draft: Draft, name: str, value: Raw) -> None:
    reasoning = members_of(value, name)
    if reasoning.get("effort", NULL) != NULL:
        draft.members["reasoning_effort"] = reasoning["effort"]
    draft.drop_rest(reasoning, frozenset({"effort"}), name)


def _include(draft: Draft, name: str, value: Raw) -> None:
    asked = {bytes(one) for one in list_of(value, name)}
    if _LOGPROBS in asked:
        draft.members["logprobs"] = _TRUE
    if asked - {_LOGPROBS, SEALED}:
        draft.drop(name)


def _top_logprobs(draft: Draft, name: str, value: Raw) -> None:
    """Ask for the likely tokens; none of them is what a chat without probabilities has."""
    if bytes(value) != b"0":
        draft.members["logprobs"] = _TRUE
    draft.members[name] = value


def _unknown(_draft: Draft, name: str, _value: Raw) -> None:
    raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def _rows(fate: Fate, apply: Callable[[Draft, str, Raw], None], *names: str, chat: str = "") -> dict[str, Row]:
    return {name: Row(fate=fate, chat=chat, apply=apply) for name in names}


PARAMETERS: Mapping[str, Row] = {
    **_rows(
        Fate.SENT,
        _same,
        *("model", "temperature", "top_p", "user", "safety_identifier", "moderation", "stream"),
        *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "parallel_tool_calls"),
        chat="the same",
    ),
    **_rows(Fate.SENT, _keep, "input", chat="messages"),
    **_rows(Fate.SENT, _keep, "instructions", chat="the first message"),
    **_rows(Fate.SENT, _keep, "tools", chat="tools, all functions"),
    **_rows(Fate.SENT, _keep, "tool_choice", chat="tool_choice; for allowed tools, the others are not offered"),
    **_rows(Fate.SENT, _keep, "stream_options", chat="stream_options, with include_usage"),
    **_rows(Fate.SENT, _tier, "service_tier", chat="the same, but for ultrafast, which is left out and named"),
    **_rows(Fate.SENT, _limit, "max_output_tokens", chat="max_completion_tokens or max_tokens"),
    **_rows(Fate.SENT, _text, "text", chat="response_format, verbosity"),
    **_rows(Fate.SENT, _reasoning, "reasoning", chat="reasoning_effort; other members are left out and named"),
    **_rows(Fate.SENT, _include, "include", chat="logprobs; what hosted tools would add is left out and named"),
    **_rows(Fate.SENT, _top_logprobs, "top_logprobs", chat="logprobs, top_logprobs"),
    **_rows(Fate.ANSWERED, _store, "store", chat="false, and named if true was asked for"),
    **_rows(Fate.ANSWERED, _keep, "metadata"),
    **_rows(Fate.DROPPED, _drop_if(b'"auto"'), "truncation", chat="disabled, which auto is named for"),
    **_rows(Fate.DROPPED, _drop, "max_tool_calls", "context_management", "client_metadata"),
    **_rows(Fate.REFUSED, _background, "background", chat="false is what a chat does"),
    **_rows(Fate.REFUSED, _previous, "previous_response_id"),
    **_rows(Fate.REFUSED, _refuse, "conversation", "prompt"),
}
# Members of a chat that the translation makes, or whose answer a response has no place for.
_OF_CHAT = _rows(
    Fate.REFUSED,
    _unknown,
    *("messages", "response_format", "reasoning_effort", "verbosity", "logprobs", "n", "modalities", "audio"),
    *("max_tokens", "max_completion_tokens", "functions", "function_call", "web_search_options"),
)
_OTHER = Row(fate=Fate.SENT, chat="the same", apply=_same)


def apply_parameters(draft: Draft, body: Members) -> None:
    """Put the parameters of a response into the draft of a chat; what is not known goes over as it is.

    Raises `InvalidRequest` for what a chat cannot do.
    """
    for name, value in body.items():
        if value != NULL:
            row = PARAMETERS.get(name) or _OF_CHAT.get(name, _OTHER)
            row.apply(draft, name, value)
    if "logprobs" not in draft.members:
        draft.members.pop("top_logprobs", None)
    if body.get("stream") == _TRUE:
        draft.members["stream_options"] = _stream_options(draft, body.get("stream_options", NULL))
    elif "stream" in draft.members and draft.members["stream"] != _FALSE:
        raise InvalidRequest("Invalid type for 'stream': expected a boolean.", param="stream", code="invalid_type")


def _stream_options(draft: Draft, value: Raw) -> Raw:
    """Ask for the usage always: a response has it at its end."""
    options = {} if value == NULL else members_of(value, "stream_options")
    draft.drop_rest(options, frozenset({"include_obfuscation"}), "stream_options")
    kept = {name: options[name] for name in ("include_obfuscation",) if options.get(name, NULL) != NULL}
    return Raw(ENCODE({"include_usage": _TRUE, **kept}))
