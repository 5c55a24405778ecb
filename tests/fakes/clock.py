"""A clock that stands still until a test moves it."""

import asyncio


class Clock:
    """Give `sleep`, monotonic `now` and nothing that passes by itself."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._fell_asleep = asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        awake = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, awake))
        self._fell_asleep.set()
        await awake

    async def asleep(self) -> float:
        """Wait until somebody sleeps; return for how long."""
        while not any(not awake.done() for _, awake in self._sleepers):
            self._fell_asleep.clear()
            await self._fell_asleep.wait()
        return self.slept[-1]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for due, awake in self._sleepers:
            if due <= self.now and not awake.done():
                awake.set_result(None)
        self._sleepers = [(due, awake) for due, awake in self._sleepers if not awake.done()]

    async def next_round(self) -> float:
        """Let the only sleeper wake up on time, do its work, and sleep again; return for how long."""
        await self.asleep()
        self.advance(self.slept[-1])
        return await self.asleep()
