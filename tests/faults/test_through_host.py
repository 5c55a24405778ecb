"""A sample of the matrix through Microsoft's runtime: each fault that a server can show, with a second target."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from tests.faults.cell import Cell, Layout
from tests.faults.deviations import DEVIATIONS
from tests.faults.fault import Address
from tests.faults.operations import AZURE_KEY, CANARIES, CLIENT_KEY, OPERATIONS, Operation
from tests.faults.raw import Play, Upstream
from tests.faults.seen import Seen
from tests.faults.table import FAULTS
from tests.faults.verdict import judge
from tests.faults.wire import answer, good
from tests.processes import REPOSITORY, HostProcess, running_host

pytestmark = pytest.mark.asyncio(loop_scope="module")
_ASKED = re.compile(rb"fault-[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A cell of the sample; the name of the deployment asks for it."""

    name: str
    cell: Cell


def sampled() -> tuple[Sampled, ...]:
    """Return one call for each fault, in turn, where the fault needs nothing that all calls share."""
    found = []
    for number, fault in enumerate(FAULTS):
        known = any((fault.name, operation.name) in DEVIATIONS for operation in OPERATIONS)
        if fault.address is not Address.SERVER or fault.hasty or fault.second or known:
            continue
        turned = OPERATIONS[number % len(OPERATIONS) :] + OPERATIONS
        made = ((operation, fault.play(operation)) for operation in turned)
        operation, play = next((operation, play) for operation, play in made if isinstance(play, Play))
        if not (play.at_once or play.held):
            name = f"fault-{number}"
            cell = Cell(fault=fault, operation=operation.for_model(name), layout=Layout.SPILL, play=play)
            found.append(Sampled(name=name, cell=cell))
    return tuple(found)


SAMPLE = sampled()


class Target:
    """A server that plays what the name of the deployment asks for, and remembers how often."""

    def __init__(self, plays: Mapping[str, Play]) -> None:
        self.asked: list[str] = []
        self.server = Upstream(self._choose)
        self._plays = plays

    def _choose(self, request: bytes) -> Play:
        found = _ASKED.search(request)
        if found is None:
            return Play()
        self.asked.append(found[0].decode())
        return self._plays[self.asked[-1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """An app before two targets; the second one never fails."""

    host: HostProcess
    targets: tuple[Target, Target]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two() -> AsyncIterator[Two]:
    faulty = Target({one.name: one.cell.play for one in SAMPLE})
    works = Target({one.name: answer(good(one.cell.operation)) for one in SAMPLE})
    async with faulty.server.serving() as first, works.server.serving() as second:
        resources = [
            {"name": name, "endpoint": server.url, "api_key": AZURE_KEY, "priority": number}
            for number, (name, server) in enumerate({"first": first, "second": second}.items())
        ]
        environ = {"AZURE_OPENAI_RESOURCES": json.dumps(resources), "CLIENT_KEYS": f"somebody={CLIENT_KEY}"}
        async with running_host(REPOSITORY, environ) as host:
            yield Two(host=host, targets=(faulty, works))


async def ask(url: str, operation: Operation) -> Seen:
    """Make the call and read the answer to its end."""
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "content-type": operation.content_type}
    async with (
        aiohttp.ClientSession() as http,
        http.post(url + operation.path, data=operation.body, headers=headers) as got,
    ):
        body, aborted = b"", False
        try:
            async for chunk in got.content.iter_any():
                body += chunk
        except aiohttp.ClientError:
            aborted = True
        passed = {name.lower(): value for name, value in got.headers.items()}
        return Seen(operation=operation, status=got.status, headers=passed, body=body, aborted=aborted)


@pytest.mark.parametrize("one", SAMPLE, ids=lambda one: one.cell.fault.name)
async def test_the_client_gets_through_the_runtime_what_it_gets_from_the_gateway(two: Two, one: Sampled) -> None:
    seen = await ask(two.host.url, one.cell.operation)
    request = seen.headers["x-request-id"]
    await two.host.wait_for_output(f'"{request}"')
    asked = tuple(target.asked.count(one.name) for target in two.targets)
    (line,) = [line for line in two.host.output().splitlines() if f'"{request}"' in line]
    assert list(judge(one.cell, seen, asked, json.loads(line)["attempts"])) == []
    assert not [canary for canary in CANARIES if canary in line]


async def test_nothing_is_left_open(two: Two) -> None:
    for target in two.targets:
        assert await target.server.left_open(idle=False) == 0


async def test_the_sample_is_large_enough() -> None:
    assert len(SAMPLE) > len(FAULTS) // 2
