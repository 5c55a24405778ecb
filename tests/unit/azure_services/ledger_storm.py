"""Many instances on one store that fails in every way, in virtual time and in an order that a seed decides."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from proxy.auth.ledger import Hold
from proxy.azure_services.rows import Key, RowChanged, Stored, StoreUnavailable
from proxy.azure_services.shared_ledger import SharedLedger
from proxy.azure_services.shared_row import Clock
from proxy.values import Limits
from tests.fakes.shared_store import FakeStore
from tests.fakes.virtual_time import time_now

CLIENT = "alice"
# A call may take so long at most; none of the storm does.
LEASE = 660.0
EPOCH = 1_800_000_000.0


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How often what goes wrong: parts of all operations, but for kills and pauses, which are a minute and instance."""

    lost: float = 0.02
    unanswered: float = 0.03
    delayed: float = 0.01
    conflict: float = 0.05
    slow: float = 0.005
    kills: float = 0.1
    pauses: float = 0.1


CALM = Weather(lost=0, unanswered=0, delayed=0, conflict=0, slow=0, kills=0, pauses=0)
# Every failure is followed by a success, so that nobody takes the store for down.
CONFLICTS = Weather(lost=0, unanswered=0, delayed=0, conflict=0.3, slow=0, kills=0.2, pauses=0)


@dataclass
class Spy:
    """What Azure has seen: when each call came, and what it has used."""

    admitted: list[tuple[float, int]] = field(default_factory=list)
    used: int = 0
    refused: int = 0
    running: int = 0
    most_running: int = 0

    def excess(self, limit: int, *, tokens: bool = False) -> float:
        """Return how much more than the limit and what the time frees came within any time, in parts of the limit."""
        free_at, worst = float("-inf"), 0.0
        for at, amount in sorted(self.admitted):
            free_at = max(free_at, at) + (amount if tokens else 1) * 60 / limit
            worst = max(worst, (free_at - at - 60) / 60)
        return worst


@dataclass
class View:
    """The store as one instance reaches it."""

    store: FakeStore
    random: Random
    weather: Weather
    paused_until: float = 0.0
    operations: int = 0
    late: set["asyncio.Task[None]"] = field(default_factory=set)

    async def read(self, key: Key) -> Stored:
        await self._pass()
        return await self._answered(self.store.read(key))

    async def write(self, key: Key, value: bytes, version: str | None) -> Stored:
        await self._pass()
        if self.random.random() < self.weather.delayed:
            task = asyncio.get_running_loop().create_task(self._later(key, value, version))
            self.late.add(task)
            raise StoreUnavailable
        if self.random.random() < self.weather.conflict:
            raise RowChanged
        stored = await self._answered(self.store.write(key, value, version))
        if self.random.random() < self.weather.unanswered:
            raise StoreUnavailable
        return stored

    async def _pass(self) -> None:
        self.operations += 1
        await asyncio.sleep(self.random.expovariate(1 / 0.005))
        if self.random.random() < self.weather.slow:
            await asyncio.sleep(2.5)
        if self.random.random() < self.weather.lost:
            raise StoreUnavailable

    async def _answered(self, coming: Awaitable[Stored]) -> Stored:
        try:
            stored = await coming
        finally:
            await asyncio.sleep(self.random.expovariate(1 / 0.005))
            await self.until_awake()
        return stored

    async def until_awake(self) -> None:
        await asyncio.sleep(max(0.0, self.paused_until - time_now()))

    async def _later(self, key: Key, value: bytes, version: str | None) -> None:
        await asyncio.sleep(self.random.uniform(0, 8))
        try:
            await self.store.write(key, value, version)
        except (RowChanged, StoreUnavailable):
            return


@dataclass
class Instance:
    """One process: its ledger, and the tasks that end with it."""

    ledger: SharedLedger
    view: View
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def kill(self) -> None:
        keeping = [kept.keeping for kept in self.ledger._kept.values() if kept.keeping is not None]
        for task in (*self.tasks, *keeping):
            task.cancel()


@dataclass
class Storm:
    """A run with its own seed."""

    seed: int
    limits: Limits
    weather: Weather
    instances: int
    # Calls a second of each instance, and how many seconds one lasts at most.
    load: float
    longest: float = 5.0
    most_tokens: int = 400
    spy: Spy = field(default_factory=Spy)
    stopped_at: float | None = None
    over: bool = False

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.store = FakeStore(lambda: EPOCH + (time_now() if self.stopped_at is None else self.stopped_at))
        self.running: list[Instance] = []
        self.operations = 0

    def open(self) -> Instance:
        """Start an instance, whose clocks are wrong in their own way."""
        random = Random(self.random.random())
        view = View(self.store, random, self.weather)
        begin, rate = random.uniform(0, 1e6), 1 + random.uniform(-1e-4, 1e-4)

        def monotonic() -> float:
            return begin + (time_now() if self.stopped_at is None else self.stopped_at) * rate

        clock = Clock(monotonic, asyncio.sleep, EPOCH - begin + random.uniform(-60, 60))
        instance = Instance(SharedLedger(view, f"{random.getrandbits(32):08x}", clock, LEASE, random.random), view)
        self.running.append(instance)
        self._start(instance, self._calls(instance, random))
        return instance

    async def run(self, seconds: float, check: Callable[[], None] = lambda: None) -> None:
        """Let the storm rage."""
        while len(self.running) < self.instances:
            self.open()
        for _ in range(int(seconds)):
            await asyncio.sleep(1)
            check()
            for instance in list(self.running):
                self._strike(instance)

    async def calm(self) -> None:
        """End all calls, settle them, and give all shares back."""
        self.over = True
        for instance in self.running:
            instance.view.weather = CALM
            await asyncio.gather(*instance.tasks)
        await asyncio.sleep(40)
        for instance in self.running:
            await instance.ledger.close()
            self.operations += instance.view.operations

    def _strike(self, instance: Instance) -> None:
        if self.random.random() < self.weather.pauses / 60:
            instance.view.paused_until = time_now() + self.random.uniform(1, 20)
        if self.random.random() < self.weather.kills / 60:
            self.running.remove(instance)
            instance.kill()
            self.operations += instance.view.operations
            self.open()

    def _start(self, instance: Instance, coroutine: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        instance.tasks.add(task)
        task.add_done_callback(instance.tasks.discard)

    async def _calls(self, instance: Instance, random: Random) -> None:
        while not self.over:
            await asyncio.sleep(random.expovariate(self.load))
            await instance.view.until_awake()
            self._start(instance, self._call(instance, random))

    async def _call(self, instance: Instance, random: Random) -> None:
        tokens = random.randint(1, self.most_tokens)
        outcome = await instance.ledger.reserve(CLIENT, self.limits, tokens)
        if not isinstance(outcome, Hold):
            self.spy.refused += 1
            return
        self.spy.admitted.append((time_now(), tokens))
        self.spy.running += 1
        self.spy.most_running = max(self.spy.most_running, self.spy.running)
        try:
            await asyncio.sleep(random.uniform(0.1, self.longest))
        finally:
            self.spy.running -= 1
        await instance.view.until_awake()
        used = random.randint(1, tokens)
        self.spy.used += used
        await instance.ledger.settle(outcome, used)
