"""What a call asks for, as far as its cost depends on it.

Text has at most one token for each byte, because the tokens of OpenAI's models are made of bytes; what a program writes
around it in JSON is longer than what the model gets instead. Everything that is not text, or that Azure looks up, is
`opaque`: it may fill the model's window. https://github.com/openai/tiktoken
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from math import ceil

import msgspec

from proxy.azure_api.request import Call
from proxy.openai_api.json_members import UNREADABLE, decode

CODE_INTERPRETER, FILE_SEARCH, WEB_SEARCH = "code_interpreter", "file_search", "web_search"
# Tools that Azure runs while it answers, and the price of one call.
_HOSTED: Mapping[str, str] = {
    "web_search": WEB_SEARCH,
    "web_search_2025_08_26": WEB_SEARCH,
    "web_search_preview": WEB_SEARCH,
    "web_search_preview_2025_03_11": WEB_SEARCH,
    "file_search": FILE_SEARCH,
    "code_interpreter": CODE_INTERPRETER,
    "mcp": "",  # Azure takes nothing for the call itself
}
# Tools that the client runs.
_OF_CLIENT = frozenset({"function", "custom", "local_shell", "apply_patch", "computer_use_preview", "computer"})
_IMAGES = frozenset({"image_url", "input_image", "computer_screenshot"})
_SOUND = "input_audio"
# Parts and items that are nothing but text in the body; an item without a type is a message if it has a role.
_TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal", "summary_text"})
_TEXT_ITEMS = frozenset(
    {
        *("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
        *("local_shell_call", "local_shell_call_output", "apply_patch_call", "apply_patch_call_output"),
        *("computer_call", "computer_call_output"),
    }
)
_PARTS = ("content", "output", "summary")
# Members with which Azure adds what the body does not have.
_STORED = ("previous_response_id", "conversation", "context_management")
_PROMPT = "prompt"  # of a response; that of a completion is the text itself
_ITEMS = ("messages", "input", "instructions")
_DATA_SOURCES, _SEARCH, _TOOLS = "data_sources", "web_search_options", "tools"
_LISTED = "mcp_list_tools"
_GIVEN_IMAGES = ("image", "images", "mask")
_PLAIN = msgspec.json.Decoder()
_LONGEST_NUMBER = 12


class _Kind(Enum):
    TEXT = auto()
    IMAGE = auto()
    SOUND = auto()
    OPAQUE = auto()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a call asks for.

    `size` is its bytes of text, in so many `prompts`, `images` how many it shows; one that is `opaque` may have any
    input, one with `audio` hears or speaks. `answers` are how many it wants, of `output` tokens each at most, and
    `predicted` bytes may be counted as output besides. `tools` are the prices of what Azure runs, `max_tool_calls` how
    often, and `refusal` is a reason against any bound. `seconds` are those of a video, `made` images.
    """

    size: int = 0
    prompts: int = 1
    images: int = 0
    opaque: bool = False
    audio: bool = False
    answers: int = 1
    output: int | None = None
    predicted: int = 0
    tools: tuple[str, ...] = ()
    max_tool_calls: int | None = None
    tier: str | None = None
    seconds: int | None = None
    made: int = 1
    partial_images: int = 0
    refusal: str = ""


def read_asked(call: Call) -> Asked:
    """Return what a call with a JSON body asks for; a body that cannot be read may ask for anything."""
    operation = call.route.operation
    try:
        body = decode(call.raw or b"{}", _PLAIN.decode)
    except UNREADABLE:
        body = None
    if not isinstance(body, dict):
        return Asked(size=len(call.raw), opaque=True, refusal="unreadable_body")
    kinds = Counter(_kinds(body))
    hosted, refusal = _tools(body)
    prompts = _prompts(operation.name, body)
    return Asked(
        size=len(call.raw),
        prompts=prompts,
        images=kinds[_Kind.IMAGE] + _given_images(body),
        opaque=kinds[_Kind.OPAQUE] + kinds[_Kind.SOUND] > 0 or _is_stored(operation.name, body),
        audio=kinds[_Kind.SOUND] > 0 or _speaks(body),
        answers=_answers(operation.name, body) * prompts,
        output=_limit(body, operation.max_output, operation.default_output),
        predicted=len(msgspec.json.encode(body["prediction"])) if body.get("prediction") else 0,
        tools=hosted,
        max_tool_calls=_number(body.get("max_tool_calls")),
        tier=_text(body.get("service_tier")),
        seconds=_number(body.get("seconds")),
        made=_number(body.get("n")) or 1,
        partial_images=_number(body.get("partial_images")) or 0,
        refusal="unbounded_prompt" if _has_prompt(operation.name, body) else refusal,
    )


def read_form(fields: Mapping[str, str], images: int = 0) -> Asked:
    """Return what the fields of a form ask for, which comes with so many images."""
    return Asked(
        size=sum(len(value.encode()) for value in fields.values()),
        images=images,
        seconds=_number(fields.get("seconds")),
        made=_number(fields.get("n")) or 1,
        partial_images=_number(fields.get("partial_images")) or 0,
    )


def _kinds(body: Mapping[str, object]) -> Iterator[_Kind]:
    """Yield what each item and part of the input is."""
    for name in _ITEMS:
        for item in _list(body.get(name)):
            if isinstance(item, dict):
                yield from _kinds_of_item(item)


def _given_images(body: Mapping[str, object]) -> int:
    """Return how many images a call brings that makes others of them, with the mask."""
    given = [body[name] for name in _GIVEN_IMAGES if body.get(name) is not None]
    return sum(len(one) if isinstance(one, list) else 1 for one in given)


def _kinds_of_item(item: Mapping[str, object]) -> Iterator[_Kind]:
    kind = item.get("type")
    is_text = kind in _TEXT_ITEMS if kind is not None else "role" in item
    # The sound of an answer before is kept at Azure; a message names it.
    yield _Kind.TEXT if is_text and not item.get("audio") else _Kind.OPAQUE
    for name in _PARTS:
        held = item.get(name)
        for part in [held] if isinstance(held, dict) else _list(held):
            yield _kind_of_part(part)


def _kind_of_part(part: object) -> _Kind:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in _IMAGES:
        return _Kind.IMAGE
    if kind == _SOUND:
        return _Kind.SOUND
    return _Kind.TEXT if kind in _TEXT_PARTS or isinstance(part, str) else _Kind.OPAQUE


def _is_stored(operation: str, body: Mapping[str, object]) -> bool:
    return any(body.get(name) for name in _STORED) or _has_prompt(operation, body)


def _has_prompt(operation: str, body: Mapping[str, object]) -> bool:
    """Tell whether Azure looks a prompt up, which may have any tools that it runs."""
    return operation == "createResponse" and body.get(_PROMPT) is not None


def _tools(body: Mapping[str, object]) -> tuple[tuple[str, ...], str]:
    """Return the prices of the tools that Azure runs, or why what it runs has no bound."""
    if body.get(_DATA_SOURCES) or body.get(_SEARCH) is not None:
        return (), "unbounded_search"
    given = [*_list(body.get(_TOOLS)), *_tools_of_items(body)]
    types = {str(tool.get("type")) if isinstance(tool, dict) else "" for tool in given}
    hosted = types - _OF_CLIENT
    if not hosted <= _HOSTED.keys():
        return (), "unbounded_tool"
    return tuple(sorted({_HOSTED[tool] for tool in hosted})), ""


def _tools_of_items(body: Mapping[str, object]) -> Iterator[object]:
    """Yield the tools that items of the input bring, but for lists of what other servers have.

    https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
    """
    for item in _list(body.get("input")):
        if isinstance(item, dict) and item.get("type") != _LISTED:
            yield from _list(item.get(_TOOLS))


def _prompts(operation: str, body: Mapping[str, object]) -> int:
    """Return how many prompts a completion has, each of which may fill the window."""
    prompts = _list(body.get(_PROMPT)) if operation == "createCompletion" else []
    return len(prompts) if prompts and not isinstance(prompts[0], int) else 1


def _answers(operation: str, body: Mapping[str, object]) -> int:
    """Return for how many answers to a prompt Azure makes tokens: of completions also for those that lose."""
    wanted = _number(body.get("n")) or 1
    return max(wanted, _number(body.get("best_of")) or 1) if operation == "createCompletion" else wanted


def _limit(body: Mapping[str, object], names: tuple[str, ...], default: int | None) -> int | None:
    """Return the limit of each answer: of two the higher one, since a repair or a translation may leave out the other.

    One that is no number limits nothing.
    """
    given = [_number(body[name]) for name in names if body.get(name) is not None]
    numbers = [number for number in given if number is not None]
    return None if len(numbers) < len(given) else max(numbers, default=default)


def _speaks(body: Mapping[str, object]) -> bool:
    return body.get("audio") is not None or "audio" in _list(body.get("modalities"))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int | None:
    """Return a whole number, also one that is a text as in forms; of a part as much as it may be taken for."""
    if isinstance(value, float):
        value = ceil(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
