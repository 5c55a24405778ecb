"""Run groups, each with an app of its own, and write a document for each case."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.oracle import normalise
from tests.oracle.app import App, start_app
from tests.oracle.board import Board, Running
from tests.oracle.case import Case, Group, key_of
from tests.oracle.client import Client
from tests.oracle.normalise import Addresses
from tests.oracle.upstream import Upstream

GROUPS_AT_ONCE = 4
# Seconds in which all that a request holds must be given back.
SETTLE = 6.0
CASE_TIMEOUT = 60.0
_KINDS = ("files", "pipe", "anon_inode")
_TAG = re.compile(rb"c[0-9a-f]{10}")
Document = dict[str, object]


async def record(groups: Iterable[Group], app: Path) -> tuple[dict[str, Document], dict[str, float]]:
    """Return the document of each case by its name and one of each group, and the seconds that each group took."""
    turn = asyncio.Semaphore(GROUPS_AT_ONCE)
    took: dict[str, float] = {}
    documents: dict[str, Document] = {}

    async def run(group: Group) -> None:
        async with turn:
            began = time.monotonic()
            documents.update(await GroupRun(group, app).run())
            took[group.name] = time.monotonic() - began

    async with asyncio.TaskGroup() as tasks:
        for group in groups:
            tasks.create_task(run(group))
    return dict(sorted(documents.items())), took


@dataclass(slots=True)
class GroupRun:
    """One group on its way."""

    group: Group
    folder: Path
    addresses: Addresses = field(default_factory=Addresses)
    runnings: dict[str, Running] = field(default_factory=dict)
    answered: dict[str, list[str]] = field(default_factory=dict)
    lines: list[dict[str, object]] = field(default_factory=list)
    everybody: Board = field(default_factory=Board)
    current: Running | None = None
    app: App | None = None

    async def run(self) -> dict[str, Document]:
        """Start the app, make the cases, end the app, and return what was seen."""
        group = self.group
        async with AsyncExitStack() as stack:
            upstreams = [Upstream(one, self._find, self.addresses) for one in group.resources]
            for upstream in upstreams:
                await stack.enter_async_context(upstream.serving())
            environ = _environ(group, {upstream.resource.name: upstream.url for upstream in upstreams})
            self.app = await start_app(self.folder, environ, group.arguments, self._take_line)
            found = await self._use(self.app, upstreams)
            found["exit"] = await self.app.ended()
            return self._documents(found, upstreams)

    async def _use(self, app: App, upstreams: list[Upstream]) -> Document:
        found: Document = {}
        try:
            found["started"] = await app.wait_until_ready()
            if found["started"]:
                self.addresses.add(app.address[1], "proxy")
                before = await _settled(app)
                await self._run_cases(app, partial(self._terminate, app, upstreams))
                if not app.ending:
                    found["held"] = await self._held(app, upstreams, before)
        finally:
            self._terminate(app, upstreams)
        return found

    def _terminate(self, app: App, upstreams: Iterable[Upstream]) -> None:
        for upstream in upstreams:
            upstream.app_ends = True
        app.terminate()

    async def _run_cases(self, app: App, terminate: Callable[[], None]) -> None:
        turn = asyncio.Semaphore(1 if self.group.serial else self.group.at_once)

        async def run(case: Case) -> None:
            async with turn:
                await self._run_case(case, app, terminate)

        for case in self.group.cases:
            self.runnings[case.tag] = Running(case, self.everybody)
        async with asyncio.TaskGroup() as tasks:
            for case in self.group.cases:
                tasks.create_task(run(case))

    async def _run_case(self, case: Case, app: App, terminate: Callable[[], None]) -> None:
        running = self.runnings[case.tag]
        if self.group.serial:
            self.current = running
        clients = [Client(one, running, app.address, self.addresses, terminate) for one in case.exchanges]
        try:
            async with asyncio.timeout(CASE_TIMEOUT):
                if case.parallel:
                    await asyncio.gather(*(client.run() for client in clients))
                else:
                    for client in clients:
                        await client.run()
                while running.busy:
                    await running.board.wait("answered", running.replied.total() - running.busy + 1, 1.0)
        except TimeoutError:
            running.board.notes.append("the case took too long")
        self.answered[case.tag] = [request_id for client in clients for request_id in client.request_ids()]

    async def _held(self, app: App, upstreams: list[Upstream], before: Mapping[str, int]) -> Document:
        """Return what is left of all cases once nothing changes any more."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE
        while any(upstream.busy for upstream in upstreams) and loop.time() < end:  # noqa: ASYNC110  of many, seldom
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        after = app.held()
        return {
            "unfinished upstream requests": sum(upstream.busy for upstream in upstreams),
            **{f"more {kind}": max(0, after.get(kind, 0) - before.get(kind, 0)) for kind in _KINDS},
        }

    def _find(self, head: bytes, stands: bool) -> Running | None:
        """Return the case of a request; an upstream that `stands` for itself is asked for no case."""
        for found in _TAG.findall(head):
            if running := self.runnings.get(found.decode()):
                return running
        return None if stands else self.current

    def _take_line(self, fields: dict[str, object]) -> None:
        running = self.runnings.get(str(fields.get("client")))
        if running is None and self.group.serial:
            running = self.current
        if self.app is not None and self.app.ending:
            fields["written"] = "after the process was asked to end"
        if running is None:
            self.lines.append(fields)
        else:
            running.lines.append(fields)
            running.board.mark("line")

    def _documents(self, found: Document, upstreams: list[Upstream]) -> dict[str, Document]:
        self._attribute()
        documents = {f"{self.group.name}/{one.case.name}": self._document(one) for one in self.runnings.values()}
        assert self.app is not None
        strangers = [repr(sorted(one.items())) for upstream in upstreams for one in upstream.strangers]
        documents[f"{self.group.name}/(group)"] = {
            **found,
            "printed": normalise.printed(self.app.other, self.addresses),
            "lines": sorted(repr(sorted(normalise.line(line, ()).items())) for line in self.lines),
            "requests of no case": sorted(set(strangers)),
            "connections": {one.resource.name: one.greeted for one in upstreams if one.resource.greeting},
        }
        return documents

    def _attribute(self) -> None:
        """Find the case of the lines that name no client, by the request id of an answer."""
        cases = {request_id: tag for tag, ids in self.answered.items() for request_id in ids}
        left = []
        for line in self.lines:
            tag = cases.get(str(line.get("request_id")))
            if tag is None:
                left.append(line)
            else:
                self.runnings[tag].lines.append(line)
        self.lines = left

    def _document(self, running: Running) -> Document:
        answered = self.answered.get(running.case.tag, [])
        lines = [normalise.line(line, answered) for line in running.lines]
        if running.case.parallel:
            lines.sort(key=repr)
        return {
            "client": running.client,
            "upstream": running.upstream,
            "log": lines,
            "order": running.board.notes,
        }


async def _settled(app: App) -> Mapping[str, int]:
    """Return what the app has open once it has done what it does behind its start."""
    seen = [app.held()]
    while len(seen) < 30 and seen[-3:] != seen[-1:] * 3:
        await asyncio.sleep(0.1)
        seen.append(app.held())
    return seen[-1]


def _environ(group: Group, urls: Mapping[str, str]) -> dict[str, str]:
    keys = ",".join(f"{case.tag}={key_of(case.name)}" for case in group.cases)
    filled = {}
    for name, value in group.environ.items():
        text = value.replace("{keys}", keys)
        for resource, url in urls.items():
            text = text.replace("{url:" + resource + "}", url)
        filled[name] = text
    return filled
