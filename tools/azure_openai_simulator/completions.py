"""POST completions, the operation before chat."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tools.azure_openai_simulator import metering
from tools.azure_openai_simulator.answers import Answer, Ask, Chunk, Document, Json, Mark, Stream, encode
from tools.azure_openai_simulator.chat_request import StreamOptions
from tools.azure_openai_simulator.echo import echo, tokens_of, truncate
from tools.azure_openai_simulator.filters import (
    COMPLETION_SAFE,
    NONE,
    Annotation,
    prompt_filter_event,
    prompt_filter_results,
)

DEFAULT_MAX_TOKENS = 16  # the default of the operation: platform.openai.com/docs/api-reference/completions


class CompletionRequest(msgspec.Struct):
    """The body of a call, as far as the simulator reads it."""

    prompt: str | tuple[str | int | tuple[int, ...], ...] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    best_of: int | None = None
    max_tokens: int | None = None

    def prompts(self) -> list[str]:
        """Return each prompt as text, a token standing as its number."""
        if not isinstance(self.prompt, tuple):
            return [self.prompt or ""]
        if all(isinstance(part, int) for part in self.prompt):
            return [" ".join(map(str, self.prompt))]
        return [" ".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in self.prompt]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientText:
    """One choice of the answer."""

    index: int
    tokens: tuple[str, ...]
    finish_reason: str


_decoder = msgspec.json.Decoder(CompletionRequest)


def answer(ask: Ask) -> Answer:
    """Answer a completions call."""
    request = _decoder.decode(ask.body)
    if request.stream:
        return Stream(_chunks(ask, request, _choices(request)))
    return Document(_completion(ask, request, _choices(request)))


def _choices(request: CompletionRequest) -> list[ClientText]:
    limit = DEFAULT_MAX_TOKENS if request.max_tokens is None else request.max_tokens
    prompts = [prompt for prompt in request.prompts() for _ in range(request.n or 1)]
    replies = [truncate(tokens_of(echo(prompt)), limit) for prompt in prompts]
    return [ClientText(index=i, tokens=tokens, finish_reason=reason) for i, (tokens, reason) in enumerate(replies)]


def _completion(ask: Ask, request: CompletionRequest, choices: list[ClientText]) -> bytes:
    texts = [_choice(choice.index, "".join(choice.tokens), choice.finish_reason, COMPLETION_SAFE) for choice in choices]
    rest = {
        "prompt_filter_results": prompt_filter_results(len(request.prompts())),
        "usage": _usage(ask, request, choices),
    }
    return encode({**_body(ask, texts), **rest})


def _chunks(ask: Ask, request: CompletionRequest, choices: list[ClientText]) -> Iterator[Chunk]:
    wants_usage = bool(request.stream_options and request.stream_options.include_usage)
    rest: Json = {"usage": None} if wants_usage else {}
    yield Chunk(mark=Mark.PROMPT_FILTER, data=encode(prompt_filter_event(len(request.prompts()))))
    for choice in choices:
        for token in choice.tokens:
            body = _body(ask, [_choice(choice.index, token, None, COMPLETION_SAFE)])
            yield Chunk(mark=Mark.CONTENT, data=encode({**body, **rest}))
        body = _body(ask, [_choice(choice.index, "", choice.finish_reason, NONE)])
        yield Chunk(mark=Mark.FINISH, data=encode({**body, **rest}))
    if wants_usage:
        yield Chunk(mark=Mark.USAGE, data=encode({**_body(ask, []), "usage": _usage(ask, request, choices)}))


def _choice(index: int, text: str, reason: str | None, annotation: Annotation) -> Json:
    return {
        "content_filter_results": annotation,
        "finish_reason": reason,
        "index": index,
        "logprobs": None,
        "text": text,
    }


def _body(ask: Ask, choices: list[Json]) -> Json:
    return {
        "choices": choices,
        "created": ask.created,
        "id": f"cmpl-{ask.serial:029d}",
        "model": ask.model,
        "object": "text_completion",
    }


def _usage(ask: Ask, request: CompletionRequest, choices: list[ClientText]) -> Json:
    """Return the usage; of the best of several, the others are counted as well."""
    limit, shown = DEFAULT_MAX_TOKENS if request.max_tokens is None else request.max_tokens, request.n or 1
    completion = sum(metering.answer_tokens(ask, choice.tokens, limit) for choice in choices)
    completion = completion // shown * max(shown, request.best_of or 1)
    prompt = sum(metering.count(ask, prompt) for prompt in request.prompts())
    return {"completion_tokens": completion, "prompt_tokens": prompt, "total_tokens": prompt + completion}
