"""What prompt-cache affinity is worth, over three simulated resources with a rate limit: with it and without.

`python -m tests.bench.prompt_caching` plays conversations that grow: each client sends a turn once a second, with all
turns before it, and repeats one that was refused. The simulators report cached tokens as Azure does, and each takes
`ROOM` times its third of the tokens that are sent. The last rows are the CPU of the choice itself, in this process.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp import web

from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.prompt_key import find_prompt_key
from proxy.routing.affinity import Affinity, Placement
from proxy.routing.targets import Target
from proxy.routing.weights import draw_by_weight
from tests.integration.several import ATTEMPTS, App, entry, run_app
from tools.azure_openai_simulator import Simulator

RESOURCES = ("sweden", "france", "japan")
# Seconds: between two turns of a client, and after each token of an answer.
TURN, PACE = 1.0, 0.02
# How many times its third of all tokens a resource takes, and how many seconds of that at once.
ROOM, BURST = 1.3, 2.0
# Words, each a token of the simulator: what a client begins with, what it adds in each turn, and the answer.
BEGINNING, QUESTION, ANSWER = 1500, 60, 20
WORD = 6  # bytes, with the space before it
MANY = 50
MAX_REPEATS = 20
ROUNDS = 20_000


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Who talks: how many clients, whether they share their system prompt, and whether they send a key."""

    name: str
    clients: int
    shares: bool = False
    key: bool = False


SCENES = (
    Scene(name="1 client", clients=1),
    Scene(name="50 clients, each with its own prompt", clients=MANY),
    Scene(name="50 clients, one system prompt for all", clients=MANY, shares=True),
    Scene(name="50 clients, one system prompt, `prompt_cache_key` for each", clients=MANY, shares=True, key=True),
)


@dataclass(kw_only=True)
class Seen:
    """What came of all turns: tokens of prompts, 429s of clients, failovers and calls."""

    calls: int = 0
    tokens: int = 0
    cached: int = 0
    refused: int = 0
    failovers: int = 0


class Limited(Simulator):
    """A resource that takes so many tokens a second, and refuses what is above."""

    def __init__(self, rate: float) -> None:
        super().__init__(pace=PACE)
        self.rate = rate
        self.throttled = 0
        self._left = rate * BURST
        self._since = time.monotonic()

    def _application(self) -> web.Application:
        @web.middleware
        async def limit(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            refusal = self._refuse((request.content_length or 0) // WORD)
            return await handler(request) if refusal is None else refusal

        application = super()._application()
        application.middlewares.append(limit)
        return application

    def _refuse(self, tokens: int) -> web.Response | None:
        now = time.monotonic()
        self._left = min(self._left + self.rate * (now - self._since), self.rate * BURST)
        self._since = now
        if tokens <= self._left:
            self._left -= tokens
            return None
        self.throttled += 1
        wait = f"{(tokens - self._left) / self.rate:.3f}"
        error = {"error": {"code": "429", "message": "You are over your token rate limit."}}
        return web.json_response(error, status=429, headers={"retry-after": wait})


def words(count: int, source: random.Random) -> str:
    """Return a text of so many words."""
    return " ".join(f"w{source.randrange(10_000)}" for _ in range(count))


def tokens_of_all(scene: Scene, turns: int) -> float:
    """Return how many tokens a second all clients send, on average."""
    return scene.clients * (BEGINNING + (turns / 2) * (QUESTION + ANSWER)) / TURN


async def talk(http: aiohttp.ClientSession, scene: Scene, number: int, turns: int, seen: Seen) -> None:
    """Play one client: each turn has all before it, and one that was refused is sent again."""
    own, shared = random.Random(number), random.Random(-1)
    beginning = words(BEGINNING, shared if scene.shares else own)
    messages = [{"role": "system", "content": beginning if scene.shares else "Be brief."}]
    first = "" if scene.shares else beginning
    loop = asyncio.get_running_loop()
    start = loop.time() + TURN * number / scene.clients
    for turn in range(turns):
        messages.append({"role": "user", "content": f"{first} {words(QUESTION, own)}"})
        first = ""
        await asyncio.sleep(start + turn * TURN - loop.time())
        answer = await ask(http, scene, number, messages, seen)
        for _ in range(MAX_REPEATS):
            if answer is not None:
                break
            await asyncio.sleep(TURN / 4)
            answer = await ask(http, scene, number, messages, seen)
        messages.append({"role": "assistant", "content": answer or ""})


async def ask(
    http: aiohttp.ClientSession, scene: Scene, number: int, messages: list[dict[str, str]], seen: Seen
) -> str | None:
    """Return the answer to one turn, None if it was refused."""
    body = {
        "model": "gpt-4o",
        "messages": messages,
        "max_tokens": ANSWER,
        "stream": True,
        "stream_options": {"include_usage": True},
        **({"prompt_cache_key": f"conversation-{number}"} if scene.key else {}),
    }
    async with http.post("/v1/chat/completions", json=body) as answer:
        seen.calls += 1
        seen.failovers += int(answer.headers.get(ATTEMPTS, "1")) > 1
        if answer.status == 429:
            seen.refused += 1
            return None
        answer.raise_for_status()
        events = (await answer.read()).split(b"\n\n")
    chunks = [json.loads(event[6:]) for event in events if event.startswith(b"data: {")]
    usage = chunks[-1]["usage"]
    seen.tokens += usage["prompt_tokens"]
    seen.cached += usage["prompt_tokens_details"]["cached_tokens"]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@asynccontextmanager
async def resources(rate: float, *, affinity: bool) -> AsyncIterator[tuple[App, tuple[Limited, ...]]]:
    """Run an app over the resources."""
    async with AsyncExitStack() as stack:
        limited = tuple(Limited(rate) for _ in RESOURCES)
        for one in limited:
            await stack.enter_async_context(one.serving())
        entries = [entry(name, one.url) for name, one in zip(RESOURCES, limited, strict=True)]
        routing = json.dumps({"prompt_affinity": affinity})
        yield await stack.enter_async_context(run_app(entries, *limited, AZURE_OPENAI_ROUTING=routing)), limited


async def play(scene: Scene, turns: int, *, affinity: bool) -> str:
    """Play a scene; return its row."""
    seen, rate = Seen(), ROOM * tokens_of_all(scene, turns) / len(RESOURCES)
    # The only client has the whole of a resource's rate, as in life.
    rate = rate * len(RESOURCES) if scene.clients == 1 else rate
    async with resources(rate, affinity=affinity) as (app, limited), app.http() as http:
        await asyncio.gather(*(talk(http, scene, number, turns, seen) for number in range(scene.clients)))
    shares = "/".join(f"{len(one.requests)}" for one in limited)
    throttled = sum(one.throttled for one in limited)
    share = f"{100 * seen.cached / seen.tokens:.0f} %"
    name = "on" if affinity else "off"
    return f"| {scene.name} | {name} | {share} | {throttled} | {seen.failovers} | {seen.refused} | {shares} |"


def costs() -> Iterator[str]:
    """Yield the CPU of one choice, in microseconds, by the size of the body and the number of targets."""
    for size, count in ((2_000, 2), (2_000, 8), (100_000, 2), (1_000_000, 2)):
        text = "word " * (size // 10)
        messages = [{"role": "system", "content": text}, {"role": "user", "content": text}]
        document = parse_json_body(json.dumps({"model": "gpt-4o", "messages": messages}).encode())
        targets = [Target(resource=number, deployment="gpt-4o") for number in range(count)]
        affinity = Affinity([f"resource-{number}" for number in range(count)])

        def placed() -> None:
            placement = Placement(affinity, partial(find_prompt_key, "createChatCompletion", document))  # noqa: B023
            placement.move(placement.pick(targets, 0.5))  # noqa: B023
            placement.end()

        with_it, without = timed(placed), timed(lambda: draw_by_weight(targets, 0.5))  # noqa: B023
        yield f"| {size // 1000} KB, {count} targets | {with_it:.1f} | {without:.1f} |"


def timed(call: Callable[[], object]) -> float:
    """Return the CPU of a call in microseconds, the best of some rounds."""
    best, rounds = float("inf"), ROUNDS // 10
    for _ in range(10):
        start = time.process_time()
        for _ in range(rounds):
            call()
        best = min(best, (time.process_time() - start) / rounds)
    return best * 1e6


async def main(options: Mapping[str, int]) -> None:
    """Print the tables."""
    _write("| Who | Affinity | Cached input | 429 of Azure | Failovers | 429 of clients | Calls at each |")
    _write("|---|---|---|---|---|---|---|")
    for scene in SCENES:
        for affinity in (False, True):
            _write(await play(scene, options["turns"], affinity=affinity))
    _write("\n| Body | With affinity, us | At random, us |\n|---|---|---|")
    for row in costs():
        _write(row)


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What prompt-cache affinity is worth.")
    parser.add_argument("--turns", type=int, default=15)
    asyncio.run(main(vars(parser.parse_args())))
