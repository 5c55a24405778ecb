"""The calls of assistants, threads and runs."""

import pytest
from openai import AsyncOpenAI
from openai.types.beta import FunctionToolParam

from tests.integration.test_operations import Call

pytestmark = pytest.mark.filterwarnings("ignore:(The .* API is )?deprecated:DeprecationWarning")

TOOL: FunctionToolParam = {
    "type": "function",
    "function": {"name": "look_up", "description": "Look it up.", "parameters": {"type": "object"}},
}

CALLS = (
    Call(
        "createAssistant",
        lambda sdk, _: sdk.beta.assistants.create(model="chat", instructions="Be brief.", tools=[TOOL]),
        "assistant",
    ),
    Call("listAssistants", lambda sdk, _: sdk.beta.assistants.list(limit=1)),
    Call("getAssistant", lambda sdk, ids: sdk.beta.assistants.retrieve(ids["assistant"])),
    Call("modifyAssistant", lambda sdk, ids: sdk.beta.assistants.update(ids["assistant"], model="chat", name="helper")),
    Call("createThread", lambda sdk, _: sdk.beta.threads.create(), "thread"),
    Call("getThread", lambda sdk, ids: sdk.beta.threads.retrieve(ids["thread"])),
    Call("modifyThread", lambda sdk, ids: sdk.beta.threads.update(ids["thread"], metadata={"topic": "a"})),
    Call(
        "createMessage",
        lambda sdk, ids: sdk.beta.threads.messages.create(ids["thread"], role="user", content="hello world"),
        "message",
    ),
    Call("listMessages", lambda sdk, ids: sdk.beta.threads.messages.list(ids["thread"], limit=1)),
    Call("getMessage", lambda sdk, ids: sdk.beta.threads.messages.retrieve(ids["message"], thread_id=ids["thread"])),
    Call(
        "modifyMessage",
        lambda sdk, ids: sdk.beta.threads.messages.update(
            ids["message"], thread_id=ids["thread"], metadata={"read": "yes"}
        ),
    ),
    Call(
        "createRun",
        lambda sdk, ids: sdk.beta.threads.runs.create(
            ids["thread"], assistant_id=ids["assistant"], model="chat", tool_choice="required"
        ),
        "run",
    ),
    Call("getRun", lambda sdk, ids: sdk.beta.threads.runs.retrieve(ids["run"], thread_id=ids["thread"])),
    Call("getRun", lambda sdk, ids: sdk.beta.threads.runs.retrieve(ids["run"], thread_id=ids["thread"])),
    Call(
        "modifyRun",
        lambda sdk, ids: sdk.beta.threads.runs.update(ids["run"], thread_id=ids["thread"], metadata={"topic": "b"}),
    ),
    Call(
        "submitToolOuputsToRun",
        lambda sdk, ids: sdk.beta.threads.runs.submit_tool_outputs(
            ids["run"], thread_id=ids["thread"], stream=True, tool_outputs=[{"tool_call_id": "call_1", "output": "42"}]
        ),
    ),
    Call(
        "submitToolOuputsToRun",
        lambda sdk, ids: sdk.beta.threads.runs.submit_tool_outputs(
            ids["run"], thread_id=ids["thread"], tool_outputs=[{"tool_call_id": "call_1", "output": "42"}]
        ),
    ),
    Call("listRuns", lambda sdk, ids: sdk.beta.threads.runs.list(ids["thread"], limit=1)),
    Call(
        "listRunSteps", lambda sdk, ids: sdk.beta.threads.runs.steps.list(ids["run"], thread_id=ids["thread"]), "item"
    ),
    Call(
        "getRunStep",
        lambda sdk, ids: sdk.beta.threads.runs.steps.retrieve(ids["item"], thread_id=ids["thread"], run_id=ids["run"]),
    ),
    Call(
        "createRun",
        lambda sdk, ids: sdk.beta.threads.runs.create(ids["thread"], assistant_id=ids["assistant"], stream=True),
    ),
    Call(
        "createThreadAndRun",
        lambda sdk, ids: sdk.beta.threads.create_and_run(assistant_id=ids["assistant"], model="chat", stream=True),
    ),
    Call(
        "createThreadAndRun",
        lambda sdk, ids: sdk.beta.threads.create_and_run(
            assistant_id=ids["assistant"], thread={"messages": [{"role": "user", "content": "hello"}]}
        ),
        "other run",
    ),
    Call(
        "createRun", lambda sdk, ids: sdk.beta.threads.runs.create(ids["thread"], assistant_id=ids["assistant"]), "run"
    ),
    Call("cancelRun", lambda sdk, ids: sdk.beta.threads.runs.cancel(ids["run"], thread_id=ids["thread"])),
    Call("deleteMessage", lambda sdk, ids: sdk.beta.threads.messages.delete(ids["message"], thread_id=ids["thread"])),
    Call("deleteThread", lambda sdk, ids: sdk.beta.threads.delete(ids["thread"])),
    Call("deleteAssistant", lambda sdk, ids: sdk.beta.assistants.delete(ids["assistant"])),
)


async def test_an_assistant_answers_and_its_answer_streams(client: AsyncOpenAI) -> None:
    assistant = await client.beta.assistants.create(model="chat")
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "hello world"}])
    async with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        text = "".join([part async for part in stream.text_deltas])
        run = await stream.get_final_run()
    assert (text, run.status) == ("You said: hello world", "completed")
    messages = [message async for message in client.beta.threads.messages.list(thread.id, order="asc")]
    assert [message.role for message in messages] == ["user", "assistant"]
