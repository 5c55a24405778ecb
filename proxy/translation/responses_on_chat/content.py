"""The content of a message, or of a tool's output, as a chat has it.

What is text alone becomes one string: other makers' models refuse a list.
https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from collections.abc import Callable, Mapping

from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_members import ENCODE, Members
from proxy.translation.responses_on_chat.draft import NULL, Draft, list_of, members_of
from proxy.translation.responses_on_chat.texts import EMPTY, checked, is_text, joined, quoted, text_of

_BREAKPOINT = "prompt_cache_breakpoint"
_PART = "input[].content[]"
_LINE = rb"\n"
_SEALED, _SEALED_BY_AZURE = "encrypted_content", b'"gAAAA'
# What an output says that has only images or files, which follow in a message of their own.
_ATTACHED = Raw(b'"The output is attached to the next message."')


def _text(draft: Draft, part: Members, path: str) -> Members:
    draft.drop_rest(part, frozenset({"type", "text", _BREAKPOINT}), _PART)
    return {"type": Raw(b'"text"'), "text": checked(part.get("text", NULL), f"{path}.text")}


def _image(draft: Draft, part: Members, path: str) -> Members:
    url, detail = part.get("image_url", NULL), part.get("detail", NULL)
    if url == NULL:
        raise InvalidRequest(
            "Chat completions take an image by its URL or as data, not by the id of a file.",
            param=f"{path}.file_id",
            code="unsupported_parameter",
        )
    if detail == Raw(b'"original"'):
        draft.losses.changed[f"{_PART}.detail"] = "high"
        detail = Raw(b'"high"')
    draft.drop_rest(part, frozenset({"type", "image_url", "detail", _BREAKPOINT}), _PART)
    image = {"url": checked(url, f"{path}.image_url"), **({} if detail == NULL else {"detail": detail})}
    return {"type": Raw(b'"image_url"'), "image_url": Raw(ENCODE(image))}


def _file(draft: Draft, part: Members, path: str) -> Members:
    if part.get("file_url", NULL) != NULL:
        raise InvalidRequest(
            "Chat completions take no file by its URL. Send it as `file_data` or by `file_id`.",
            param=f"{path}.file_url",
            code="unsupported_parameter",
        )
    names = ("file_id", "file_data", "filename")
    draft.drop_rest(part, frozenset({"type", *names, "file_url", _BREAKPOINT}), _PART)
    file = {name: part[name] for name in names if part.get(name, NULL) != NULL}
    return {"type": Raw(b'"file"'), "file": Raw(ENCODE(file))}


def _audio(draft: Draft, part: Members, _path: str) -> Members:
    draft.drop_rest(part, frozenset({"type", "input_audio", _BREAKPOINT}), _PART)
    return {name: value for name, value in part.items() if name in ("type", "input_audio")}


PARTS: Mapping[str, tuple[str, Callable[[Draft, Members, str], Members]]] = {
    "input_text": ("text", _text),
    "output_text": ("text", _text),
    "text": ("text", _text),
    "input_image": ("image_url", _image),
    "input_file": ("file", _file),
    "input_audio": ("input_audio", _audio),
}
_TEXTS = frozenset(kind for kind, (becomes, _) in PARTS.items() if becomes == "text")


def user_content(draft: Draft, value: Raw, path: str) -> Raw:
    """Return the content of a user's message."""
    if is_text(value):
        return value
    parts = []
    for number, raw in enumerate(list_of(value, path)):
        kind, part = _part(raw, f"{path}[{number}]")
        if kind not in PARTS:
            raise _no_part(kind, f"{path}[{number}]")
        converted = PARTS[kind][1](draft, part, f"{path}[{number}]")
        if part.get(_BREAKPOINT, NULL) != NULL:
            converted[_BREAKPOINT] = part[_BREAKPOINT]
        parts.append(converted)
    return encode_parts(parts)


def agent_content(draft: Draft, value: Raw, path: str) -> Raw:
    """Return what one agent of Codex wrote to another; a part of it that Azure has sealed is left out.

    The models of a chat write it as it is, and Codex hands it on as if it were sealed.
    https://github.com/openai/codex/pull/26210
    """
    if value == NULL or is_text(value):
        return EMPTY if value == NULL else value
    kept = []
    for number, raw in enumerate(list_of(value, path)):
        kind, part = _part(raw, f"{path}[{number}]")
        if kind != _SEALED:
            kept.append(raw)
            continue
        text = checked(part.get(_SEALED, NULL), f"{path}[{number}].{_SEALED}")
        if bytes(text).startswith(_SEALED_BY_AZURE):
            draft.drop(_SEALED, _PART)
        else:
            kept.append(Raw(ENCODE({"type": "input_text", "text": text})))
    return user_content(draft, Raw(ENCODE(kept)), path)


def encode_parts(parts: list[Members]) -> Raw:
    """Return parts of a chat as a content: one string when they are text alone."""
    if all(part.keys() == {"type", "text"} for part in parts):
        return joined(part["text"] for part in parts)
    return Raw(ENCODE(parts))


def with_thinking(thoughts: list[str], texts: list[Raw]) -> Raw:
    """Return a content as the models have it that tell their reasoning there."""
    inner = [text_part(quoted(thought)) for thought in thoughts]
    thinking = {"type": Raw(b'"thinking"'), "thinking": Raw(ENCODE(inner)), "closed": Raw(b"true")}
    return Raw(ENCODE([thinking, *(text_part(text) for text in texts)]))


def text_part(text: Raw) -> Members:
    """Return a text as a part of a content."""
    return {"type": Raw(b'"text"'), "text": text}


def instructing_content(draft: Draft, value: Raw, path: str) -> Raw:
    """Return the content of a message that instructs, which is text alone."""
    texts, _ = _said(draft, value, path, _TEXTS)
    return joined(texts)


def assistant_content(draft: Draft, value: Raw, path: str) -> tuple[list[Raw], list[Raw]]:
    """Return the texts and the refusals of an assistant's message."""
    return _said(draft, value, path, _TEXTS | {"refusal"})


def output_content(draft: Draft, value: Raw, path: str) -> tuple[Raw, list[Members]]:
    """Return the text of a tool's output, and its images and files, which only a user's message may have."""
    if is_text(value):
        return value, []
    texts: list[Raw] = []
    attached: list[Members] = []
    for number, raw in enumerate(list_of(value, path)):
        place = f"{path}[{number}]"
        kind, part = _part(raw, place)
        if kind not in PARTS:
            raise _no_part(kind, place)
        converted = PARTS[kind][1](draft, part, place)
        if kind in _TEXTS:
            texts.append(converted["text"])
        else:
            attached.append(converted)
    return (_ATTACHED if attached and not texts else joined(texts, _LINE)), attached


def _said(draft: Draft, value: Raw, path: str, allowed: frozenset[str]) -> tuple[list[Raw], list[Raw]]:
    if value == NULL:
        return [], []
    if is_text(value):
        return ([] if value == EMPTY else [value]), []
    texts: list[Raw] = []
    refusals: list[Raw] = []
    for number, raw in enumerate(list_of(value, path)):
        place = f"{path}[{number}]"
        kind, part = _part(raw, place)
        if kind not in allowed:
            raise _no_part(kind, place)
        if kind == "refusal":
            refusals.append(checked(part.get("refusal", NULL), f"{place}.refusal"))
        else:
            texts.append(_text(draft, part, place)["text"])
    return texts, refusals


def _part(raw: Raw, path: str) -> tuple[str, Members]:
    part = members_of(raw, path)
    return text_of(part.get("type", NULL), f"{path}.type"), part


def _no_part(kind: str, path: str) -> InvalidRequest:
    return InvalidRequest(
        f"Chat completions have no place for a part of type '{kind[:64]}' here.",
        param=f"{path}.type",
        code="invalid_value",
    )
