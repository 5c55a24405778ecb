"""OpenAI's own API behind Azure OpenAI: it stands in when Azure cannot answer, under its own names of the models."""

from collections.abc import AsyncIterator

import openai
import pytest
import pytest_asyncio

from tests.fakes.openai_api import KEY, OpenAIStandIn
from tests.fakes.server import Fault
from tests.integration.several import FORGETFUL, Fleet, Seen, entry, fleet, names_no_host, told
from tests.integration.test_sdk import ECHO, HELLO
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

SAID = "OpenAI says: hello world"
TUNED = "ft:gpt-4o-mini-2024-07-18:contoso::abc123"
ODD = ("connection-reset", "error-404-deployment", "error-429-old", "error-500", "stream-error-429")
AZURES = {name: name for name in ODD} | {"chat": "gpt-4o", "azure only": "gpt-4o"}
OPENAIS = dict.fromkeys([*ODD, "chat"], "gpt-4.1") | {"tuned": TUNED, "embed": "text-embedding-3-small"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand_in() -> AsyncIterator[OpenAIStandIn]:
    async with OpenAIStandIn() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def both(stand_in: OpenAIStandIn) -> AsyncIterator[Fleet]:
    async with Simulator().serving() as azure:
        resources = [
            entry("azure", azure.url, models=AZURES | {"embed": "error-503-text"}),
            entry("openai", f"{stand_in.url}/v1", kind="openai", api_key=KEY, models=OPENAIS, priority=1),
        ]
        async with fleet(resources, azure, AZURE_OPENAI_ROUTING=FORGETFUL) as running:
            yield running


@pytest.mark.parametrize("model", ODD[:-1])
async def test_a_chat_that_azure_cannot_answer_is_answered_by_openai(
    both: Fleet, stand_in: OpenAIStandIn, model: str
) -> None:
    async with both.sdk() as sdk:
        answer = await sdk.chat.completions.with_raw_response.create(model=model, messages=HELLO)
    assert answer.parse().choices[0].message.content == SAID
    assert told(answer.headers) == ("1", "2")
    assert names_no_host(answer.headers, answer.text)
    asked = stand_in.asked[-1]
    assert (asked.path, asked.body) == ("/v1/chat/completions", {"model": "gpt-4.1", "messages": HELLO})
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert DEFAULT_KEY not in str(asked.headers)


@pytest.mark.parametrize("model", ODD)
async def test_a_stream_that_azure_cannot_begin_is_openai_s(both: Fleet, stand_in: OpenAIStandIn, model: str) -> None:
    async with both.sdk() as sdk:
        stream = await sdk.chat.completions.create(model=model, messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == SAID
    assert chunks[-1].choices[0].finish_reason == "stop"
    target, attempts = told(stream.response.headers)
    # A reset of a connection that was used before is one more sending: nothing of the request may have arrived.
    assert (target, attempts) in {("1", "2"), ("1", "3" if model == "connection-reset" else "2")}
    assert stand_in.asked[-1].body == {"model": "gpt-4.1", "messages": HELLO, "stream": True}


async def test_embeddings_go_over_too(both: Fleet, stand_in: OpenAIStandIn) -> None:
    async with both.sdk() as sdk:
        answer = await sdk.embeddings.with_raw_response.create(model="embed", input="hello", encoding_format="float")
    assert answer.parse().data[0].embedding == [0.5, 0.25]
    assert told(answer.headers) == ("1", "2")
    assert stand_in.asked[-1].path == "/v1/embeddings"


async def test_openai_is_not_asked_while_azure_answers(both: Fleet, stand_in: OpenAIStandIn) -> None:
    before = len(stand_in.asked)
    async with both.sdk() as sdk:
        for model in ("chat", "azure only"):
            answer = await sdk.chat.completions.create(model=model, messages=HELLO)
            assert answer.choices[0].message.content == ECHO
    assert len(stand_in.asked) == before


async def test_a_model_that_only_openai_has_goes_there_at_once(both: Fleet, stand_in: OpenAIStandIn) -> None:
    seen = Seen(both.resources)
    async with both.sdk() as sdk:
        answer = await sdk.chat.completions.with_raw_response.create(model="tuned", messages=HELLO)
        owners = {model.id: model.owned_by async for model in sdk.models.list()}
    assert told(answer.headers) == ("1", "1")
    assert stand_in.asked[-1].body["model"] == TUNED
    assert seen.counts() == [0]
    assert (owners["tuned"], owners["chat"]) == ("openai", "azure-openai")


async def test_when_openai_is_too_busy_as_well_the_client_is_told_when_to_come_back(
    both: Fleet, stand_in: OpenAIStandIn
) -> None:
    stand_in.fault = Fault(status=429, retry_after="3")
    try:
        async with both.sdk() as sdk:
            with pytest.raises(openai.APIStatusError) as raised:
                await sdk.chat.completions.create(model="error-429-old", messages=HELLO)
    finally:
        stand_in.fault = None
    assert told(raised.value.response.headers)[1] == "2"
    assert "retry-after" in raised.value.response.headers
    assert names_no_host(raised.value.response.headers, raised.value.response.text)


async def test_openai_without_a_list_of_models_takes_every_name(stand_in: OpenAIStandIn) -> None:
    async with Simulator().serving() as azure:
        resources = [
            entry("azure", azure.url, models={"gpt-4.1": "error-500"}),
            entry("openai", stand_in.url, kind="openai", api_key=KEY, priority=1),
        ]
        async with fleet(resources, azure) as both, both.sdk() as sdk:
            # The second may be the name of a deployment, the third cannot.
            for model, attempts in (("gpt-4.1", "2"), ("gpt-4.1-mini", "2"), (TUNED, "1")):
                answer = await sdk.chat.completions.with_raw_response.create(model=model, messages=HELLO)
                assert (told(answer.headers), stand_in.asked[-1].body["model"]) == (("1", attempts), model)
            with pytest.raises(openai.NotFoundError) as raised:
                await sdk.chat.completions.create(model="nothing", messages=HELLO)
    assert raised.value.code == "model_not_found"


async def test_a_key_that_openai_refuses_is_never_the_client_s_fault(stand_in: OpenAIStandIn) -> None:
    resources = [entry("openai", stand_in.url, kind="openai", api_key="sk-of-nobody")]
    async with fleet(resources) as one, one.sdk() as sdk:
        with pytest.raises(openai.InternalServerError) as raised:
            await sdk.chat.completions.create(model="gpt-4.1", messages=HELLO)
    assert (raised.value.status_code, raised.value.code) == (502, "upstream_auth_error")
    assert "sk-of-nobody" not in one.app.output() + raised.value.response.text
