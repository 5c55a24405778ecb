import openai
import pytest
from openai import AsyncAzureOpenAI
from openai.types.beta import Assistant, AssistantStreamEvent, FunctionToolParam

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WEATHER: FunctionToolParam = {"type": "function", "function": {"name": "weather"}}


async def assistant_of(client: AsyncAzureOpenAI) -> Assistant:
    return await client.beta.assistants.create(model="gpt-4o", name="helper", tools=[WEATHER])


async def thread_of(client: AsyncAzureOpenAI) -> str:
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "hello there"}])
    assert thread.id.startswith("thread_")
    return thread.id


async def test_an_assistant_is_created_listed_retrieved_updated_and_deleted(strict_azure: AsyncAzureOpenAI) -> None:
    assistants = strict_azure.beta.assistants
    made = await assistant_of(strict_azure)
    assert (made.id.startswith("asst_"), made.model) == (True, "gpt-4o")
    assert [listed.id async for listed in assistants.list()] == [made.id]
    assert (await assistants.update(made.id, instructions="Be brief.")).instructions == "Be brief."
    assert (await assistants.retrieve(made.id)).instructions == "Be brief."
    assert (await assistants.delete(made.id)).deleted
    with pytest.raises(openai.NotFoundError, match="No assistant found"):
        await assistants.retrieve(made.id)
    with pytest.raises(openai.NotFoundError, match="API deployment"):
        await assistants.create(model="nothing")
    with pytest.raises(openai.RateLimitError):
        await assistants.create(model="error-429-old")


async def test_a_thread_and_its_messages_are_created_retrieved_updated_and_deleted(
    strict_azure: AsyncAzureOpenAI,
) -> None:
    threads = strict_azure.beta.threads
    thread = await thread_of(strict_azure)
    assert (await threads.update(thread, metadata={"a": "b"})).metadata == {"a": "b"}
    assert (await threads.retrieve(thread)).metadata == {"a": "b"}
    message = await threads.messages.create(thread, role="user", content=[{"type": "text", "text": "again"}])
    assert message.content[0].type == "text"
    assert message.content[0].text.value == "again"
    assert (await threads.messages.update(message.id, thread_id=thread, metadata={"c": "d"})).metadata == {"c": "d"}
    assert (await threads.messages.retrieve(message.id, thread_id=thread)).id == message.id
    assert len([listed async for listed in threads.messages.list(thread)]) == 2
    assert (await threads.messages.delete(message.id, thread_id=thread)).deleted
    assert (await threads.delete(thread)).deleted
    with pytest.raises(openai.NotFoundError, match="No thread found"):
        await threads.messages.create(thread, role="user", content="hello")


async def test_a_run_completes_with_a_message_and_a_step(strict_azure: AsyncAzureOpenAI) -> None:
    assistant, thread = await assistant_of(strict_azure), await thread_of(strict_azure)
    runs = strict_azure.beta.threads.runs
    run = await runs.create(thread, assistant_id=assistant.id)
    assert (run.status, run.model, run.id.startswith("run_")) == ("queued", "gpt-4o", True)
    assert (await runs.retrieve(run.id, thread_id=thread)).status == "in_progress"
    assert (await runs.retrieve(run.id, thread_id=thread)).status == "completed"
    assert (await runs.update(run.id, thread_id=thread, metadata={"a": "b"})).metadata == {"a": "b"}
    assert [listed.id async for listed in runs.list(thread)] == [run.id]
    [step] = [listed async for listed in runs.steps.list(run.id, thread_id=thread)]
    assert step.type == "message_creation"
    assert (await runs.steps.retrieve(step.id, thread_id=thread, run_id=run.id)).id == step.id
    newest = await anext(aiter(strict_azure.beta.threads.messages.list(thread)))
    assert newest.content[0].type == "text"
    assert (newest.run_id, newest.content[0].text.value) == (run.id, "You said: hello there")


async def test_a_run_waits_for_the_outputs_of_its_tools(strict_azure: AsyncAzureOpenAI) -> None:
    assistant = await assistant_of(strict_azure)
    runs = strict_azure.beta.threads.runs
    run = await strict_azure.beta.threads.create_and_run(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": "hello"}]},
        tool_choice="required",
        model="gpt-4o-mini",
    )
    assert run.model == "gpt-4o-mini"
    waiting = await runs.retrieve(run.id, thread_id=run.thread_id)
    assert waiting.status == "requires_action"
    assert waiting.required_action is not None
    [call] = waiting.required_action.submit_tool_outputs.tool_calls
    assert call.function.name == "weather"
    outputs = await runs.submit_tool_outputs(
        run.id, thread_id=run.thread_id, tool_outputs=[{"tool_call_id": call.id, "output": "sunny"}]
    )
    assert outputs.status == "queued"
    await runs.retrieve(run.id, thread_id=run.thread_id)
    assert (await runs.retrieve(run.id, thread_id=run.thread_id)).status == "completed"


async def test_a_run_may_be_cancelled(strict_azure: AsyncAzureOpenAI) -> None:
    assistant, thread = await assistant_of(strict_azure), await thread_of(strict_azure)
    runs = strict_azure.beta.threads.runs
    run = await runs.create(thread, assistant_id=assistant.id, additional_messages=[{"role": "user", "content": "x"}])
    assert (await runs.cancel(run.id, thread_id=thread)).status == "cancelling"
    assert (await runs.retrieve(run.id, thread_id=thread)).status == "cancelled"


async def test_a_run_streams_its_events(strict_azure: AsyncAzureOpenAI) -> None:
    assistant, thread = await assistant_of(strict_azure), await thread_of(strict_azure)
    stream = await strict_azure.beta.threads.runs.create(thread, assistant_id=assistant.id, stream=True)
    events: list[AssistantStreamEvent] = [event async for event in stream]
    names = [event.event for event in events]
    assert names[:3] == ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    assert names[-3:] == ["thread.message.completed", "thread.run.step.completed", "thread.run.completed"]
    assert names.count("thread.message.delta") == 4
