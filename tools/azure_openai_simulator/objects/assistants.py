"""Assistants, threads and their messages."""

from collections.abc import Mapping

from tools.azure_openai_simulator.answers import Ask
from tools.azure_openai_simulator.crud import Kind, rows
from tools.azure_openai_simulator.rows import Row, Surface, optional_model
from tools.azure_openai_simulator.state import Record

SINCE = "2024-02-15-preview"
MESSAGES = "threads/{thread_id}/messages"


def _make_assistant(ask: Ask) -> Record:
    asked = ask.members()
    return {
        "object": "assistant",
        "name": asked.get("name"),
        "description": asked.get("description"),
        "model": ask.deployment,
        "instructions": asked.get("instructions"),
        "tools": asked.get("tools") or [],
        "tool_resources": asked.get("tool_resources") or {},
        "metadata": asked.get("metadata") or {},
        "top_p": asked.get("top_p", 1.0),
        "temperature": asked.get("temperature", 1.0),
        "response_format": asked.get("response_format") or "auto",
    }


def make_thread(ask: Ask, asked: Mapping[str, object]) -> Record:
    """Return a thread, and keep the messages it begins with."""
    identity = ask.state.new_id("thread_")
    messages = asked.get("messages")
    for given in messages if isinstance(messages, list) else []:
        message = make_message(ask, identity, given)
        ask.state.add(f"threads/{identity}/messages", message)
    return {
        "id": identity,
        "object": "thread",
        "created_at": ask.created,
        "metadata": asked.get("metadata") or {},
        "tool_resources": asked.get("tool_resources") or {},
    }


def make_message(ask: Ask, thread: str, asked: Mapping[str, object]) -> Record:
    """Return a message of a thread."""
    content = asked.get("content")
    return {
        "id": ask.state.new_id("msg_"),
        "object": "thread.message",
        "created_at": ask.created,
        "thread_id": thread,
        "status": "completed",
        "incomplete_details": None,
        "completed_at": ask.created,
        "incomplete_at": None,
        "role": asked.get("role") or "user",
        "content": [_part(part) for part in content] if isinstance(content, list) else [text_part(str(content))],
        "assistant_id": None,
        "run_id": None,
        "attachments": asked.get("attachments") or [],
        "metadata": asked.get("metadata") or {},
    }


def text_part(text: str) -> Record:
    """Return a part of text."""
    return {"type": "text", "text": {"value": text, "annotations": []}}


def spoken(message: Record) -> str:
    """Return the text of a message."""
    content = message["content"]
    texts = [part.get("text") for part in content] if isinstance(content, list) else []
    return " ".join(str(text["value"]) for text in texts if isinstance(text, Mapping))


def _part(part: Mapping[str, object]) -> Record:
    return text_part(str(part.get("text", ""))) if part.get("type") == "text" else dict(part)


ASSISTANT = Kind(
    path="assistants",
    key="assistant_id",
    prefix="asst_",
    make=_make_assistant,
    surfaces=Surface.CLASSIC,
    since=SINCE,
    names=optional_model,
    changes=("name", "description", "model", "instructions", "tools", "tool_resources", "metadata", "temperature"),
    deleted="assistant.deleted",
)
THREAD = Kind(
    path="threads",
    key="thread_id",
    prefix="thread_",
    make=lambda ask: make_thread(ask, ask.members()),
    verbs=("create", "retrieve", "update", "delete"),
    surfaces=Surface.CLASSIC,
    since=SINCE,
    changes=("metadata", "tool_resources"),
    deleted="thread.deleted",
)
MESSAGE = Kind(
    path=MESSAGES,
    key="message_id",
    prefix="msg_",
    make=lambda ask: make_message(ask, ask.ids["thread_id"], ask.members()),
    surfaces=Surface.CLASSIC,
    since=SINCE,
    deleted="thread.message.deleted",
)

ROWS: tuple[Row, ...] = (*rows(ASSISTANT), *rows(THREAD), *rows(MESSAGE))
