"""When no resource can answer: the error says why, and when to come back."""

import openai
import pytest

from tests.integration.asks import ask_chat
from tests.integration.several import App, Seen, names_no_host, told
from tests.integration.test_http import CHAT, chat
from tests.integration.test_several_cooldowns import PATIENT, two

__all__ = ["two"]  # a fixture


async def refused(two: App, model: str) -> openai.APIStatusError:
    async with two.sdk() as sdk:
        with pytest.raises(openai.APIStatusError) as raised:
            await ask_chat(sdk, model)
    error = raised.value
    assert names_no_host(error.response.headers, error.response.text)
    return error


async def test_when_all_are_throttled_the_error_is_a_429_with_the_smallest_wait(two: App) -> None:
    seen = Seen(two.resources)
    first = await refused(two, "all throttled")
    assert (first.status_code, first.code) == (429, "rate_limit_exceeded")
    assert int(first.response.headers["retry-after"]) <= PATIENT["cooldown"]
    assert 0 < int(first.response.headers["retry-after-ms"]) <= PATIENT["cooldown"] * 1000
    assert told(first.response.headers)[1] == "2"
    second = await refused(two, "all throttled")
    assert (second.status_code, second.code) == (429, "rate_limit_exceeded")
    assert int(second.response.headers["retry-after-ms"]) <= int(first.response.headers["retry-after-ms"])
    assert told(second.response.headers) == (None, "0")  # Nobody was asked.
    assert seen.counts() == [1, 1]


@pytest.mark.parametrize("model", ["throttled and missing", "missing and throttled"])
async def test_that_the_other_resource_lacks_a_deployment_does_not_hide_that_the_first_is_too_busy(
    two: App, model: str
) -> None:
    for _ in range(3):
        error = await refused(two, model)
        assert (error.status_code, error.code) == (429, "rate_limit_exceeded")
        assert 0 < int(error.response.headers["retry-after-ms"]) <= 7000


async def test_a_deployment_that_no_resource_has_is_a_model_that_is_not_there(two: App) -> None:
    for _ in range(2):
        error = await refused(two, "missing")
        assert (error.status_code, error.code) == (404, "model_not_found")


async def test_the_sdk_s_own_retry_waits_as_long_as_it_is_told_and_no_longer(two: App) -> None:
    error = await refused(two, "all throttled, soon")
    assert error.status_code == 429
    assert error.response.headers["retry-after"] == "1"
    assert 0 < int(error.response.headers["retry-after-ms"]) <= 700
    assert error.response.headers.get("x-should-retry") != "false"


@pytest.mark.parametrize("model", ["all broken", "one of each"])
async def test_when_not_all_are_merely_throttled_the_error_is_a_503_with_a_wait(two: App, model: str) -> None:
    error = await refused(two, model)
    assert (error.status_code, error.code) == (503, "service_unavailable")
    assert int(error.response.headers["retry-after"]) >= 1
    assert int(error.response.headers["retry-after-ms"]) > 0
    assert told(error.response.headers)[1] == "2"


async def test_a_stream_gets_the_same_error_as_a_real_status(two: App) -> None:
    async with two.http() as http, http.post(CHAT, data=chat("all throttled", stream=True)) as answer:
        assert (answer.status, "retry-after" in answer.headers) == (429, True)
        assert (await answer.json())["error"]["code"] == "rate_limit_exceeded"
