"""What a client notices of a resource that fails while another one is well: nothing, or the truth.

The same model stands for an odd deployment at the first resource and for a good one at the second.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import cast

import openai
import pytest
import pytest_asyncio

from tests.fakes.server import Fault
from tests.integration.asks import ASKS, STREAMS, ask_chat, ask_chat_stream
from tests.integration.conftest import CLIENT_KEY
from tests.integration.node import run_script
from tests.integration.several import (
    FORGETFUL,
    App,
    Odd,
    Seen,
    entry,
    environ_of,
    names_no_host,
    nobody,
    run_app,
    told,
)
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, running_host
from tools.azure_openai_simulator import Simulator

TRIED_AGAIN = (
    "connection-reset",
    "error-400-model",
    "error-404-deployment",
    "error-408",
    "error-429-2026",
    "error-429-capacity",
    "error-429-milliseconds",
    "error-429-old",
    "error-429-old-day",
    "error-500",
    "error-500-array",
    "error-500-backend",
    "error-500-model",
    "error-503-text",
    "error-503-text-long",
)
REFUSED = ("error-403-blocked", "error-403-firewall", "error-403-network", "error-403-quota", "error-403-suspended")
NOT_TRIED_AGAIN: Mapping[str, int] = {
    "error-400-content-filter": 400,
    "error-400-content-filter-v1": 400,
    "error-400-context": 400,
    "error-400-unsupported-value": 400,
    "error-401-key": 502,
    "error-403-role": 502,
    "error-404-route": 404,
    "error-413": 413,
    "error-424": 424,
}
EARLY = (
    "stream-empty",
    "stream-error-429",
    "stream-error-429-first",
    "stream-error-capacity",
    "stream-error-done",
    "stream-error-event",
    "stream-error-response-failed",
)
# Where nobody listens.
DOWN = "down"
GOOD = "gpt-4o"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """An app whose resources stand in a file; what is down is asked before the second."""
    odd = [*TRIED_AGAIN, *REFUSED, *NOT_TRIED_AGAIN, *EARLY, "stream-error-after-content"]
    first = {name: name for name in odd} | {"good": GOOD, "only first": "error-500"}
    second = dict.fromkeys([*odd, DOWN], GOOD)
    async with Simulator().serving() as one, Simulator().serving() as other:
        with nobody() as closed:
            resources = [
                entry("first", one.url, models=first),
                entry("second", other.url, priority=1, models=second),
                entry("closed", closed, models={DOWN: GOOD}),
            ]
            path = tmp_path_factory.mktemp("settings") / "resources.json"
            path.write_text(json.dumps(resources))
            environ = environ_of([], AZURE_OPENAI_ROUTING=FORGETFUL) | {"AZURE_OPENAI_RESOURCES": str(path)}
            async with running_host(REPOSITORY, environ) as app:
                yield App(app=app, resources=(one, other))


@pytest.mark.parametrize("model", TRIED_AGAIN)
@pytest.mark.parametrize("operation", ASKS)
async def test_a_failure_at_the_first_resource_is_not_noticed(two: App, operation: str, model: str) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        headers, text = await ASKS[operation](sdk, model)
    first, second = seen.counts()
    # A connection that was used before and is reset may only be old: then a new one is tried. A model that the path of
    # a deployment does not know may be on v1.
    on_v1_too = model == "error-400-model" and operation.startswith("chat")
    assert first == 1 + on_v1_too or (model == "connection-reset" and first == 2)
    assert second == 1
    assert told(headers) == ("1", str(first + second))
    assert names_no_host(headers, text)


@pytest.mark.parametrize("model", REFUSED)
async def test_a_resource_that_refuses_every_call_is_not_noticed_and_then_left_alone(two: App, model: str) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        headers, text = await ask_chat(sdk, model)
        assert told(headers) == ("1", "2")
        assert told((await ask_chat(sdk, model))[0]) == ("1", "1")
    assert seen.counts() == [1, 2]
    assert names_no_host(headers, text)
    reason = "upstream_network" if model in ("error-403-firewall", "error-403-network") else "upstream_blocked"
    await two.app.wait_for_output(f"resource 0, {reason}: ")


@pytest.mark.parametrize("operation", ASKS)
async def test_a_resource_that_is_down_is_not_noticed(two: App, operation: str) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        headers, text = await ASKS[operation](sdk, DOWN)
    assert told(headers) == ("1", "2")
    assert seen.counts() == [0, 1]
    assert names_no_host(headers, text)


@pytest.mark.parametrize("model", EARLY)
@pytest.mark.parametrize("operation", STREAMS)
async def test_a_stream_that_fails_before_its_first_content_is_not_noticed(
    two: App, operation: str, model: str
) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        headers, text = await STREAMS[operation](sdk, model)
    assert told(headers) == ("1", "2")
    assert seen.counts() == [1, 1]
    assert names_no_host(headers, text)


async def test_a_stream_that_fails_behind_its_first_content_is_told_and_asked_nowhere_else(two: App) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        stream = await sdk.chat.completions.create(model="stream-error-after-content", messages=HELLO, stream=True)
        first = await anext(stream)
        with pytest.raises(openai.APIError) as raised:
            [chunk async for chunk in stream]
    assert first.choices
    assert raised.value.code == "rate_limit_exceeded"
    assert told(stream.response.headers) == ("0", "1")
    assert seen.counts() == [1, 0]


@pytest.mark.parametrize("operation", ["chat", "chat streamed", "transcription"])
@pytest.mark.parametrize(("model", "status"), NOT_TRIED_AGAIN.items(), ids=NOT_TRIED_AGAIN.keys())
async def test_what_no_other_resource_would_answer_otherwise_is_the_answer(
    two: App, operation: str, model: str, status: int
) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        with pytest.raises(openai.APIStatusError) as raised:
            await ASKS[operation](sdk, model)
    assert raised.value.status_code == status
    # A chat without a path of its deployment is tried on v1, where models of other makers are.
    calls = 2 if model == "error-404-route" and operation != "transcription" else 1
    assert told(raised.value.response.headers) == ("0", str(calls))
    assert seen.counts() == [calls, 0]
    assert names_no_host(raised.value.response.headers, raised.value.response.text)


@pytest.mark.parametrize("operation", ASKS)
async def test_what_works_at_once_says_so(two: App, operation: str) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        assert told((await ASKS[operation](sdk, "good"))[0]) == ("0", "1")
    assert seen.counts() == [1, 0]


async def test_an_error_of_the_only_resource_with_a_model_is_that_error(two: App) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        with pytest.raises(openai.InternalServerError) as raised:
            await ask_chat(sdk, "only first")
    assert (raised.value.status_code, told(raised.value.response.headers)[1]) == (500, "1")
    assert seen.counts() == [1, 0]


async def test_each_attempt_is_in_the_line_of_its_request_and_no_host_is(two: App) -> None:
    async with two.sdk() as sdk:
        answer = await sdk.chat.completions.with_raw_response.create(model="error-500", messages=HELLO)
    await two.app.wait_for_output(answer.headers["x-request-id"])
    lines = [line for line in two.app.output().splitlines() if answer.headers["x-request-id"] in line]
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert (line["target"], line["attempts"], line["deployment"], line["status"]) == (1, 2, GOOD, 200)
    assert two.resources[0].url.rpartition(":")[2] not in lines[0]


@pytest.mark.parametrize(
    ("model", "failures"),
    [
        ("error-429-old", [{"target": 0, "status": 429, "code": "rate_limit_exceeded"}]),
        ("error-500", [{"target": 0, "status": 500, "code": "answer"}]),
        (DOWN, [{"target": 2, "code": "connect"}]),
        ("connection-reset", [{"target": 0, "code": "reset"}]),
        ("stream-error-429", [{"target": 0, "status": 429, "code": "rate_limit_exceeded"}]),
        ("good", None),
    ],
)
async def test_the_line_of_a_request_says_which_attempts_failed_and_how(two: App, model: str, failures: object) -> None:
    async with two.sdk() as sdk:
        headers, _ = await (ask_chat_stream if model in EARLY else ask_chat)(sdk, model)
    await two.app.wait_for_output(headers["x-request-id"])
    (line,) = [line for line in two.app.output().splitlines() if headers["x-request-id"] in line]
    assert json.loads(line).get("failures") == failures


async def test_the_list_of_models_has_those_of_all_resources(two: App) -> None:
    async with two.sdk() as sdk:
        listed = {model.id: model.owned_by async for model in sdk.models.list()}
    assert {DOWN, "good", "only first", "error-500"} <= listed.keys()
    assert set(listed.values()) == {"azure-openai"}


async def test_the_node_sdk_notices_nothing_either(two: App) -> None:
    came = await run_script("failover.js", {"URL": two.app.url, "KEY": CLIENT_KEY})
    refused = cast("dict[str, object]", came.pop("refused"))
    # A connection that was used before and is reset may only be old: then a new one is tried.
    assert came.pop("reset") in ([ECHO, "2"], [ECHO, "3"])
    assert (refused["class"], refused["status"]) == ("BadRequestError", 400)
    assert came == {
        **{name: [ECHO, "2"] for name in ("throttled", "broken", "down")},
        "throttled, streamed": ECHO,
        "an early error, streamed": ECHO,
        "response streamed": "response.completed",
    }


@pytest.mark.parametrize(("routing", "attempts"), [("{}", 3), ('{"attempts": 2}', 2), ('{"attempts": 1}', 1)])
async def test_a_request_is_sent_so_often_at_most(routing: str, attempts: int) -> None:
    async with Odd(Fault(status=500)) as odd:
        resources = [entry(f"r{number}", odd.url, models={"a": GOOD}) for number in range(4)]
        async with run_app(resources, AZURE_OPENAI_ROUTING=routing) as running, running.sdk() as sdk:
            with pytest.raises(openai.InternalServerError) as raised:
                await ask_chat(sdk, "a")
    assert told(raised.value.response.headers)[1] == str(attempts)
    assert len(odd.asked) == attempts


async def test_a_model_of_the_second_resource_alone_goes_there_at_once() -> None:
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, models={"a": GOOD}),
            entry("other", other.url, models={"b": GOOD}, priority=1),
        ]
        async with run_app(resources, one, other) as two, two.sdk() as sdk:
            assert told((await ask_chat(sdk, "b"))[0]) == ("1", "1")
            with pytest.raises(openai.NotFoundError) as raised:
                await ask_chat(sdk, "c")
    assert raised.value.code == "model_not_found"
