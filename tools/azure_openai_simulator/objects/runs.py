"""Runs of assistants on threads: queued, in progress, perhaps waiting for the outputs of tools, completed."""

from collections.abc import Mapping
from dataclasses import replace

from tools.azure_openai_simulator.answers import Answer, Ask, Stream, document
from tools.azure_openai_simulator.crud import Kind, action, add, advance, one, rows, status
from tools.azure_openai_simulator.echo import echo, tokens_of
from tools.azure_openai_simulator.objects.assistants import (
    ASSISTANT,
    MESSAGES,
    SINCE,
    THREAD,
    make_message,
    make_thread,
    spoken,
    text_part,
)
from tools.azure_openai_simulator.objects.run_stream import events
from tools.azure_openai_simulator.rows import Row, Surface, optional_model
from tools.azure_openai_simulator.state import Record

RUNS = "threads/{thread_id}/runs"


def _make(ask: Ask) -> Record:
    asked = ask.members()
    assistant = ask.state.find(ASSISTANT.path, str(asked.get("assistant_id")), "assistant")
    messages = asked.get("additional_messages")
    for message in messages if isinstance(messages, list) else []:
        ask.state.add(ask.place(MESSAGES), make_message(ask, ask.ids["thread_id"], message))
    return {
        "object": "thread.run",
        "assistant_id": assistant["id"],
        "thread_id": ask.ids["thread_id"],
        "status": "queued",
        "started_at": None,
        "expires_at": ask.created + 600,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "required_action": None,
        "last_error": None,
        "incomplete_details": None,
        "model": ask.deployment or assistant["model"],
        "instructions": asked.get("instructions") or assistant["instructions"] or "",
        "tools": asked.get("tools") or assistant["tools"],
        "metadata": asked.get("metadata") or {},
        "temperature": 1.0,
        "top_p": 1.0,
        "max_completion_tokens": asked.get("max_completion_tokens"),
        "max_prompt_tokens": asked.get("max_prompt_tokens"),
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "response_format": asked.get("response_format") or "auto",
        "tool_choice": asked.get("tool_choice") or "auto",
        "parallel_tool_calls": True,
        "usage": None,
    }


def _create(ask: Ask) -> Answer:
    one(ask, THREAD)
    run = add(ask, RUN, _make(ask))
    return _stream(ask, run) if ask.members().get("stream") else document(run)


def _create_both(ask: Ask) -> Answer:
    asked = ask.members()
    given = asked.get("thread")
    thread = ask.state.add(THREAD.path, make_thread(ask, given if isinstance(given, Mapping) else {}))
    return _create(replace(ask, ids={"thread_id": str(thread["id"])}))


def _stream(ask: Ask, run: Record) -> Answer:
    """Take a run to its end and tell how it went."""
    before = dict(run)
    while run["status"] in RUN.course:
        advance(ask, RUN, run)
    steps = list(ask.state.collection(f"{ask.place(RUNS)}/{run['id']}/steps").values())
    messages = [message for message in _messages(ask) if message["run_id"] == run["id"]]
    return Stream(events(before, run, steps, messages), done=False, deployment=str(run["model"]))


def _messages(ask: Ask) -> list[Record]:
    return list(ask.state.collection(ask.place(MESSAGES)).values())


def _arrive(ask: Ask, run: Record) -> None:
    if run["status"] == "cancelled":
        run["cancelled_at"] = ask.created
        return
    if run["status"] == "in_progress":
        run["started_at"] = ask.created
        functions = _functions(run)
        if functions and run["tool_choice"] == "required" and "tool_outputs" not in run:
            run |= {"status": "requires_action", "required_action": _required(ask, functions[0])}
        return
    prompts = [spoken(message) for message in _messages(ask) if message["role"] == "user"]
    _reply(ask, run, echo(prompts[-1] if prompts else ""))


def _functions(run: Record) -> list[object]:
    tools = run["tools"]
    listed = [tool for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else []
    return [tool["function"] for tool in listed if tool.get("type") == "function"]


def _required(ask: Ask, function: object) -> Record:
    name = function.get("name") if isinstance(function, Mapping) else ""
    call = {"id": ask.state.new_id("call_"), "type": "function", "function": {"name": name, "arguments": "{}"}}
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [call]}}


def _reply(ask: Ask, run: Record, text: str) -> None:
    """Add the message of the assistant and the step that made it."""
    thread, count = str(run["thread_id"]), len(tokens_of(text))
    message = make_message(ask, thread, {"role": "assistant"})
    message |= {"assistant_id": run["assistant_id"], "run_id": run["id"], "content": [text_part(text)]}
    ask.state.add(ask.place(MESSAGES), message)
    usage = {"prompt_tokens": count, "completion_tokens": count, "total_tokens": 2 * count}
    run |= {"completed_at": ask.created, "usage": usage}
    step: Record = {
        "id": ask.state.new_id("step_"),
        "object": "thread.run.step",
        "created_at": ask.created,
        "assistant_id": run["assistant_id"],
        "thread_id": thread,
        "run_id": run["id"],
        "type": "message_creation",
        "status": "completed",
        "step_details": {"type": "message_creation", "message_creation": {"message_id": message["id"]}},
        "last_error": None,
        "expired_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": ask.created,
        "metadata": {},
        "usage": usage,
    }
    ask.state.add(f"{ask.place(RUNS)}/{run['id']}/steps", step)


def _submit(ask: Ask) -> Answer:
    run, asked = one(ask, RUN), ask.members()
    if run["status"] == "requires_action":
        run |= {"status": "queued", "required_action": None, "tool_outputs": asked.get("tool_outputs")}
    return _stream(ask, run) if asked.get("stream") else document(run)


def _none(_ask: Ask) -> Record:
    return {}


RUN = Kind(
    path=RUNS,
    key="run_id",
    prefix="run_",
    make=_make,
    verbs=("list", "retrieve", "update"),
    surfaces=Surface.CLASSIC,
    since=SINCE,
    course={"queued": "in_progress", "in_progress": "completed", "cancelling": "cancelled"},
    arrive=_arrive,
)
STEP = Kind(
    path=f"{RUN.item}/steps",
    key="step_id",
    prefix="step_",
    make=_none,
    verbs=("list", "retrieve"),
    surfaces=Surface.CLASSIC,
    since=SINCE,
)


ROWS: tuple[Row, ...] = (
    Row(
        method="POST",
        path=RUN.path,
        operation=_create,
        surfaces=Surface.CLASSIC,
        since=SINCE,
        names=optional_model,
    ),
    Row(
        method="POST",
        path="threads/runs",
        operation=_create_both,
        surfaces=Surface.CLASSIC,
        since=SINCE,
        names=optional_model,
    ),
    *rows(RUN),
    action(RUN, "cancel", status("cancelling", "queued", "in_progress", "requires_action")),
    Row(
        method="POST",
        path=f"{RUN.item}/submit_tool_outputs",
        operation=_submit,
        surfaces=Surface.CLASSIC,
        since=SINCE,
    ),
    *rows(STEP),
)
