"""What a call has reserved is never less than what it costs: random requests of every operation that has a bound.

Azure counts as much as it can: each byte of a text as a token, whole windows and the longest answers. The ledger has
both amounts.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from random import Random

import pytest
import pytest_asyncio

from proxy.app import Proxy, build_application
from proxy.auth.budget_account import BudgetHold
from proxy.auth.budgets import MemoryBudgets
from proxy.config.settings import Settings
from proxy.prices.rules import BOUNDINGS, Rule
from proxy.values import Budget
from tests.faults.client import Answer, ask, scope_of
from tests.integration.bound_requests import DRAWS, EMBEDDING, HEARING, INSTRUCT, MOVIE, Asked, Kept, Requests
from tests.integration.conftest import RESTLESS
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator
from tools.azure_openai_simulator.metering import FIDELITY, GIVEN, IMAGE, MADE
from tools.azure_openai_simulator.state import Most

NUMBER = 100
# Operations whose answers have no usage.
UNCOUNTED = {"createTranslation", "searchVectorStore", "CreateContainer", "CreateContainerFile"}
KEY, FREE = "sk-alice-0123456789abcdefgh", "sk-free-0123456789abcdefgh"
# Deployments, with the model and version of each, and the model that the simulator is.
DEPLOYED = {
    "gpt-4o": ("gpt-4o@2024-11-20", "gpt-4o-2024-11-20"),
    "gpt-4.1": ("gpt-4.1", "gpt-4.1"),
    "gpt-5": ("gpt-5", "gpt-5"),
    "luna": ("gpt-5.6-luna", "gpt-5.6-luna"),
    "o3": ("o3@2025-04-16", "o3-pro"),
    "speaking": ("gpt-audio@2025-08-28", "gpt-audio"),
    INSTRUCT: (INSTRUCT, INSTRUCT),
    EMBEDDING: (EMBEDDING, EMBEDDING),
    "gpt-image-1": ("gpt-image-1", "gpt-image-1"),
    "dall-e-3": ("dall-e-3", "dall-e-3"),
    "gpt-4o-mini-tts": ("gpt-4o-mini-tts@2025-12-15", "gpt-4o-mini-tts"),
    "tts": ("tts", "tts"),
    HEARING: (HEARING, HEARING),
    MOVIE: (MOVIE, MOVIE),
}
SOURCE = {"source": "ours"}
# Small models, so that what is not in a body does not hide what is.
WINDOW, OUTPUT = 30_000, 500
EXTRAS: Mapping[str, Mapping[str, int]] = {
    "gpt-4o@2024-11-20": {"image_input": IMAGE},
    "gpt-5.6-luna": {"long_context": 10_000},
    "gpt-image-1": {"image_input": GIVEN + FIDELITY, "image_output": MADE["high"][1]},
}
# What the project's own table does not have, or has not verified.
PRICES = {
    "sources": {"ours": {"title": "ours", "url": "https://example.com", "date": date.today().isoformat()}},
    "prices": [
        {"model": INSTRUCT, "sku": "GlobalStandard", "input": 1_500_000, "output": 2_000_000, **SOURCE},
        {"model": "dall-e-3", "sku": "GlobalStandard", "image": 40_000, **SOURCE},
    ],
    "tools": [
        {"tool": tool, "sku": sku, "call": call, **SOURCE}
        for sku in ("GlobalStandard", "DataZoneStandard", "Standard")
        for tool, call in (("web_search", 14_000), ("file_search", 2_500), ("code_interpreter", 30_000))
    ],
    "models": [
        *(
            {"model": one.partition("@")[0], "input": WINDOW, "output": OUTPUT, **EXTRAS.get(one, {}), **SOURCE}
            for one, _ in DEPLOYED.values()
        ),
    ],
}


class Spy(MemoryBudgets):
    """Keeps what was reserved and settled of the latest call, and its line of the log."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.reserved = self.settled = 0
        self.entries: list[dict[str, object]] = []

    async def reserve(self, account: str, budget: Budget, bound: int) -> BudgetHold:
        self.reserved += bound
        return BudgetHold(account=account, month="", generation=0, amount=bound)

    def settle(self, hold: BudgetHold, amount: int) -> None:
        self.settled += amount

    def write_line(self, line: str) -> None:
        self.entries.append(json.loads(line))


@dataclass(frozen=True, kw_only=True)
class Paid:
    """What became of a call: its status, and what it has reserved, settled and cost, None without a known cost."""

    status: int
    answer: bytes
    reserved: int
    settled: int
    cost: int | None


NOTHING = Kept(response="", conversation="", file="", store="", container="")


class App:
    """The app in this process, with a client who has a budget and one who has none."""

    def __init__(self, proxy: Proxy, spy: Spy) -> None:
        self._proxy = proxy
        self._spy = spy

    async def ask(self, asked: Asked, key: str = KEY) -> Paid:
        spy, answer = self._spy, Answer()
        spy.reserved = spy.settled = 0
        headers = {
            "authorization": f"Bearer {key}",
            "content-type": asked.content_type,
            "content-length": str(len(asked.body)),
        }
        await ask(self._proxy, scope_of(f"/v1/{asked.path}", headers), asked.body, answer)
        cost = spy.entries.pop().get("cost_usd")
        return Paid(
            status=answer.status,
            answer=answer.body,
            reserved=spy.reserved,
            settled=spy.settled,
            cost=None if cost is None else round(float(str(cost)) * 1_000_000),
        )

    async def make(self, path: str, **members: object) -> str:
        made = await self.ask(Asked(path=path, body=json.dumps(members).encode()), FREE)
        assert made.status == 200, made.answer
        return str(json.loads(made.answer)["id"])


def environ(url: str) -> dict[str, str]:
    return RESTLESS | {
        "AZURE_OPENAI_ENDPOINT": url,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "AZURE_OPENAI_DEPLOYMENT_MODELS": ",".join(
            f"{name}={one}/GlobalStandard" for name, (one, _) in DEPLOYED.items()
        ),
        "CLIENT_KEYS": json.dumps({"alice": {"key": KEY, "budget-usd": 1_000_000}, "free": {"key": FREE}}),
        "PRICES": json.dumps(PRICES),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app() -> AsyncIterator[App]:
    async with Simulator(deployments={name: model for name, (_, model) in DEPLOYED.items()}).serving() as simulator:
        simulator.state.most = Most(window=WINDOW, output=OUTPUT)
        proxy = build_application(Settings.from_environ(environ(simulator.url)))
        spy = Spy()
        calls = proxy.handler.calls
        assert calls.budgets is not None
        budgets = replace(calls.budgets, ledger=spy)
        handler = replace(proxy.handler, calls=replace(calls, budgets=budgets), log=spy.write_line)
        yield App(replace(proxy, handler=handler), spy)
        await proxy.stop(1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kept(app: App) -> Kept:
    form = Requests(Random(0), NOTHING)._form("files", {"purpose": "assistants"}, [("file", "a.txt")])
    file = json.loads((await app.ask(form, FREE)).answer)["id"]
    first = await app.make("responses", model="gpt-4o", input="word " * 300)
    turn = {"role": "user", "content": "word " * 200}
    return Kept(
        response=await app.make("responses", model="gpt-4o", input="word " * 300, previous_response_id=first),
        conversation=await app.make("conversations", items=[turn]),
        file=file,
        store=await app.make("vector_stores", name="store"),
        container=await app.make("containers", name="container"),
    )


async def test_every_operation_that_has_a_bound_is_asked() -> None:
    bounded = {name for name, one in BOUNDINGS.items() if one.rule not in {Rule.FREE, Rule.REFUSED}}
    assert bounded == DRAWS.keys()


@pytest.mark.parametrize("operation", DRAWS)
async def test_no_call_costs_more_than_it_has_reserved(app: App, kept: Kept, operation: str) -> None:
    made = 0
    for number in range(NUMBER):
        asked = DRAWS[operation](Requests(Random(f"{operation} {number}"), kept))
        paid = await app.ask(asked)
        assert paid.settled <= paid.reserved, (number, asked)
        if paid.status == 200:
            # What Azure does not count is charged with all that it may cost.
            assert paid.settled == (paid.reserved if paid.cost is None else paid.cost) > 0, (number, asked)
            made += 1
        else:
            assert b"unbounded_cost" in paid.answer, (number, asked, paid.answer)
    assert made > NUMBER / 2


@pytest.mark.parametrize("operation", DRAWS)
async def test_the_cost_is_known_where_azure_counts(app: App, kept: Kept, operation: str) -> None:
    paid = [await app.ask(DRAWS[operation](Requests(Random(number), kept))) for number in range(5)]
    assert any(one.cost is not None for one in paid) == (operation not in UNCOUNTED)
