import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tools.azure_openai_simulator import Simulator

OFFER = "v=0\r\n"


async def test_an_ephemeral_key_is_made_for_a_deployment(strict_v1: AsyncOpenAI) -> None:
    secret = await strict_v1.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime"})
    assert secret.value.startswith("ek_")
    assert secret.session.type == "realtime"
    assert secret.session.model == "gpt-realtime"
    with pytest.raises(openai.NotFoundError, match="API deployment"):
        await strict_v1.realtime.client_secrets.create(session={"type": "realtime", "model": "nothing"})


async def test_a_call_is_made_accepted_referred_rejected_and_hung_up(strict_v1: AsyncOpenAI) -> None:
    calls = strict_v1.realtime.calls
    answer = await calls.create(sdp=OFFER, session={"type": "realtime", "model": "gpt-realtime"})
    location = answer.response.headers["location"]
    assert (answer.response.status_code, answer.text.startswith("v=0")) == (201, True)
    assert location.startswith(f"{strict_v1.base_url}realtime/calls/rtc_")
    call = location.rpartition("/")[2]
    await calls.accept(call, type="realtime", model="gpt-realtime")
    await calls.refer(call, target_uri="tel:+1")
    await calls.reject(call)
    await calls.hangup(call)
    with pytest.raises(openai.NotFoundError, match="API deployment"):
        await calls.accept(call, type="realtime", model="nothing")
    with pytest.raises(openai.NotFoundError, match="No call found"):
        await calls.hangup("rtc_nothing")


async def test_a_browser_calls_with_its_ephemeral_key_and_nothing_else(
    simulator: Simulator, strict_v1: AsyncOpenAI
) -> None:
    secret = await strict_v1.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime"})
    headers = {"Authorization": f"Bearer {secret.value}", "Content-Type": "application/sdp"}
    async with aiohttp.ClientSession(simulator.url, headers=headers) as browser:
        async with browser.post("/openai/v1/realtime/calls?webrtcfilter=on", data=OFFER) as response:
            assert (response.status, response.content_type) == (201, "application/sdp")
        async with browser.post("/openai/v1/realtime/calls?model=nothing", data=OFFER) as response:
            assert response.status == 404
        async with browser.get("/openai/v1/models") as response:
            assert response.status == 401
