"""An event loop whose time passes only while nothing else is to be done: then it jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

_Arguments = ParamSpec("_Arguments")


class _Selector(selectors.DefaultSelector):
    """Adds to `passed` what it would have waited, in seconds, instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout is None:
            return ready or super().select(None)
        self.passed += max(timeout, 0)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.passed


def in_virtual_time(
    test: Callable[_Arguments, Coroutine[Any, Any, None]],
) -> Callable[_Arguments, None]:
    """Run a test on a loop of its own, whose time begins with 0 and passes by itself; no call of it may fail."""

    @wraps(test)
    def run(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> None:
        failed: list[object] = []
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.get_loop().set_exception_handler(lambda _, context: failed.append(context))
            runner.run(test(*arguments, **named))
        assert failed == []

    return run


def time_now() -> float:
    """Return the time of the running loop, in seconds."""
    return asyncio.get_running_loop().time()


async def reach(time: float) -> None:
    """Return when it is so late on the running loop."""
    loop = asyncio.get_running_loop()
    reached = asyncio.Event()
    loop.call_at(time, reached.set)
    await reached.wait()
