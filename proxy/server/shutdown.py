"""The end of the process, when the platform asks for it."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

End = Callable[[], Awaitable[None]]

# What is closed last of all: the server, which may still have something to write.
_last: list[End] = []


def ends_with(end: End) -> None:
    """Let `end` be the last that is done before the process ends."""
    _last.append(end)


def end_on_sigterm(end: End) -> None:
    """Let a SIGTERM begin `end`, and end the process as the signal would have once that is done.

    Only the main thread of a process can handle signals, and not every platform has them: elsewhere nothing changes.
    """
    loop = asyncio.get_running_loop()
    ending: list[asyncio.Task[None]] = []

    async def finish() -> None:
        try:
            await end()
            for last in _last:
                await last()
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def begin() -> None:
        if not ending:
            ending.append(loop.create_task(finish()))

    try:
        loop.add_signal_handler(signal.SIGTERM, begin)
    except (NotImplementedError, RuntimeError, ValueError):
        return
