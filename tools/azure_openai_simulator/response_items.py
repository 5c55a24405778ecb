"""The items of the Responses API: the input and the output of a model."""

from collections.abc import Mapping

from tools.azure_openai_simulator.answers import Ask
from tools.azure_openai_simulator.state import Record

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A picture of one pixel, in base64."""

_PREFIXES: Mapping[str, str] = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "reasoning": "rs_",
    "compaction": "cmp_",
}


def item_of(ask: Ask, given: Mapping[str, object]) -> Record:
    """Return an item as it is kept: with an id, a type and a status, its text as a part."""
    kind = str(given.get("type") or "message")
    identity = given.get("id") or ask.state.new_id(_PREFIXES.get(kind, "item_"))
    item: Record = {**given, "id": identity, "type": kind}
    if kind == "message":
        spoken = "output_text" if given.get("role") == "assistant" else "input_text"
        item["content"] = _parts(given.get("content"), spoken)
    if kind in {"message", "function_call", "function_call_output"}:
        item.setdefault("status", "completed")
    return item


def items_of(ask: Ask, given: object) -> list[Record]:
    """Return the items of an `input`, which may be a text."""
    if isinstance(given, str):
        return [item_of(ask, {"role": "user", "content": given})]
    return [item_of(ask, item) for item in given if isinstance(item, Mapping)] if isinstance(given, list) else []


def text_of(item: Mapping[str, object]) -> str:
    """Return the text of an item's parts."""
    content = item.get("content", "")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def output_text(text: str) -> Record:
    """Return a part of text that a model says."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def message(ask: Ask, text: str, status: str) -> Record:
    """Return the message of a model."""
    return {
        "id": ask.state.new_id("msg_"),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [output_text(text)],
    }


def function_call(ask: Ask, name: str, arguments: str, status: str) -> Record:
    """Return a model's call of a function."""
    return {
        "id": ask.state.new_id("fc_"),
        "type": "function_call",
        "status": status,
        "name": name,
        "call_id": ask.state.new_id("call_"),
        "arguments": arguments,
    }


def image_call(ask: Ask) -> Record:
    """Return a picture that a model has made."""
    return {
        "id": ask.state.new_id("ig_"),
        "type": "image_generation_call",
        "status": "completed",
        "result": PNG,
        "background": "opaque",
        "output_format": "png",
        "quality": "low",
        "size": "1024x1024",
    }


def _parts(content: object, kind: str) -> list[Record]:
    if isinstance(content, str):
        return [output_text(content) if kind == "output_text" else {"type": kind, "text": content}]
    return [dict(part) for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []
