"""Clients that speak Responses, on deployments that offer chat completions alone, and on some of other makers."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import cast

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall, ResponseInputParam
from pydantic import BaseModel

from tests import documents
from tests.fakes.other_server import OtherServer
from tests.fakes.resource_manager import deployment
from tests.integration.conftest import CLIENT_KEY
from tests.integration.node import run_script
from tests.integration.several import App, entry, environ_of, run_app, told
from tests.integration.test_discovery import one_resource
from tests.integration.test_sdk import ECHO
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

CHATTY, PHI, DEEPSEEK, CODEX = "gpt-4", "Phi-4", "DeepSeek-V4-Pro", "gpt-5-codex"
INPUT = "hello world"
WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
KINDS = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    *("response.output_text.delta",) * 4,
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
)


@pytest_asyncio.fixture(loop_scope="session")
async def alone() -> AsyncIterator[Translating]:
    async with translating() as running:
        yield running


async def text_of(sdk: AsyncOpenAI, model: str, **rest: object) -> str:
    answer = await sdk.responses.create(**{"model": model, "input": INPUT, **rest})  # type: ignore[call-overload]
    return answer.output_text  # type: ignore[no-any-return]


async def streamed(sdk: AsyncOpenAI, model: str, **rest: object) -> str:
    stream = await sdk.responses.create(model=model, input=INPUT, stream=True, **rest)  # type: ignore[call-overload]
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def test_a_response_that_is_refused_is_translated_and_that_is_remembered(alone: Translating) -> None:
    raw = await alone.sdk.responses.with_raw_response.create(model=CHATTY, input=INPUT, store=True)
    response = raw.parse()
    assert (response.output_text, response.status, response.model) == (ECHO, "completed", CHATTY)
    assert raw.headers[TRANSLATED] == "chat"
    assert response.to_dict()["store"] is False
    assert "store" in raw.headers[REPAIRED]
    assert response.usage is not None
    assert response.usage.output_tokens == 4
    assert await text_of(alone.sdk, CHATTY) == ECHO
    assert await streamed(alone.sdk, CHATTY) == ECHO
    assert alone.paths() == [RESPONSES, classic(CHATTY), classic(CHATTY), classic(CHATTY)]
    line = await alone.line(raw.headers["x-request-id"])
    assert (line["operation"], line["translated"], line["output_tokens"]) == ("createResponse", "chat", 4)


async def test_the_events_are_all_those_of_a_response(alone: Translating) -> None:
    stream = await alone.sdk.responses.create(model=CHATTY, input=INPUT, stream=True, tools=[WEATHER])
    events = [event async for event in stream]
    assert tuple(event.type for event in events) == KINDS
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == ECHO
    assert events[-1].response.usage is not None
    assert events[-1].response.tools[0].to_dict()["name"] == "weather"


@documents.needed
async def test_answers_are_as_the_document_of_openai_says(alone: Translating) -> None:
    document = documents.load(documents.OPENAI)
    for tools in ([], [WEATHER]):
        answer = await alone.sdk.responses.create(
            model=CHATTY, input=INPUT, tools=tools, tool_choice="required" if tools else "auto"
        )
        assert document.faults_of_answer("POST", "/responses", 200, answer.to_dict()) == []


async def test_the_second_path_of_a_model_of_another_maker_takes_two_requests_more(alone: Translating) -> None:
    assert await text_of(alone.sdk, PHI) == ECHO
    assert await text_of(alone.sdk, PHI) == ECHO
    assert alone.paths() == [RESPONSES, classic(PHI), V1_CHAT, V1_CHAT]


@pytest.mark.parametrize("rest", [{"include": ["reasoning.encrypted_content"]}, {"reasoning": {"effort": "low"}}])
async def test_what_other_makers_do_not_take_is_asked_as_a_chat(alone: Translating, rest: Mapping[str, object]) -> None:
    assert await text_of(alone.sdk, DEEPSEEK) == ECHO
    raw = await alone.sdk.responses.with_raw_response.create(  # type: ignore[call-overload]
        model=DEEPSEEK, input=INPUT, **rest
    )
    assert raw.parse().output_text == ECHO
    assert raw.headers[TRANSLATED] == "chat"
    assert await text_of(alone.sdk, DEEPSEEK, **rest) == ECHO
    assert alone.paths() == [RESPONSES, RESPONSES, classic(DEEPSEEK), V1_CHAT, V1_CHAT]


async def test_where_both_refuse_the_client_reads_the_first_refusal(alone: Translating) -> None:
    for _ in range(2):
        with pytest.raises(openai.BadRequestError, match="The responses operation does not work") as raised:
            await text_of(alone.sdk, "serves-nothing")
        assert TRANSLATED not in raised.value.response.headers
    assert alone.paths() == 2 * [RESPONSES, classic("serves-nothing")]


async def test_what_azure_lists_for_chat_alone_is_translated_at_once() -> None:
    item = deployment("team-chat", model="gpt-4", capabilities={"chatCompletion": "true"})
    async with one_resource(item, deployed={"team-chat": "gpt-4"}) as (talk, azure, _):
        await talk.until_listed("team-chat")
        assert await text_of(talk.sdk, "team-chat") == ECHO
        assert [request.raw_path for request in azure.requests] == [classic("team-chat")]


async def test_structured_output_and_the_helper_of_the_sdk_work(alone: Translating) -> None:
    class ChatMessage(BaseModel):
        said: str

    parsed = await alone.sdk.responses.parse(model=CHATTY, input=INPUT, text_format=ChatMessage)
    assert parsed.output_parsed == ChatMessage(said=INPUT)
    async with alone.sdk.responses.stream(model=CHATTY, input=INPUT) as helper:
        assert (await helper.get_final_response()).output_text == ECHO


async def called(sdk: AsyncOpenAI, model: str, *, stream: bool, **rest: object) -> ResponseInputParam:
    """Return a conversation that waits for the answer to a tool's output."""
    asked = {"model": model, "input": INPUT, "tools": [WEATHER], "tool_choice": "required", **rest}
    if stream:
        events = [event async for event in await sdk.responses.create(stream=True, **asked)]  # type: ignore[call-overload]
        response = events[-1].response
    else:
        response = await sdk.responses.create(**asked)  # type: ignore[call-overload]
    call = response.output[-1]
    assert isinstance(call, ResponseFunctionToolCall)
    assert "city" in json.loads(call.arguments)
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    history = [{"role": "user", "content": INPUT}, *(item.to_dict() for item in response.output), output]
    return cast("ResponseInputParam", history)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("rest", [{}, {"include": ["reasoning.encrypted_content"]}])
async def test_what_a_model_has_thought_goes_back_with_its_call(rest: dict[str, object], *, stream: bool) -> None:
    async with translating(DEPLOYED, AZURE_OPENAI_DEPLOYMENT_APIS=f"{DEEPSEEK}=chat") as chatty:
        conversation = await called(chatty.sdk, DEEPSEEK, stream=stream, **rest)
        assert conversation[1]["type"] == "reasoning"
        assert await text_of(chatty.sdk, DEEPSEEK, input=conversation, tools=[WEATHER]) == ECHO
        messages = cast("list[dict[str, object]]", chatty.body()["messages"])
        assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
        assert messages[1]["reasoning_content"] == "Thinking about it"


async def test_a_conversation_goes_from_one_kind_of_model_to_the_other_and_back(alone: Translating) -> None:
    include = ["reasoning.encrypted_content"]
    native = await called(alone.sdk, CODEX, stream=False, include=include, store=False)
    assert await text_of(alone.sdk, CHATTY, input=native, tools=[WEATHER], include=include) == ECHO
    translated = await called(alone.sdk, CHATTY, stream=True, include=include)
    history = [*native, *translated]
    assert await text_of(alone.sdk, CODEX, input=history, tools=[WEATHER], include=include, store=False) == ECHO
    assert alone.paths()[-1] == RESPONSES
    assert alone.input_types().count("reasoning") == 1
    assert b"notstored" not in alone.azure.requests[-1].body


async def test_a_translated_response_is_stored_nowhere_and_says_so(alone: Translating) -> None:
    response = await alone.sdk.responses.create(model=CHATTY, input=INPUT)
    before = len(alone.azure.requests)
    for model in (CHATTY, "gpt-4o"):
        with pytest.raises(openai.BadRequestError, match="whole conversation") as raised:
            await text_of(alone.sdk, model, previous_response_id=response.id)
        assert raised.value.param == "previous_response_id"
        reference = [{"type": "item_reference", "id": response.output[0].to_dict()["id"]}]
        with pytest.raises(openai.BadRequestError, match="stored nowhere"):
            await text_of(alone.sdk, model, input=reference)
    for call in (alone.sdk.responses.retrieve, alone.sdk.responses.cancel, alone.sdk.responses.delete):
        with pytest.raises(openai.NotFoundError, match="stored nowhere"):
            await call(response.id)
    with pytest.raises(openai.NotFoundError, match="stored nowhere"):
        await alone.sdk.responses.input_items.list(response.id)
    assert len(alone.azure.requests) == before


async def test_what_a_chat_has_not_is_refused_with_the_parameter_unless_another_deployment_has_it() -> None:
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS=f"{CHATTY}=chat") as alone:
        for name, value in (("conversation", "conv_1"), ("background", True), ("prompt", {"id": "pmpt_1"})):
            with pytest.raises(openai.BadRequestError) as raised:
                await text_of(alone.sdk, CHATTY, **{name: value})
            assert raised.value.param == name
        async with aiohttp.ClientSession(alone.app.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as http:
            for path in ("compact", "input_tokens"):
                async with http.post(f"/v1/responses/{path}", json={"model": CHATTY, "input": INPUT}) as answer:
                    assert answer.status == 400
                    assert "needs a deployment that serves the Responses API" in await answer.text()
        assert alone.paths() == []
    one = {"models": {"m": CHATTY}, "deployment_apis": {CHATTY: "chat"}}
    other = {"models": {"m": "gpt-4o"}, "priority": 1}
    async with Simulator(deployments=DEPLOYED).serving() as first, Simulator().serving() as second:
        async for both in over_two(first, second, one, other):
            async with both.sdk() as sdk:
                plain = await sdk.responses.with_raw_response.create(model="m", input=INPUT)
                assert told(plain.headers) == ("0", "1")
                kept = await sdk.responses.with_raw_response.create(model="m", input=INPUT, background=True)
                assert told(kept.headers)[0] == "1"


async def over_two(
    first: Simulator, second: Simulator, one: Mapping[str, object], other: Mapping[str, object]
) -> AsyncIterator[App]:
    resources = (entry("first", first.url, **one), entry("second", second.url, **other))
    async with running_host(REPOSITORY, environ_of(resources)) as host:
        yield App(app=host, resources=(first, second))


async def test_sealed_reasoning_of_one_resource_does_not_keep_a_conversation_from_a_chat_model_of_another() -> None:
    one = {"models": {"gpt-5": CODEX}}
    other = {"models": {"old": CHATTY}, "deployment_apis": {CHATTY: "chat"}}
    async with Simulator(deployments=DEPLOYED).serving() as first, Simulator(deployments=DEPLOYED).serving() as second:
        async for both in over_two(first, second, one, other):
            async with both.sdk() as sdk:
                include = ["reasoning.encrypted_content"]
                conversation = await called(sdk, "gpt-5", stream=False, include=include, store=False)
                assert await text_of(sdk, "old", input=conversation, include=include) == ECHO
                assert await text_of(sdk, "gpt-5", input=conversation, include=include, store=False) == ECHO
                assert b'"reasoning"' in first.requests[-1].body


BROKEN = ("stream-cut", "stream-clean-cut", "stream-error-after-content")
WHOLE = ("stream-comments", "stream-crlf", "stream-double-blank-lines", "stream-split", "stream-async-filter")


async def test_a_stream_that_breaks_looks_broken_and_an_odd_one_is_whole() -> None:
    apis = ",".join(f"{name}=chat" for name in (*BROKEN, *WHOLE, "stream-error-429", "error-500"))
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS=apis) as alone:
        for name in WHOLE:
            assert await streamed(alone.sdk, name) == ECHO
        with pytest.raises(openai.RateLimitError):
            await streamed(alone.sdk, "stream-error-429")
        with pytest.raises(openai.InternalServerError):
            await text_of(alone.sdk, "error-500")
        for name in BROKEN:
            body = {"model": name, "input": INPUT, "stream": True}
            raw = await alone.read_broken("/v1/responses", body)
            error, failed = raw.strip().split(b"\n\n")[-2:]
            assert error.startswith(b"event: error")
            assert failed.startswith(b"event: response.failed")
            assert b"response.completed" not in raw


async def test_a_late_error_comes_in_the_clients_stream() -> None:
    name = "gated-error"
    async with translating(AZURE_OPENAI_DEPLOYMENT_APIS=f"{name}=chat", STREAM_HEAD_TIMEOUT="0.2") as alone:
        body = {"model": name, "input": INPUT, "stream": True}
        raw = await alone.read_broken("/v1/responses", body, is_late=True)
        assert b"event: error" in raw
        assert b"event: response.failed" in raw


async def test_the_official_node_sdk_speaks_both_to_deployments_of_the_other(alone: Translating) -> None:
    environ = {"URL": alone.app.url, "KEY": CLIENT_KEY, "RESPONSES_ALONE": CODEX, "CHAT_ALONE": CHATTY}
    came = await run_script("translated.js", environ)
    refused = {name: came.pop(name) for name in ("chat that is not possible", "response that goes on")}
    gone = came.pop("response retrieved")
    assert came == {
        "chat": ECHO,
        "chat streamed": ECHO,
        "chat by the stream helper": ECHO,
        "usage of a chat": [True, 64],
        "chat that stops": "You said: hello",
        "chat as JSON": {"said": INPUT},
        "chat that calls tools": 1,
        "response": ECHO,
        "response streamed": [ECHO, "response.completed", False],
        "response by the stream helper": ECHO,
        "response as JSON": {"said": INPUT},
        "response that calls a tool": ECHO,
    }
    found = [cast("dict[str, object]", one) for one in (*refused.values(), gone)]
    assert [(one["class"], one["status"], one["param"]) for one in found] == [
        ("BadRequestError", 400, "n"),
        ("BadRequestError", 400, "previous_response_id"),
        ("NotFoundError", 404, "response_id"),
    ]


async def test_a_server_of_its_own_without_responses_is_asked_as_a_chat() -> None:
    async with (
        OtherServer("vllm") as server,
        run_app([{"name": "own", "kind": "openai", "endpoint": server.url, "models": {"m": "llama3.2"}}]) as app,
        app.sdk() as sdk,
    ):
        raw = await sdk.responses.with_raw_response.create(model="m", input=INPUT)
        assert raw.headers[TRANSLATED] == "chat"
        assert raw.parse().output_text == "hello"
