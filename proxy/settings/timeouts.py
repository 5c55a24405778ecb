"""How long things may take, and the walls that the platform puts up.

It cuts a response that has sent nothing for 230 s, and kills the whole worker when a function passes functionTimeout
before it returned: our own limits end first.
https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
"""

import math
from dataclasses import dataclass
from functools import partial

from proxy.settings import parse
from proxy.settings.reader import Reader, SettingError

PLATFORM_SILENCE = 230.0
FUNCTION_TIMEOUT_MARGIN = 10.0
UNBOUNDED_TOTAL = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long Azure OpenAI may take, in seconds.

    `connect` is for a new connection, `pool` the wait for a free one; `first_byte` is the wait for the headers of an
    answer, for an answer that is not streamed the wait for all of it; `idle` is the silence within an answer after its
    first content, `reasoning_idle` that of reasoning models; `total` bounds a whole request, upload and stream
    included. A stream that has said nothing for `head` seconds gets its head all the same, and after each
    `keep_alive` seconds of silence a comment.
    """

    connect: float
    first_byte: float
    idle: float
    total: float
    pool: float = 2.0
    reasoning_idle: float = 180.0
    head: float = 30.0
    keep_alive: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wall:
    """What a limit must not be above, in seconds, and why."""

    seconds: float
    reason: str


_SILENCE = _Wall(seconds=PLATFORM_SILENCE, reason="the platform ends what is silent for longer")


def read_timeouts(read: Reader, function_timeout: float | None) -> Timeouts:
    """Read the limits; `function_timeout` is the platform's in seconds, None for none.

    A default gives way to a wall; a variable above its wall raises `SettingError`.
    """
    function = _function_wall(function_timeout)
    whole = UNBOUNDED_TOTAL if function_timeout is None else function.seconds
    silence = min(_SILENCE, function, key=lambda wall: wall.seconds)
    limit = partial(_limit, read, silence)
    idle = limit("UPSTREAM_IDLE_TIMEOUT", 60.0)
    return Timeouts(
        connect=limit("UPSTREAM_CONNECT_TIMEOUT", 3.0),
        pool=limit("UPSTREAM_POOL_TIMEOUT", 2.0),
        first_byte=limit("UPSTREAM_FIRST_BYTE_TIMEOUT", 215.0),
        idle=idle,
        # A model that thinks between its words is silent at least as long as one that does not.
        reasoning_idle=max(idle, limit("UPSTREAM_REASONING_IDLE_TIMEOUT", 180.0)),
        total=_limit(read, function, "UPSTREAM_TOTAL_TIMEOUT", whole),
        head=limit("STREAM_HEAD_TIMEOUT", 30.0),
        keep_alive=limit("STREAM_KEEP_ALIVE_INTERVAL", 15.0),
    )


def _function_wall(function_timeout: float | None) -> _Wall:
    seconds = math.inf if function_timeout is None else function_timeout - FUNCTION_TIMEOUT_MARGIN
    if seconds <= 0:
        raise SettingError("functionTimeout", f"must be longer than {FUNCTION_TIMEOUT_MARGIN:g} seconds")
    return _Wall(seconds=seconds, reason=f"functionTimeout less a margin of {FUNCTION_TIMEOUT_MARGIN:g} seconds")


def _limit(read: Reader, wall: _Wall, name: str, default: float) -> float:
    seconds = read(name, parse.seconds, min(default, wall.seconds))
    if seconds > wall.seconds:
        raise SettingError(name, f"must not be above {wall.seconds:g} seconds: {wall.reason}")
    return seconds
