"""What a client has read, and what it must take it for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tests.faults.operations import RESPONSES, Operation

# Behind the data of an error: no reader connects again by itself.
RETRY = b"\nretry: 2147483647\n\n"
_LAST = frozenset({"response.completed", "response.incomplete"})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One answer as the client got it; `aborted` tells that the connection broke instead of ending."""

    operation: Operation
    status: int
    headers: Mapping[str, str]
    body: bytes
    aborted: bool = False

    @property
    def is_complete(self) -> bool:
        """Tell whether the client takes it for a whole answer, and is right."""
        return self.status == 200 and not self.aborted and self.ending == "complete"

    @property
    def failed(self) -> bool:
        """Tell whether it ends with Azure's own word for a response that failed, which is a proper end."""
        return not self.aborted and self._error is not None and self._last.get("type") == "response.failed"

    @property
    def is_broken(self) -> bool:
        """Tell whether it is a stream that tells of an error and then breaks off, so that nobody asks again."""
        return self.aborted and self.ending.startswith("error event") and self.body.count(RETRY) == 1

    @property
    def waits(self) -> bool:
        """Tell whether it says when to come back, in seconds and in milliseconds that agree."""
        seconds, milliseconds = self.headers.get("retry-after"), self.headers.get("retry-after-ms")
        if seconds is None:
            return False
        if not seconds.replace(".", "", 1).isdigit():
            return milliseconds is None  # a date
        return milliseconds is not None and float(milliseconds) <= float(seconds) * 1000

    @property
    def kept_alive(self) -> bool:
        """Tell whether the head came before there was anything to say."""
        return self.body.startswith(b"\n\n")

    @property
    def said(self) -> str:
        """Return in a few words what came."""
        if self.aborted and not self.is_broken:
            return "broken connection"
        return self.ending if self.status == 200 else str(self.status)

    @cached_property
    def code(self) -> str | None:
        """Return the code of the error, as the answer or as the last event."""
        error = self._error
        code = None if error is None else error.get("code")
        return code if isinstance(code, str) else None

    @cached_property
    def ending(self) -> str:
        """Return what the body is: complete, an error, or something that only looks like an end."""
        if self.status != 200:
            return "error" if self._error is not None else "an error in no words of OpenAI's"
        if not self.operation.streams:
            return "complete" if isinstance(_decoded(self.body), dict) else "what is no JSON"
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            return "no stream"
        if self._error is not None:
            return "`response.failed`" if self.failed else f"error event `{self.code}`"
        return "complete" if self._ends_well else "an end that is none"

    @property
    def _is_response(self) -> bool:
        return self.operation.name == RESPONSES.name

    @cached_property
    def _events(self) -> list[bytes]:
        """Return the data of each event; one that the stream ends in does not count."""
        blocks = filter(None, self.body.split(b"\n\n")[:-1])
        return [block.partition(b"data: ")[2].partition(b"\n")[0] for block in blocks]

    @property
    def _last(self) -> Mapping[str, object]:
        last = _decoded(self._events[-1]) if self._events else None
        return last if isinstance(last, dict) else {}

    @property
    def _ends_well(self) -> bool:
        events = self._events
        if self._is_response:
            return self._last.get("type") in _LAST
        return events.count(b"[DONE]") == 1 and events[-1] == b"[DONE]" and b'"finish_reason":"' in self.body

    @cached_property
    def _error(self) -> Mapping[str, object] | None:
        """Return the error with all that OpenAI's have, None where there is none."""
        if self.status != 200:
            return _with_four_keys(_decoded(self.body), "error")
        if not self.operation.streams:
            return None
        if not self._is_response:
            return _with_four_keys(self._last, "error")
        response = self._last.get("response")
        if self._last.get("type") != "response.failed" or not isinstance(response, dict):
            return None
        told = _decoded(self._events[-2]) if len(self._events) > 1 else None
        if isinstance(told, dict) and told.get("type") == "error":
            return _with_four_keys(told, "error")
        failed: Mapping[str, object] = response["error"]
        return failed


def _with_four_keys(document: object, name: str) -> Mapping[str, object] | None:
    error = document.get(name) if isinstance(document, dict) else None
    if not isinstance(error, dict) or not {"message", "type", "param", "code"} <= error.keys():
        return None
    return error


def _decoded(raw: bytes) -> object:
    try:
        decoded: object = json.loads(raw)
    except ValueError:
        return None
    return decoded
