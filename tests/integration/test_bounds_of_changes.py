"""What the proxy changes in a call, and what a body hides, makes it no dearer than what it has reserved."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from proxy.app import build_application
from proxy.config.settings import Settings
from tests.integration.bound_requests import INSTRUCT, Asked
from tests.integration.test_bounds import OUTPUT, WINDOW, App, Spy, environ
from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.state import Most

# Deployments that refuse a parameter or an API, with the model and version of each, and what the simulator is.
DEPLOYED = {
    "refuses-five": ("gpt-4.1", "gpt-4.1"),
    "refuses-new-limit": ("gpt-4.1", "gpt-4.1"),
    "o3": ("o3@2025-04-16", "o3-pro"),
    INSTRUCT: (INSTRUCT, INSTRUCT),
}
MODELS = ",".join(f"{name}={model}/GlobalStandard" for name, (model, _) in DEPLOYED.items())
CHAT = {"messages": [{"role": "user", "content": "hello"}], "service_tier": "default"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app() -> AsyncIterator[App]:
    async with Simulator(deployments={name: model for name, (_, model) in DEPLOYED.items()}).serving() as simulator:
        simulator.state.most = Most(window=WINDOW, output=OUTPUT)
        changed = {"AZURE_OPENAI_DEPLOYMENT_MODELS": MODELS}
        proxy = build_application(Settings.from_environ(environ(simulator.url) | changed))
        spy, calls = Spy(), proxy.handler.calls
        assert calls.budgets is not None
        calls = replace(calls, budgets=replace(calls.budgets, ledger=spy))
        yield App(replace(proxy, handler=replace(proxy.handler, calls=calls, log=spy.write_line)), spy)
        await proxy.stop(1)


@pytest.mark.parametrize("_attempt", ["unknown", "learned"])
@pytest.mark.parametrize(
    ("model", "limits"),
    [
        ("refuses-five", {"max_tokens": 1, "max_completion_tokens": 400}),
        ("refuses-five", {"max_tokens": 1}),
        ("refuses-new-limit", {"max_tokens": 400, "max_completion_tokens": 1}),
        ("o3", {"max_tokens": 1, "max_completion_tokens": 400}),
        ("o3", {"max_completion_tokens": 1}),
    ],
)
async def test_a_limit_that_is_left_out_or_raised_is_not_the_one_that_was_reserved(
    app: App, model: str, limits: dict[str, int], _attempt: str
) -> None:
    paid = await app.ask(Asked(path="chat/completions", body=json.dumps(CHAT | {"model": model} | limits).encode()))
    assert paid.status == 200, paid.answer
    assert paid.cost is not None
    assert paid.settled == paid.cost <= paid.reserved


async def test_every_prompt_of_a_completion_may_fill_the_window(app: App) -> None:
    body = {"model": INSTRUCT, "prompt": ["a" * 20_000] * 4, "max_tokens": 1}
    paid = await app.ask(Asked(path="completions", body=json.dumps(body).encode()))
    assert paid.status == 200, paid.answer
    assert paid.cost is not None
    assert paid.settled == paid.cost <= paid.reserved
