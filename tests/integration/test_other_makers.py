"""Models of other makers than OpenAI on the same resource, which answer on `/openai/v1` alone."""

import json

import openai
import pytest

from tests.fakes.resource_manager import deployment
from tests.fakes.server import Fault
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.several import Odd, entry, official, run_app
from tests.integration.test_discovery import one_resource
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, running_host
from tools.azure_openai_simulator import Simulator

NAME, MODEL = "my-deepseek", "DeepSeek-R1"
CLASSIC, V1 = f"/openai/deployments/{NAME}/chat/completions", "/openai/v1/chat/completions"


async def test_what_has_no_path_of_a_deployment_is_tried_on_v1_once_and_that_is_remembered() -> None:
    async with (
        Simulator(deployments={NAME: MODEL, "gpt-4o": "gpt-4o"}).serving() as simulator,
        running_host(REPOSITORY, environ_for(simulator)) as host,
        official(f"{host.url}/v1", CLIENT_KEY) as sdk,
    ):
        for _ in range(2):
            answer = await sdk.chat.completions.create(model=NAME, messages=HELLO)
            assert answer.choices[0].message.content == ECHO
        stream = await sdk.chat.completions.create(model=NAME, messages=HELLO, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]) == ECHO
        assert [request.raw_path for request in simulator.requests] == [CLASSIC, V1, V1, V1]
        assert json.loads(simulator.requests[-1].body)["model"] == NAME
        with pytest.raises(openai.NotFoundError) as raised:
            await sdk.chat.completions.create(model="nobody", messages=HELLO)
        assert raised.value.code == "model_not_found"
        assert len(simulator.requests) == 5
        await sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
        assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-4o/chat/completions"


@pytest.mark.parametrize("status", [400, 404])
async def test_a_model_that_the_path_does_not_know_is_tried_on_v1_too(status: int) -> None:
    unknown = Fault(status=status, body='{"error":{"code":"unknown_model","message":"Unknown model: grok"}}')
    async with Odd(unknown) as odd, run_app([entry("only", odd.url)]) as app, app.sdk() as sdk:
        odd.then = [None]
        for _ in range(2):
            answer = await sdk.chat.completions.create(model="grok", messages=HELLO)
            assert answer.choices[0].message.content == "odd"
        assert [path for _, path, _ in odd.asked] == ["/openai/deployments/grok/chat/completions", V1, V1]
        odd.fault, odd.asked[:] = unknown, []
        with pytest.raises(openai.NotFoundError) as raised:
            await sdk.chat.completions.create(model="nobody", messages=HELLO)
        assert raised.value.code == "model_not_found"
        assert [path for _, path, _ in odd.asked] == ["/openai/deployments/nobody/chat/completions", V1]


async def test_a_resource_without_that_operation_says_so_after_both_paths() -> None:
    absent = ["deployments/chat/completions", "v1/chat/completions"]
    async with (
        Simulator(absent=absent).serving() as simulator,
        running_host(REPOSITORY, environ_for(simulator)) as host,
        official(f"{host.url}/v1", CLIENT_KEY) as sdk,
    ):
        with pytest.raises(openai.NotFoundError):
            await sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
        assert len(simulator.requests) == 2


async def test_what_azure_lists_of_another_maker_goes_to_v1_at_once_and_is_listed() -> None:
    item = deployment(NAME, model=MODEL)
    item["properties"] |= {"model": {"format": "DeepSeek", "name": MODEL, "version": "1"}}  # type: ignore[operator]
    async with one_resource(item, deployed={NAME: MODEL}) as (talk, resource, _):
        assert MODEL in await talk.until_listed(NAME)
        answer = await talk.sdk.chat.completions.create(model=MODEL, messages=HELLO)
        assert answer.choices[0].message.content == ECHO
        assert [request.raw_path for request in resource.requests] == [V1]
