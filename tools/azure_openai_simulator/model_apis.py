"""Which of the two APIs for conversations a model offers, and what it refuses there; the model's name decides.

Models that are not listed offer both and refuse nothing here. A model that reasons seals its reasoning for the resource
that it ran on, when `include` asks for it, and no other resource can read it.
"""

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from types import MappingProxyType

import msgspec

from tools.azure_openai_simulator.answers import Ask
from tools.azure_openai_simulator.errors import ErrorSample, InvalidError, RefusalError
from tools.azure_openai_simulator.state import Record

SEALED = "reasoning.encrypted_content"
"""The member of `include` that asks for sealed reasoning."""
TOKENS = 64
"""What the reasoning of a model costs."""
_SEAL = "gAAAAA"
_LEARN_MORE = "https://go.microsoft.com/fwlink/?linkid=2197993"


def _no_operation(operation: str) -> Callable[[Ask, Record], RefusalError | None]:
    def refuse(ask: Ask, _asked: Record) -> RefusalError:
        return _of_gateway(
            f"The {operation} operation does not work with the specified model, {ask.model}. Please choose different "
            f"model and try again. You can learn more about which models can be used with each operation here: "
            f"{_LEARN_MORE}."
        )

    return refuse


def _unsupported(_ask: Ask, _asked: Record) -> RefusalError:
    """Refuse in the other words that Azure has for it; the code is a guess, which reports leave out."""
    return _of_gateway("The requested operation is unsupported.")


def _of_gateway(message: str) -> RefusalError:
    body = msgspec.json.encode({"error": {"code": "OperationNotSupported", "message": message}})
    headers = {"Content-Type": "application/json"}
    return RefusalError(message, ErrorSample(name=message, status=400, headers=headers, body=body))


def _tools_with_reasoning(ask: Ask, asked: Record) -> RefusalError | None:
    """Refuse functions unless the model is told not to reason: https://github.com/maximhq/bifrost/issues/7275."""
    if not (asked.get("tools") or asked.get("functions")) or asked.get("reasoning_effort") == "none":
        return None
    message = (
        f"Function tools with reasoning_effort are not supported for {ask.model} in /v1/chat/completions. To use "
        "function tools, use /v1/responses or set reasoning_effort to 'none'."
    )
    return InvalidError(400, message, param="reasoning_effort")


def _sealing(_ask: Ask, asked: Record) -> RefusalError | None:
    """Refuse to seal: https://github.com/earendil-works/pi/issues/6228."""
    include = asked.get("include")
    if not isinstance(include, list) or SEALED not in include:
        return None
    return InvalidError(400, "Encrypted content is not supported with this model.", param="include")


def _effort(_ask: Ask, asked: Record) -> RefusalError | None:
    reasoning = asked.get("reasoning")
    if not isinstance(reasoning, dict) or reasoning.get("effort") is None:
        return None
    message = "Unsupported parameter: 'reasoning.effort' is not supported with this model."
    return InvalidError(400, message, param="reasoning.effort", code="unsupported_parameter")


def _reasoning(message: str, *, param: str | None = "input", code: str | None = None) -> "_Refuse":
    """Refuse all reasoning that a client sends back; `{id}` in the message is the id of the first."""

    def refuse(_ask: Ask, asked: Record) -> RefusalError | None:
        first = next(_reasoning_of(asked), None)
        text = "" if first is None else message.replace("{id}", str(first.get("id")))
        return None if first is None else InvalidError(400, text, param=param, code=code)

    return refuse


def _unreadable(ask: Ask, asked: Record) -> RefusalError | None:
    """Refuse reasoning that another resource has sealed: https://github.com/openai/codex/issues/3573."""
    for item in _reasoning_of(asked):
        sealed = item.get("encrypted_content")
        if sealed is None:
            return InvalidError(400, _NOT_FOUND.replace("{id}", str(item.get("id"))), param="input")
        if sealed != _seal(ask, str(item.get("id"))):
            return InvalidError(400, _NOT_VERIFIED, code="invalid_encrypted_content")
    return None


def _thoughts(_ask: Ask, asked: Record) -> RefusalError | None:
    """Refuse a tool's output without what the model has thought: https://api-docs.deepseek.com/guides/thinking_mode."""
    messages = asked.get("messages")
    given = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    last = max((number for number, message in enumerate(given) if message.get("role") == "user"), default=-1)
    calls = [message for message in given[last + 1 :] if message.get("tool_calls")]
    if all(message.get("reasoning_content") == THOUGHT for message in calls):
        return None
    return InvalidError(400, "The `reasoning_content` in the thinking mode must be passed back to the API.")


_NOT_FOUND = (
    "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set "
    "to true, or remove this item from your input."
)
_NOT_VERIFIED = (
    "The encrypted content gAAA...AA== could not be verified. Reason: Encrypted content could not be decrypted or "
    "parsed."
)
_Refuse = Callable[[Ask, Record], RefusalError | None]

_RESPONSES_ALONE = (_no_operation("chatCompletion"),)
ON_CHAT: Mapping[str, tuple[_Refuse, ...]] = MappingProxyType(
    {
        "gpt-5-codex": _RESPONSES_ALONE,
        "o3-pro": (_unsupported,),
        "gpt-5.6-luna": (_tools_with_reasoning,),
        "DeepSeek-V4-Pro": (_thoughts,),
        "gpt-5-codex-not-found": _RESPONSES_ALONE,
        "gpt-5-codex-conflict": _RESPONSES_ALONE,
        "gpt-5-codex-required": _RESPONSES_ALONE,
        "gpt-5-codex-unverified": _RESPONSES_ALONE,
        "serves-nothing": _RESPONSES_ALONE,
    }
)
"""Model -> what it refuses on chat completions."""

ON_RESPONSES: Mapping[str, tuple[_Refuse, ...]] = MappingProxyType(
    {
        "gpt-4": (_no_operation("responses"),),
        "Phi-4": (_unsupported,),
        "DeepSeek-V4-Pro": (_sealing, _effort),
        "gpt-5-codex": (_unreadable,),
        "o3-pro": (_unreadable,),
        "gpt-5.6-luna": (_unreadable,),
        # Azure contradicts itself: https://github.com/openai/codex/pull/3528
        "gpt-5-codex-not-found": (_reasoning(_NOT_FOUND),),
        # https://github.com/dyad-sh/dyad/issues/4549
        "gpt-5-codex-conflict": (
            _reasoning("Conflicting authenticated continuation identities.", code="invalid_value"),
        ),
        # https://github.com/openai/codex/issues/6375
        "gpt-5-codex-required": (
            _reasoning(
                "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: '{id}'."
            ),
        ),
        # https://github.com/anomalyco/opencode/issues/29879
        "gpt-5-codex-unverified": (_reasoning(_NOT_VERIFIED, param=None, code="invalid_encrypted_content"),),
        "serves-nothing": (_no_operation("responses"),),
    }
)
"""Model -> what it refuses on responses."""

REASONING = frozenset(ON_CHAT) - {"DeepSeek-V4-Pro", "serves-nothing"}
"""Models that reason before they say anything, and seal it."""
THINKING = frozenset({"DeepSeek-V4-Pro"})
"""Models that tell in a chat what they think."""
THOUGHT = "Thinking about it"


def check_chat(ask: Ask) -> None:
    """Refuse a chat completion that the model does not offer; raise RefusalError."""
    _check(ask, ON_CHAT)


def check_responses(ask: Ask) -> None:
    """Refuse a response that the model does not offer; raise RefusalError."""
    _check(ask, ON_RESPONSES)


def reasons(model: str) -> bool:
    """Tell whether a model reasons."""
    return model in REASONING


def reasoning_item(ask: Ask, asked: Record) -> Record:
    """Return the reasoning of a model, sealed if `include` asks for it."""
    identity = ask.state.new_id("rs_")
    include = asked.get("include")
    sealed = {"encrypted_content": _seal(ask, identity)} if isinstance(include, list) and SEALED in include else {}
    reasoning = asked.get("reasoning")
    wants = isinstance(reasoning, dict) and reasoning.get("summary")
    summary = [{"type": "summary_text", "text": "**Thinking** about it"}] if wants else []
    return {"id": identity, "type": "reasoning", "summary": summary, **sealed}


def _check(ask: Ask, refusals: Mapping[str, tuple[_Refuse, ...]]) -> None:
    for refuse in refusals.get(ask.model, ()):
        error = refuse(ask, ask.members())
        if error is not None:
            raise error


def _seal(ask: Ask, identity: str) -> str:
    """Return what only this resource makes of an id."""
    return _SEAL + blake2b(f"{ask.state.name} {ask.deployment} {identity}".encode(), digest_size=32).hexdigest()


def _reasoning_of(asked: Record) -> Iterator[Record]:
    given = asked.get("input")
    items = given if isinstance(given, list) else []
    return (item for item in items if isinstance(item, dict) and item.get("type") == "reasoning")
