"""Clients that speak chat completions, on deployments that offer Responses alone."""

import json
from collections.abc import AsyncIterator, Mapping

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.fakes.resource_manager import deployment
from tests.integration.several import App, entry, environ_of, official, told
from tests.integration.test_discovery import one_resource
from tests.integration.test_sdk import ECHO, HELLO
from tests.integration.translated import (
    DEPLOYED,
    REPAIRED,
    RESPONSES,
    TRANSLATED,
    V1_CHAT,
    Translating,
    classic,
    translating,
)
from tests.processes import REPOSITORY, running_host
from tools.azure_openai_simulator import Simulator

CODEX = "gpt-5-codex"
LUNA = "gpt-5.6-luna"
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CONTRADICTIONS = ("not-found", "conflict", "required", "unverified")


@pytest_asyncio.fixture(loop_scope="session")
async def alone() -> AsyncIterator[Translating]:
    async with translating() as running:
        yield running


async def text_of(sdk: AsyncOpenAI, model: str, **rest: object) -> str | None:
    asked = {"model": model, "messages": HELLO, **rest}
    answer = await sdk.chat.completions.create(**asked)  # type: ignore[call-overload]
    return answer.choices[0].message.content  # type: ignore[no-any-return]


async def headers_of(sdk: AsyncOpenAI, model: str, **rest: object) -> Mapping[str, str]:
    raw = await sdk.chat.completions.with_raw_response.create(  # type: ignore[call-overload]
        model=model, **{"messages": HELLO, **rest}
    )
    assert raw.parse().choices[0].message.content == ECHO
    return raw.headers  # type: ignore[no-any-return]


async def streamed(sdk: AsyncOpenAI, model: str, **rest: object) -> str:
    stream = await sdk.chat.completions.create(  # type: ignore[call-overload]
        model=model, messages=HELLO, stream=True, **rest
    )
    chunks = [chunk async for chunk in stream]
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def test_a_chat_that_is_refused_is_translated_and_that_is_remembered(alone: Translating) -> None:
    first = await alone.sdk.chat.completions.with_raw_response.create(model=CODEX, messages=HELLO)
    assert first.parse().choices[0].message.content == ECHO
    assert first.headers[TRANSLATED] == "responses"
    assert first.parse().model == CODEX
    assert await text_of(alone.sdk, CODEX) == ECHO
    assert await streamed(alone.sdk, CODEX) == ECHO
    assert alone.paths() == [classic(CODEX), RESPONSES, RESPONSES, RESPONSES]
    assert alone.body()["store"] is False
    line = await alone.line(first.headers["x-request-id"])
    assert (line["operation"], line["translated"], line["attempts"]) == ("createChatCompletion", "responses", 2)
    assert (line["input_tokens"], line["output_tokens"]) == (2, 68)
    models = [model.id async for model in alone.sdk.models.list()]
    assert CODEX in models or (await alone.sdk.models.retrieve(CODEX)).id == CODEX


async def test_what_serves_a_chat_itself_is_not_translated(alone: Translating) -> None:
    raw = await alone.sdk.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
    assert TRANSLATED not in raw.headers
    assert alone.paths() == [classic("gpt-4o")]


@pytest.mark.parametrize("streams", [False, True])
async def test_where_both_refuse_the_client_reads_the_first_refusal_and_nothing_is_remembered(
    alone: Translating, *, streams: bool
) -> None:
    for _ in range(2):
        with pytest.raises(openai.BadRequestError, match="The chatCompletion operation does not work") as raised:
            await alone.sdk.chat.completions.create(model="serves-nothing", messages=HELLO, stream=streams)
        assert raised.value.code == "unsupported_model"
        assert TRANSLATED not in raised.value.response.headers
    assert alone.paths() == 2 * [classic("serves-nothing"), RESPONSES]


async def test_functions_beside_reasoning_are_translated_and_other_chats_are_not(alone: Translating) -> None:
    for _ in range(2):
        assert await text_of(alone.sdk, LUNA, tools=[WEATHER], reasoning_effort="high") == ECHO
    assert alone.body()["reasoning"] == {"effort": "high"}
    assert await text_of(alone.sdk, LUNA, tools=[WEATHER]) == ECHO
    assert await text_of(alone.sdk, LUNA, tools=[WEATHER], reasoning_effort="none") == ECHO
    assert await text_of(alone.sdk, LUNA) == ECHO
    assert alone.paths() == [classic(LUNA), RESPONSES, RESPONSES, RESPONSES, classic(LUNA), classic(LUNA)]


async def test_a_known_translation_that_is_refused_is_forgotten_without_another_try(alone: Translating) -> None:
    assert await text_of(alone.sdk, CODEX) == ECHO
    alone.azure.deployments[CODEX] = "gpt-4"  # now it offers chat alone
    with pytest.raises(openai.BadRequestError, match="The responses operation does not work"):
        await text_of(alone.sdk, CODEX)
    assert await text_of(alone.sdk, CODEX) == ECHO
    assert alone.paths() == [classic(CODEX), RESPONSES, RESPONSES, classic(CODEX)]


async def test_translation_may_be_switched_off() -> None:
    async with translating(TRANSLATE_APIS="false") as alone:
        with pytest.raises(openai.BadRequestError, match="The chatCompletion operation does not work"):
            await text_of(alone.sdk, CODEX)
        assert alone.paths() == [classic(CODEX)]


async def test_a_setting_says_which_api_to_call() -> None:
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS=f"{CODEX}=responses,gpt-4o=responses,o3-pro=chat") as alone:
        assert await text_of(alone.sdk, CODEX) == ECHO
        assert await text_of(alone.sdk, "gpt-4o") == ECHO
        with pytest.raises(openai.BadRequestError, match="The requested operation is unsupported"):
            await text_of(alone.sdk, "o3-pro")
        assert alone.paths() == [RESPONSES, RESPONSES, classic("o3-pro")]


async def test_what_azure_lists_for_responses_alone_is_translated_at_once_and_listed() -> None:
    item = deployment("team-codex", model=CODEX, capabilities={"responses": "true"})
    async with one_resource(item, deployed={"team-codex": CODEX}) as (talk, azure, _):
        assert "team-codex" in await talk.until_listed("team-codex")
        assert await text_of(talk.sdk, "team-codex") == ECHO
        assert [request.raw_path for request in azure.requests] == [RESPONSES]


async def test_usage_stop_structured_output_and_the_helper_of_the_sdk_work(alone: Translating) -> None:
    class ChatMessage(BaseModel):
        said: str

    stream = await alone.sdk.chat.completions.create(
        model=CODEX, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *_, last = [chunk async for chunk in stream]
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens_details is not None
    assert last.usage.completion_tokens_details.reasoning_tokens == 64
    assert await text_of(alone.sdk, CODEX, stop=[" world"]) == "You said: hello"
    assert await streamed(alone.sdk, CODEX, stop=["o wor"]) == "You said: hell"
    parsed = await alone.sdk.chat.completions.parse(model=CODEX, messages=HELLO, response_format=ChatMessage)
    assert parsed.choices[0].message.parsed == ChatMessage(said="hello world")
    async with alone.sdk.chat.completions.stream(model=CODEX, messages=HELLO) as helper:
        assert (await helper.get_final_completion()).choices[0].message.content == ECHO


async def test_a_stream_that_stops_early_is_ended_at_azure_and_its_tokens_are_estimated(alone: Translating) -> None:
    stream = await alone.sdk.chat.completions.with_raw_response.create(
        model=CODEX, messages=[{"role": "user", "content": "stop " * 2000}], stream=True, stop=["stop stop"]
    )
    chunks = [chunk async for chunk in stream.parse()]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert (await alone.line(stream.headers["x-request-id"]))["estimated"] is True


async def called(
    sdk: AsyncOpenAI, model: str, *, stream: bool, content: str = "hello world"
) -> list[ChatCompletionMessageParam]:
    """Return a conversation that waits for the answer to a tool's output."""
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": content}]
    if stream:
        async with sdk.chat.completions.stream(
            model=model, messages=asked, tools=[WEATHER], tool_choice="required"
        ) as helper:
            message = (await helper.get_final_completion()).choices[0].message
    else:
        first = await sdk.chat.completions.create(model=model, messages=asked, tools=[WEATHER], tool_choice="required")
        assert first.choices[0].finish_reason == "tool_calls"
        message = first.choices[0].message  # type: ignore[assignment]
    assert message.tool_calls
    call = message.tool_calls[0]
    assert call.type == "function"
    assert "city" in json.loads(call.function.arguments)
    said: ChatCompletionMessageParam = {
        "role": "assistant",
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
        ],
    }
    return [*asked, said, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_reasoning_before_a_tool_call_goes_back_with_its_output(alone: Translating, *, stream: bool) -> None:
    conversation = await called(alone.sdk, CODEX, stream=stream)
    raw = await alone.sdk.chat.completions.with_raw_response.create(model=CODEX, messages=conversation, tools=[WEATHER])
    assert raw.parse().choices[0].message.content == ECHO
    assert alone.input_types() == ["message", "reasoning", "function_call", "function_call_output"]
    assert (await alone.line(raw.headers["x-request-id"])).get("reasoning_missed") is None
    await alone.sdk.chat.completions.create(model=CODEX, messages=[*conversation, *HELLO], tools=[WEATHER])
    assert alone.input_types() == ["message", "function_call", "function_call_output", "message"]


async def test_reasoning_is_not_remembered_for_another_client(alone: Translating) -> None:
    conversation = await called(alone.sdk, CODEX, stream=False)
    async with official(f"{alone.app.url}/v1", "sk-second-0123456789abcdef") as other:
        raw = await other.chat.completions.with_raw_response.create(model=CODEX, messages=conversation)
    assert raw.parse().choices[0].message.content == ECHO
    assert "reasoning" not in alone.input_types()
    assert (await alone.line(raw.headers["x-request-id"]))["reasoning_missed"] == 1


async def test_without_memory_a_client_may_carry_the_reasoning_itself() -> None:
    settings = {"TRANSLATE_REASONING_MEMORY": "0", "TRANSLATE_REASONING_DETAILS": "true"}
    async with translating(DEPLOYED, **settings) as alone, translating(DEPLOYED, **settings) as other:
        first = await alone.sdk.chat.completions.create(
            model=CODEX, messages=HELLO, tools=[WEATHER], tool_choice="required"
        )
        message = first.choices[0].message.to_dict()
        assert message["reasoning_details"]
        assert first.choices[0].message.tool_calls
        output = {"role": "tool", "tool_call_id": first.choices[0].message.tool_calls[0].id, "content": "sunny"}
        conversation = [*HELLO, message, output]
        await alone.sdk.chat.completions.create(model=CODEX, messages=conversation)  # type: ignore[arg-type]
        assert alone.input_types() == ["message", "reasoning", "function_call", "function_call_output"]
        # Another resource cannot read it, and is asked once more without.
        assert await text_of(other.sdk, CODEX) == ECHO
        before = len(other.azure.requests)
        await other.sdk.chat.completions.create(model=CODEX, messages=conversation)  # type: ignore[arg-type]
        assert other.paths(before) == [RESPONSES, RESPONSES]
        assert other.input_types() == ["message", "function_call", "function_call_output"]
        del message["reasoning_details"]
        await alone.sdk.chat.completions.create(model=CODEX, messages=conversation)  # type: ignore[arg-type]
        assert "reasoning" not in alone.input_types()


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
async def test_reasoning_that_azure_refuses_is_left_out_once(alone: Translating, contradiction: str) -> None:
    model = f"{CODEX}-{contradiction}"
    conversation = await called(alone.sdk, model, stream=False)
    before = len(alone.azure.requests)
    answer = await alone.sdk.chat.completions.create(model=model, messages=conversation)
    assert answer.choices[0].message.content == ECHO
    assert alone.paths(before) == [RESPONSES, RESPONSES]
    assert alone.input_types() == ["message", "function_call", "function_call_output"]


async def test_what_was_left_out_or_changed_is_named(alone: Translating) -> None:
    for rest, named in (
        ({"presence_penalty": 1, "seed": 3}, "presence_penalty, seed"),
        ({"max_tokens": 5}, "max_tokens=16"),
    ):
        assert (await headers_of(alone.sdk, CODEX, **rest))[REPAIRED] == named


async def test_a_parameter_that_responses_refuse_is_repaired_there() -> None:
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS="refuses-five=responses") as alone:
        raw = await alone.sdk.chat.completions.with_raw_response.create(
            model="refuses-five", messages=HELLO, temperature=0.5, top_p=0.5, verbosity="low"
        )
        assert raw.parse().choices[0].message.content == ECHO
        assert raw.headers[REPAIRED] == "temperature, top_p, text.verbosity"
        assert len(alone.paths()) == 4
        assert await text_of(alone.sdk, "refuses-five", temperature=0.5, top_p=0.5) == ECHO
        assert len(alone.paths()) == 5


async def test_what_responses_have_not_is_refused_with_the_clients_parameter(alone: Translating) -> None:
    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as raised:
            await text_of(alone.sdk, CODEX, n=2)
        assert raised.value.param == "n"
        assert await text_of(alone.sdk, CODEX) == ECHO
    assert alone.paths() == [classic(CODEX), classic(CODEX), RESPONSES, RESPONSES]


async def test_an_error_of_azure_names_the_clients_parameter_and_has_its_status() -> None:
    names = ("error-400-content-filter-responses", "error-429-2026", "error-500", "refuses-tools", "stream-error-429")
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS=",".join(f"{name}=responses" for name in names)) as alone:
        with pytest.raises(openai.BadRequestError) as filtered:
            await text_of(alone.sdk, names[0])
        assert (filtered.value.code, filtered.value.param) == ("content_filter", "prompt")
        assert filtered.value.response.headers[TRANSLATED] == "responses"
        with pytest.raises(openai.RateLimitError):
            await text_of(alone.sdk, names[1])
        with pytest.raises(openai.InternalServerError):
            await text_of(alone.sdk, names[2])
        with pytest.raises(openai.BadRequestError) as refused:
            await text_of(alone.sdk, names[3], tools=[WEATHER])
        assert refused.value.param == "tools"
        with pytest.raises(openai.RateLimitError):
            await streamed(alone.sdk, names[4])
        assert set(alone.paths()) == {RESPONSES}


BROKEN = ("stream-cut", "stream-clean-cut", "stream-error-after-content", "gated-cut")
WHOLE = ("stream-comments", "stream-crlf", "stream-double-blank-lines", "stream-no-done", "stream-split")


async def test_a_stream_that_breaks_looks_broken_and_an_odd_one_is_whole() -> None:
    apis = ",".join(f"{name}=responses" for name in (*BROKEN, *WHOLE))
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS=apis) as alone:
        for name in WHOLE:
            assert await streamed(alone.sdk, name) == ECHO
        for name in BROKEN:
            for _ in range(3):
                alone.azure.gate.release()
            stream = await alone.sdk.chat.completions.create(model=name, messages=HELLO, stream=True)
            with pytest.raises(openai.APIError):
                [chunk async for chunk in stream]
        body = {"model": "stream-clean-cut", "messages": HELLO, "stream": True}
        raw = await alone.read_broken("/v1/chat/completions", body)
        assert b'"error":{' in raw.strip().split(b"\n\n")[-1]
        assert b'"finish_reason":"stop"' not in raw


async def test_a_late_error_comes_in_the_clients_stream() -> None:
    name = "gated-error"
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS=f"{name}=responses", STREAM_HEAD_TIMEOUT="0.2") as alone:
        body = {"model": name, "messages": HELLO, "stream": True}
        raw = await alone.read_broken("/v1/chat/completions", body, is_late=True)
        last = raw.strip().split(b"\n\n")[-1]
        assert b'"error":{' in last
        assert b"response.failed" not in last


def of_two(**members: object) -> tuple[dict[str, object], dict[str, object]]:
    """Return what the first and the second resource serve under the name of a model."""
    return {"models": {"m": CODEX}, **members}, {"models": {"m": "gpt-4o"}}


async def over_two(
    first: Simulator, second: Simulator, one: dict[str, object], other: dict[str, object], **settings: str
) -> AsyncIterator[App]:
    resources = (entry("first", first.url, **one), entry("second", second.url, **other))
    async with running_host(REPOSITORY, environ_of(resources, **settings)) as host:
        yield App(app=host, resources=(first, second))


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        (0, ["1", "1"]),  # of the same priority, the one that serves the chat itself
        (1, ["0", "0"]),  # else the first, with a translation
    ],
)
async def test_priority_goes_first_and_then_what_serves_the_call_itself(priority: int, expected: list[str]) -> None:
    one, other = of_two(deployment_apis={CODEX: "responses"})
    async with Simulator(deployments=DEPLOYED).serving() as first, Simulator().serving() as second:
        async for both in over_two(first, second, one, {**other, "priority": priority}):
            async with both.sdk() as sdk:
                found = []
                for _ in range(2):
                    raw = await sdk.chat.completions.with_raw_response.create(model="m", messages=HELLO)
                    found.append(told(raw.headers)[0])
                assert found == expected
                twice = await sdk.chat.completions.with_raw_response.create(model="m", messages=HELLO, n=2)
                assert len(twice.parse().choices) == 2
                assert told(twice.headers)[0] == "1"


async def test_a_translated_call_goes_to_the_next_resource_and_back_to_the_one_that_can_read_its_reasoning() -> None:
    async with (
        Simulator(deployments={**DEPLOYED, "a": CODEX}).serving() as first,
        Simulator(deployments={**DEPLOYED, "b": CODEX}).serving() as second,
    ):
        one: dict[str, object] = {"models": {"gpt-5": "a"}, "deployment_apis": {"a": "responses"}}
        other: dict[str, object] = {"models": {"gpt-5": "b"}, "deployment_apis": {"b": "responses"}, "priority": 1}
        async for both in over_two(first, second, one, other):
            async with both.sdk() as sdk:
                del first.deployments["a"]
                conversation = await called(sdk, "gpt-5", stream=False)
                first.deployments["a"] = CODEX
                assert [len(first.requests), len(second.requests)] == [1, 1]
                raw = await sdk.chat.completions.with_raw_response.create(model="gpt-5", messages=conversation)
                assert told(raw.headers)[0] == "1"
                assert b'"reasoning"' in second.requests[-1].body
                del second.deployments["b"]
                raw = await sdk.chat.completions.with_raw_response.create(model="gpt-5", messages=conversation)
                assert told(raw.headers)[0] == "0"
                assert b'"type":"reasoning"' not in first.requests[-1].body


async def test_on_v1_and_then_translated_takes_two_requests_more(alone: Translating) -> None:
    alone.azure.absent.add("deployments/chat/completions")
    with pytest.raises(openai.APIStatusError):
        await text_of(alone.sdk, "serves-nothing")
    assert alone.paths() == [classic("serves-nothing"), V1_CHAT, RESPONSES]


async def test_what_one_client_with_a_key_of_azure_has_found_out_the_next_one_knows() -> None:
    environ = {"CLIENT_AUTH": "azure-key"}
    async with Simulator(deployments=DEPLOYED, keys=["one", "two"]).serving() as azure:
        async with running_host(REPOSITORY, environ | {"AZURE_OPENAI_ENDPOINT": azure.url}) as host:
            for key in ("one", "two"):
                async with official(f"{host.url}/v1", key) as sdk:
                    assert await text_of(sdk, CODEX) == ECHO
        assert [request.raw_path for request in azure.requests] == [classic(CODEX), RESPONSES, RESPONSES]
