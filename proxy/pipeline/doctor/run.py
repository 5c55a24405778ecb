"""The steps of a run in their order, as events while they go."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from itertools import chain

from proxy.azure_services.identity import Identity
from proxy.azure_services.probes import Probes
from proxy.config import table
from proxy.config.resources import ReadFile
from proxy.config.settings import Settings
from proxy.diagnosis import clocks, commands
from proxy.diagnosis.commands import Holder
from proxy.diagnosis.findings import Event, Finding, Progress, State, finding, state_of, summary
from proxy.diagnosis.seen import Seen
from proxy.diagnosis.settings import judge_settings
from proxy.pipeline.doctor.azure import IDENTITY, KEYS, VAULT, check_client_keys, check_identity, check_vault
from proxy.pipeline.doctor.budgets import BUDGETS, check_budgets
from proxy.pipeline.doctor.entra import ENTRA, check_entra
from proxy.pipeline.doctor.examination import Checked, Examination
from proxy.pipeline.doctor.ledger import LEDGER, USAGE, check_ledger, check_usage
from proxy.pipeline.doctor.resource import check_resource
from proxy.version import VERSION

log = logging.getLogger(__name__)

SETTINGS, TEMPLATE, CLOCK = "settings", "template", "clock"
# Seconds; the platform ends what is silent for 230.
LONGEST_RUN = 200.0
# Resources that are looked at at a time.
AT_ONCE = 8
_TOO_LATE = Progress(check="run", state=State.SKIPPED, detail="the time for the run is over; what is left was not done")

Step = Callable[[Examination], Awaitable[tuple[Checked, ...]]]


async def examine(
    environ: Mapping[str, str],
    read_file: ReadFile,
    *,
    calls: bool = False,
    now: Callable[[], float] = time.time,
    longest: float = LONGEST_RUN,
) -> AsyncGenerator[Event, None]:
    """Yield the events of a run over the settings in `environ`, last a summary.

    `read_file` returns a file beside function_app.py, such as host.json.
    With `calls` each deployment is called for one token. After `longest` seconds the run ends as it is.
    """
    found: list[Finding] = []
    is_complete = True
    yield Progress(check=SETTINGS, state=State.RUNNING)
    settings, seen = judge_settings(environ, read_file("host.json"), read_file)
    places = commands.of_app(environ, settings, Holder())
    wrong = tuple(finding(SETTINGS, one.code, one.subject, {**places, **one.facts}) for one in seen)
    found += wrong
    for event in _ended(Checked(check=SETTINGS, found=wrong, detail=_counted(environ))):
        yield event
    if settings is not None:
        async with _opened(environ, settings, read_file, calls, now) as run, aclosing(_follow(run, longest)) as events:
            async for event in events:
                found += [event] if isinstance(event, Finding) else []
                is_complete = is_complete and event != _TOO_LATE
                yield event
    yield summary(found, is_complete=is_complete)


def _counted(environ: Mapping[str, str]) -> str:
    names = {one.name for section in table.SECTIONS.values() for one in section}
    return f"{sum(bool(environ.get(name, '').strip()) for name in names)} are set"


@asynccontextmanager
async def _opened(
    environ: Mapping[str, str], settings: Settings, read_file: ReadFile, calls: bool, now: Callable[[], float]
) -> AsyncIterator[Examination]:
    """Open what a run uses of its own, beside what serves requests, and close it."""
    async with AsyncExitStack() as closing:
        identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
        closing.push_async_callback(identity.close)
        probes = Probes(settings.http_proxies, now=now)
        closing.push_async_callback(probes.close)
        yield Examination(
            environ=environ,
            settings=settings,
            read_file=read_file,
            identity=identity,
            probes=probes,
            calls=calls,
            now=now,
        )


def steps(settings: Settings) -> tuple[tuple[tuple[str, Step], ...], ...]:
    """Return groups of named steps, in the order in which they need each other; those of a group are taken at once."""
    resources = tuple((f"resource {one.name}", partial(check_resource, one=one)) for one in settings.resources)
    return (
        ((TEMPLATE, _check_template),),
        ((IDENTITY, _alone(check_identity)),),
        ((VAULT, _alone(check_vault)),),
        ((KEYS, _alone(check_client_keys)),),
        ((ENTRA, _alone(check_entra)),),
        ((LEDGER, _alone(check_ledger)),),
        ((USAGE, _alone(check_usage)),),
        resources,
        ((BUDGETS, _alone(check_budgets)),),
        ((CLOCK, _check_clock),),
    )


def _alone(check: Callable[[Examination], Awaitable[Checked]]) -> Step:
    async def step(run: Examination) -> tuple[Checked, ...]:
        return (await check(run),)

    return step


async def _check_template(run: Examination) -> tuple[Checked, ...]:
    template = run.settings.template_version
    seen = clocks.judge_template(template, VERSION)
    detail = f"the app is v{VERSION}" + (f", the template {template}" if template else "")
    return (run.checked(TEMPLATE, *([seen] if seen else []), detail=detail),)


async def _check_clock(run: Examination) -> tuple[Checked, ...]:
    seen = clocks.judge_clock(run.skews)
    if not run.skews:
        return (Checked(check=CLOCK, skipped=True, detail="no server has said its time"),)
    nearest = min(map(abs, run.skews.values()))
    return (run.checked(CLOCK, *([seen] if seen else []), detail=f"{nearest:.0f} s away from that of Azure"),)


async def _follow(run: Examination, longest: float) -> AsyncGenerator[Event, None]:
    """Take the steps one after the other, those of the resources at once, and yield what they find."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + longest
    slots = asyncio.Semaphore(AT_ONCE)
    for group in steps(run.settings):
        tasks = [(name, loop.create_task(_take(run, step, name, slots))) for name, step in group]
        try:
            for name, task in tasks:
                yield Progress(check=name, state=State.RUNNING)
                await asyncio.wait({task}, timeout=max(0.0, ends - loop.time()))
                if not task.done():
                    yield _TOO_LATE
                    return
                for event in chain.from_iterable(map(_ended, task.result())):
                    yield event
        finally:
            for _, task in tasks:
                task.cancel()
            await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)


async def _take(run: Examination, step: Step, name: str, slots: asyncio.Semaphore) -> tuple[Checked, ...]:
    """Take a step; an error that nobody foresaw is a finding too, by its type alone."""
    try:
        async with slots:
            return await step(run)
    except Exception as error:  # noqa: BLE001  the other steps go on
        kind = type(error).__name__
        log.warning("unexpected %s in the check of %s", kind, name)
        return (run.checked(name, Seen(code="check_failed", subject=name, facts={"error": kind})),)


def _ended(checked: Checked) -> tuple[Event, ...]:
    state = State.SKIPPED if checked.skipped else state_of(checked.found)
    return (*checked.found, Progress(check=checked.check, state=state, detail=checked.detail))
