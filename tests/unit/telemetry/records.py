"""Sendings for the tests of spans and measurements."""

from dataclasses import replace
from typing import Any

from proxy.values import SendingRecord, Usage

AZURE = "azure.ai.openai"
USAGE = Usage(input_tokens=10, output_tokens=20)
WHOLE = SendingRecord(
    client="alice",
    operation="createChatCompletion",
    model="gpt-4o",
    resource=1,
    deployment="my-4o",
    attempt=1,
    status=200,
    outcome="completed",
    started=1000.0,
    first_byte=0.5,
    duration=2.0,
    sent=100,
    received=200,
    usage=USAGE,
)


def sending(**changed: Any) -> SendingRecord:
    """Return the sending of a whole chat with some members changed."""
    return replace(WHOLE, **changed)
