"""POST chat/completions."""

from collections.abc import Iterator

import msgspec

from tools.azure_openai_simulator import metering
from tools.azure_openai_simulator.answers import Answer, Ask, Chunk, Document, Json, Mark, Stream, encode
from tools.azure_openai_simulator.chat_request import ChatRequest, Reply, reply_to
from tools.azure_openai_simulator.echo import tokens_of
from tools.azure_openai_simulator.filters import (
    COMPLETION_SAFE,
    NONE,
    Annotation,
    prompt_filter_event,
    prompt_filter_results,
)
from tools.azure_openai_simulator.model_apis import THINKING, THOUGHT, check_chat
from tools.azure_openai_simulator.state import Record

STORED = "chat/completions"
FINGERPRINT = "fp_c79ab13e31"
_PADDING = "70NTC3qxfWb5kZtR"

_decoder = msgspec.json.Decoder(ChatRequest)


def answer(ask: Ask) -> Answer:
    """Answer a chat completions call."""
    check_chat(ask)
    request = _decoder.decode(ask.body)
    reply = reply_to(request)
    usage = _usage(ask, request, reply)
    if request.store:
        _keep(ask, request, _completion(ask, request, reply, usage))
    if request.stream:
        return Stream(_chunks(ask, request, reply, usage))
    return Document(_completion(ask, request, reply, usage))


def _cached(ask: Ask, request: ChatRequest) -> int:
    """Return how many tokens of the prompt are cached; the tools stand before it."""
    seed = encode({"deployment": ask.deployment, "tools": request.tools})
    return ask.state.prompt_cache.use(ask.created, seed, ((one.role, one.text()) for one in request.messages))


def _keep(ask: Ask, request: ChatRequest, body: bytes) -> None:
    """Keep a completion that is to be stored, and the messages it answers."""
    stored = msgspec.json.decode(body, type=Record) | {"metadata": request.metadata or {}}
    ask.state.add(STORED, stored)
    messages: list[Record] = [
        {"id": f"{stored['id']}-{index}", "role": message.role, "content": message.text()}
        for index, message in enumerate(request.messages)
    ]
    ask.state.extend(f"{STORED}/{stored['id']}/messages", messages)


def _completion(ask: Ask, request: ChatRequest, reply: Reply, usage: Json) -> bytes:
    return encode(
        {
            "choices": [
                {
                    "content_filter_results": COMPLETION_SAFE if reply.function is None else NONE,
                    "finish_reason": reply.finish_reason,
                    "index": index,
                    "logprobs": None,
                    "message": _message(ask, index, reply),
                }
                for index in range(request.n or 1)
            ],
            "created": ask.created,
            "id": _id(ask),
            "model": ask.model,
            "object": "chat.completion",
            "prompt_filter_results": prompt_filter_results(),
            **_tier(ask),
            "system_fingerprint": FINGERPRINT,
            "usage": usage,
        }
    )


def _message(ask: Ask, index: int, reply: Reply) -> Json:
    text = "".join(reply.tokens)
    thought = {"reasoning_content": THOUGHT} if ask.model in THINKING else {}
    if reply.function is None:
        return {"annotations": [], "content": text, "refusal": None, "role": "assistant", **thought}
    call = {
        "function": {"arguments": text, "name": reply.function},
        "id": _call_id(ask, index),
        "type": "function",
    }
    return {"annotations": [], "content": None, "refusal": None, "role": "assistant", "tool_calls": [call], **thought}


def _chunks(ask: Ask, request: ChatRequest, reply: Reply, usage: Json) -> Iterator[Chunk]:
    choices = range(request.n or 1)
    rest: Json = {"usage": None} if _wants_usage(request) else {}
    yield Chunk(mark=Mark.PROMPT_FILTER, data=encode(prompt_filter_event()))
    for token in tokens_of(THOUGHT) if ask.model in THINKING else ():
        for index in choices:
            yield _delta(ask, Mark.OPENING, rest, _choice(index, {"role": "assistant", "reasoning_content": token}))
    for index in choices:
        yield _delta(ask, Mark.OPENING, rest, _choice(index, _opening(ask, index, reply)))
    for token in reply.tokens:
        delta, annotation = _content(reply, token)
        for index in choices:
            yield _delta(ask, Mark.CONTENT, rest, _choice(index, delta, annotation=annotation), token)
    for index in choices:
        yield _delta(ask, Mark.FINISH, rest, _choice(index, {}, reason=reply.finish_reason))
    if _wants_usage(request):
        yield _delta(ask, Mark.USAGE, {"usage": usage, **_tier(ask)})


def _opening(ask: Ask, index: int, reply: Reply) -> Json:
    if reply.function is None:
        return {"content": "", "refusal": None, "role": "assistant"}
    call = {
        "function": {"arguments": "", "name": reply.function},
        "id": _call_id(ask, index),
        "index": 0,
        "type": "function",
    }
    return {"content": None, "refusal": None, "role": "assistant", "tool_calls": [call]}


def _content(reply: Reply, token: str) -> tuple[Json, Annotation]:
    if reply.function is None:
        return {"content": token}, COMPLETION_SAFE
    return {"tool_calls": [{"function": {"arguments": token}, "index": 0}]}, NONE


def _choice(index: int, delta: Json, *, reason: str | None = None, annotation: Annotation = NONE) -> Json:
    return {
        "content_filter_results": annotation,
        "delta": delta,
        "finish_reason": reason,
        "index": index,
        "logprobs": None,
    }


def _delta(ask: Ask, mark: Mark, rest: Json, choice: Json | None = None, token: str = "") -> Chunk:
    body = {
        "choices": [] if choice is None else [choice],
        "created": ask.created,
        "id": _id(ask),
        "model": ask.model,
        "obfuscation": _PADDING[len(token) % len(_PADDING) :],
        "object": "chat.completion.chunk",
        "system_fingerprint": FINGERPRINT,
    }
    return Chunk(mark=mark, data=encode({**body, **rest}))


def _tier(ask: Ask) -> Json:
    """Return the service tier of a call that asks for one."""
    return {"service_tier": metering.tier(ask.members())} if b'"service_tier"' in ask.body else {}


def _wants_usage(request: ChatRequest) -> bool:
    return bool(request.stream_options and request.stream_options.include_usage)


def _usage(ask: Ask, request: ChatRequest, reply: Reply) -> Json:
    asked, cached = ask.members(), _cached(ask, request)
    prompt = metering.given(ask, asked, (message.text() for message in request.messages))
    said = metering.answer_tokens(ask, reply.tokens, request.limit())
    thought = metering.thought(ask, asked, said, request.limit())
    wrong = metering.predicted(ask, asked)
    completion = (said + thought) * (request.n or 1) + wrong
    return {
        "completion_tokens": completion,
        "completion_tokens_details": {
            "accepted_prediction_tokens": 0,
            "audio_tokens": said * (request.n or 1) if metering.speaks(asked) else 0,
            "reasoning_tokens": thought * (request.n or 1),
            "rejected_prediction_tokens": wrong,
        },
        "prompt_tokens": prompt.tokens,
        "prompt_tokens_details": {"audio_tokens": prompt.audio, "cached_tokens": min(cached, prompt.tokens)},
        "total_tokens": prompt.tokens + completion,
    }


def _id(ask: Ask) -> str:
    return f"chatcmpl-{ask.state.name}{ask.serial:021d}"


def _call_id(ask: Ask, index: int) -> str:
    return f"call_{ask.serial:020d}{index:04d}"
