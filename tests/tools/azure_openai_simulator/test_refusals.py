"""Deployments that refuse parameters."""

import aiohttp
import pytest

from tools.azure_openai_simulator import REFUSALS, Simulator

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
RESPONSE = {"input": "hi"}
CHAT_PATHS = ("v1/chat/completions", "deployments/refuses-five/chat/completions?api-version=2024-10-21")
FIVE = {"temperature": 0.0, "top_p": 0.5, "prompt_cache_key": "k", "presence_penalty": 1, "max_tokens": 7}
MODEL = "gpt-4o-2024-11-20"


def body(message: str, param: str | None, code: str | None) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


UNKNOWN = body("Unknown parameter: 'prompt_cache_key'.", "prompt_cache_key", "unknown_parameter")
UNRECOGNIZED = body("Unrecognized request argument supplied: top_p", None, None)
TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is supported."
)
VERBOSITY = f"Unsupported value: 'low' is not supported with the '{MODEL}' model. Supported values are: 'medium'."
LIMIT = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
PENALTY = "Unsupported parameter: 'presence_penalty' is not supported with this model."
OF_CHAT = [
    ("max_tokens", body(LIMIT, "max_tokens", "unsupported_parameter")),
    ("temperature", body(TEMPERATURE, "temperature", "unsupported_value")),
    ("prompt_cache_key", UNKNOWN),
    ("top_p", UNRECOGNIZED),
    ("presence_penalty", body(PENALTY, "presence_penalty", "unsupported_parameter")),
]
OF_RESPONSES = [
    ("temperature", body(TEMPERATURE, "temperature", "unsupported_value")),
    ("prompt_cache_key", UNKNOWN),
    ("top_p", UNRECOGNIZED),
    ("text", body(VERBOSITY, "text.verbosity", "unsupported_value")),
]


async def ask(http: aiohttp.ClientSession, path: str, members: dict[str, object]) -> tuple[int, object]:
    async with http.post(f"/openai/{path}", json=members) as response:
        return response.status, await response.json() if response.status >= 400 else await response.text()


@pytest.mark.parametrize("path", CHAT_PATHS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_chat_completion_is_refused_five_times_and_then_answered(
    simulator: Simulator, http: aiohttp.ClientSession, path: str, *, stream: bool
) -> None:
    members: dict[str, object] = {"model": "refuses-five", "stream": stream, **CHAT, **FIVE}
    for name, refusal in OF_CHAT:
        assert await ask(http, path, members) == (400, refusal)
        del members[name]
    status, text = await ask(http, path, members)
    assert status == 200
    assert isinstance(text, str)
    assert text.endswith("data: [DONE]\n\n") is stream
    assert len(simulator.requests) == 6


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_is_refused_four_times_and_then_answered(http: aiohttp.ClientSession, *, stream: bool) -> None:
    members: dict[str, object] = {"model": "refuses-five", "stream": stream, "text": {"verbosity": "low"}, **RESPONSE}
    members |= {name: FIVE[name] for name in ("top_p", "temperature", "prompt_cache_key")}
    for name, refusal in OF_RESPONSES:
        assert await ask(http, "v1/responses", members) == (400, refusal)
        del members[name]
    assert (await ask(http, "v1/responses", members))[0] == 200


@pytest.mark.parametrize(
    "rest",
    [
        {"temperature": 1},
        {"temperature": 1.0},
        {"temperature": None},
        {"max_completion_tokens": 5, "frequency_penalty": 1, "tools": []},
        {"verbosity": "low", "text": "low"},
        {"text": {"verbosity": "medium", "temperature": 0}},
        {"text": {}},
    ],
)
async def test_what_is_not_refused_is_answered(http: aiohttp.ClientSession, rest: dict[str, object]) -> None:
    assert (await ask(http, "v1/chat/completions", {"model": "refuses-five", **CHAT, **rest}))[0] == 200


@pytest.mark.parametrize(
    ("deployment", "rest", "said"),
    [
        ("refuses-six", {"frequency_penalty": 1}, "Unsupported parameter: 'frequency_penalty' is not supported"),
        ("refuses-new-limit", {"max_completion_tokens": 1}, "argument supplied: max_completion_tokens"),
        ("refuses-both-limits", {"max_tokens": 1}, "Use 'max_completion_tokens' instead."),
        ("refuses-both-limits", {"max_completion_tokens": 1}, "argument supplied: max_completion_tokens"),
        ("refuses-stream-options", {"stream_options": {}}, "'stream_options' is not supported with this model."),
        ("refuses-tools", {"tools": []}, "Unknown parameter: 'tools'."),
    ],
)
async def test_other_deployments_refuse_other_parameters(
    http: aiohttp.ClientSession, deployment: str, rest: dict[str, object], said: str
) -> None:
    status, refusal = await ask(http, "v1/chat/completions", {"model": deployment, **CHAT, **rest})
    assert status == 400
    assert said in str(refusal)


@pytest.mark.parametrize("deployment", sorted(REFUSALS))
async def test_a_deployment_that_refuses_nothing_here_answers_as_usual(
    http: aiohttp.ClientSession, deployment: str
) -> None:
    status, text = await ask(http, "v1/chat/completions", {"model": deployment, **CHAT})
    assert status == 200
    assert MODEL in str(text)


async def test_a_usual_deployment_refuses_none_of_it(http: aiohttp.ClientSession) -> None:
    assert (await ask(http, "v1/chat/completions", {"model": "gpt-4o", **CHAT, **FIVE}))[0] == 200
