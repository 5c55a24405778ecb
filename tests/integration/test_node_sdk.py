"""The official Node SDK, unchanged, through Microsoft's worker runtime; the calls themselves are in tests/node."""

from collections.abc import Mapping
from typing import cast

from tests.integration.conftest import CLIENT_KEY
from tests.integration.node import run_script
from tests.integration.test_sdk import ECHO
from tests.processes import HostProcess
from tools.azure_openai_simulator import Simulator

ERRORS: Mapping[str, tuple[str, int | None, str | None]] = {
    "a wrong key": ("AuthenticationError", 401, "invalid_api_key"),
    "an unknown model": ("NotFoundError", 404, "model_not_found"),
    "no model": ("BadRequestError", 400, "missing_required_parameter"),
    "too many requests": ("RateLimitError", 429, "rate_limit_exceeded"),
    "a broken server": ("InternalServerError", 500, None),
    "a broken line": ("InternalServerError", 502, "upstream_error"),
    "a filtered prompt": ("BadRequestError", 400, "content_filter"),
    "a file that is not there": ("NotFoundError", 404, None),
    "a form without a model": ("BadRequestError", 400, "missing_required_parameter"),
    "moderation": ("NotFoundError", 404, "unsupported_operation"),
    "an unknown model of azure's client": ("NotFoundError", 404, "model_not_found"),
    "an error in a stream": ("RateLimitError", 429, "rate_limit_exceeded"),
    "a call that is aborted": ("APIUserAbortError", None, None),
}
"""The SDK's exception, its status and its code."""


async def came_of(script: str, app: HostProcess) -> dict[str, object]:
    return await run_script(script, {"URL": app.url, "KEY": CLIENT_KEY})


async def test_what_a_model_says_comes_plain_and_streamed(app: HostProcess, simulator: Simulator) -> None:
    assert await came_of("chat.js", app) == {
        "chat": ECHO,
        "chat streamed": ECHO,
        "chat by the stream helper": ECHO,
        "usage of a stream": True,
        "completion": "You said: hello",
        "completion streamed": "You said: hello",
        "embedding": [4, 4],
        "response": ECHO,
        "response streamed": [ECHO, "response.completed"],
        "response by the stream helper": ECHO,
        "response retrieved and deleted": ECHO,
        "models": ["chat", "gpt-4o", "slow model"],
        "model": "slow model",
        "request id": True,
        "azure chat": ECHO,
        "azure chat streamed": ECHO,
        "azure embedding": 1,
        "azure response": ECHO,
    }


async def test_objects_are_made_read_and_deleted(app: HostProcess) -> None:
    assert await came_of("objects.js", app) == {
        "file sent, listed, downloaded, deleted": [300_000, True, True, True],
        "batch": ["completed", [ECHO, ECHO]],
        "vector store": ["notes", True],
        "image": 1,
        "image streamed": ["image_generation.partial_image", "image_generation.completed"],
        "image edited": 1,
        "transcription": "string",
        "transcription streamed": "transcript.text.done",
        "translation": "string",
        "speech": ["audio", True],
        "azure transcription": "string",
        "azure image": 1,
        "azure file": 300_000,
    }


async def test_every_refusal_is_the_exception_that_the_sdk_has_for_it(app: HostProcess, simulator: Simulator) -> None:
    before = len(simulator.disconnects)
    came = await came_of("errors.js", app)
    assert came.pop("a stream that its reader leaves") == 0
    errors = {name: cast("dict[str, object]", error) for name, error in came.items()}
    assert {name: (error["class"], error.get("status"), error.get("code")) for name, error in errors.items()} == ERRORS
    for name, error in errors.items():
        assert error.get("requestID") or error.get("status") is None, name
    await simulator.disconnected(before + 1)  # The stream that was left is not paid for.
