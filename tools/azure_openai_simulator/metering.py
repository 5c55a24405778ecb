"""What Azure counts for a call besides the words of its text: images, sound, thoughts, tools and what is stored.

A token is a word. Where calls cost as much as they can, it is a byte of all that is written in the body, and of what is
not in it there is as much as the window takes.
https://platform.openai.com/docs/guides/images-vision https://platform.openai.com/docs/guides/reasoning
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tools.azure_openai_simulator.answers import Ask, Json
from tools.azure_openai_simulator.echo import tokens_of
from tools.azure_openai_simulator.model_apis import TOKENS, reasons
from tools.azure_openai_simulator.state import Record

# An image that is shown in detail, and one that is not.
IMAGE, SMALL_IMAGE = 765, 85
# A clip of sound, a file, a stored prompt, and what the frame of each message takes.
SOUND, FILE, PROMPT, FRAME = 40, 500, 50, 4
# Tokens of an image that is made, by its quality and whether it is a square; each one that is shown before it is done;
# one that is given, and its details where they are to be kept.
MADE: Mapping[str, tuple[int, int]] = {"low": (272, 408), "medium": (1056, 1584), "high": (4160, 6240)}
PARTIAL, GIVEN, FIDELITY = 100, 323, 6144
TOOLS: Mapping[str, str] = {
    "web_search": "web_search_call",
    "web_search_preview": "web_search_call",
    "file_search": "file_search_call",
    "code_interpreter": "code_interpreter_call",
    "mcp": "mcp_call",
}
"""A tool that Azure runs -> the item of its call."""
_TIERS = ("priority", "flex")
# What stands in a body and is no text of the prompt, and the parts whose text is no text of it either.
_DATA = frozenset({"data", "url", "image_url", "file_data", "file_id", "model", "id", "encrypted_content"})


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a prompt; those of sound and of images are among all."""

    tokens: int = 0
    audio: int = 0
    images: int = 0


def count(ask: Ask, text: str) -> int:
    """Return how many tokens a text has."""
    return len(tokens_of(text)) if ask.state.most is None else len(text.encode())


def answer_tokens(ask: Ask, tokens: Iterable[str], limit: int | None) -> int:
    """Return how many tokens an answer has."""
    most = ask.state.most
    counted = count(ask, "".join(tokens)) if most is None else most.output
    return counted if limit is None else min(limit, counted)


def given(ask: Ask, asked: Json, texts: Iterable[str]) -> Given:
    """Return the prompt of a conversation, whose words are `texts`."""
    most = ask.state.most
    words = sum(count(ask, text) for text in (texts if most is None else _strings(asked)))
    items = [item for name in ("messages", "input") for item in _list(asked.get(name))]
    parts = [part for item in items for part in _list(item.get("content"))]
    images = sum(_image(part) for part in [*items, *parts])
    audio = SOUND * sum(map(_is_sound, [*items, *parts]))
    files = FILE * sum(part.get("type") in {"file", "input_file"} for part in parts)
    stored = PROMPT if isinstance(asked.get("prompt"), Mapping) else 0
    if most is not None:
        frames, outside = FRAME * len(items), audio + files + stored
        tokens = min(most.window, words + images + frames) if not outside else most.window
        return Given(tokens=tokens, audio=tokens if audio else 0, images=images)
    return Given(tokens=words + images + audio + files + stored, audio=audio, images=images)


def thought(ask: Ask, asked: Json, said: int, limit: int | None) -> int:
    """Return how many tokens a model thinks before it says something; the limit holds for both."""
    effort = asked.get("reasoning_effort")
    reasoning = asked.get("reasoning")
    if isinstance(reasoning, Mapping):
        effort = reasoning.get("effort", effort)
    if not reasons(ask.model) and effort in {None, "none"}:
        return 0
    return TOKENS if limit is None else max(0, min(TOKENS, limit - said))


def predicted(ask: Ask, asked: Json) -> int:
    """Return the tokens of a prediction, none of which comes true."""
    prediction = asked.get("prediction")
    content = prediction.get("content") if isinstance(prediction, Mapping) else None
    parts = [str(part.get("text", "")) for part in _list(content)]
    return sum(count(ask, text) for text in ([content] if isinstance(content, str) else parts))


def speaks(asked: Json) -> bool:
    """Tell whether an answer is to be spoken."""
    modalities = asked.get("modalities")
    return isinstance(modalities, list) and "audio" in modalities


def tier(asked: Json) -> str:
    """Return the service tier that serves a call."""
    wanted = asked.get("service_tier")
    return str(wanted) if wanted in _TIERS else "default"


def tool_calls(ask: Ask, asked: Json) -> list[Record]:
    """Return the calls of tools that a model makes: one of each, or as many as it may."""
    kinds = [TOOLS[str(tool.get("type"))] for tool in _list(asked.get("tools")) if tool.get("type") in TOOLS]
    most = asked.get("max_tool_calls")
    number = most if isinstance(most, int) and kinds else len(kinds)
    return [_tool_call(ask, kinds[index % len(kinds)]) for index in range(number)]


def picture(ask: Ask, asked: Json, images: int = 0) -> Record:
    """Return the usage of images that are made, out of so many that are given."""
    square = str(asked.get("size") or "auto") in {"auto", "1024x1024"}
    each = MADE.get(str(asked.get("quality") or "low"), MADE["high"])[0 if square else 1]
    each += PARTIAL * int(str(asked.get("partial_images") or 0))
    shown = images * (GIVEN + (FIDELITY if asked.get("input_fidelity") == "high" else 0))
    text, made = count(ask, str(asked.get("prompt") or "")), each * int(str(asked.get("n") or 1))
    return {
        "input_tokens": text + shown,
        "input_tokens_details": {"image_tokens": shown, "text_tokens": text},
        "output_tokens": made,
        "total_tokens": text + shown + made,
    }


def _image(part: Json) -> int:
    if part.get("type") not in {"image_url", "input_image"}:
        return 0
    held = part.get("image_url")
    detail = held.get("detail") if isinstance(held, Mapping) else part.get("detail")
    return SMALL_IMAGE if detail == "low" else IMAGE


def _is_sound(part: Json) -> bool:
    """Tell whether a part is sound, or a message an answer that was spoken, which Azure keeps."""
    return part.get("type") == "input_audio" or isinstance(part.get("audio"), Mapping)


def _tool_call(ask: Ask, kind: str) -> Record:
    made: Record = {"id": ask.state.new_id("call_"), "type": kind, "status": "completed"}
    if kind == "web_search_call":
        return made | {"action": {"type": "search", "query": "anything", "sources": []}}
    if kind == "file_search_call":
        return made | {"queries": ["anything"], "results": None}
    if kind == "code_interpreter_call":
        # Each call in a container of its own, which is what costs most.
        return made | {"code": "1", "container_id": ask.state.new_id("cntr_"), "outputs": None}
    return made | {"name": "anything", "server_label": "server", "arguments": "{}", "output": ""}


def _strings(value: object) -> Iterator[str]:
    """Yield all that a body says in words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, held in value.items():
            if name not in _DATA:
                yield str(name)
                yield from _strings(held)
    elif isinstance(value, list):
        for held in value:
            yield from _strings(held)


def _list(value: object) -> list[Record]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
