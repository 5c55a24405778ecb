"""The official SDKs as judges of streams that are cut, with another target that works, through Microsoft's runtime."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.fakes.scripted_azure import Script, ScriptedAzure
from tests.faults.operations import AZURE_KEY, CLIENT_KEY
from tests.faults.sweep import RECORDINGS, Cut, begun, complete, text
from tests.integration.node import run_script
from tests.integration.test_cuts import CALLS, SAID
from tests.processes import REPOSITORY, HostProcess, running_host

pytestmark = pytest.mark.asyncio(loop_scope="module")
# No two of the places are alike, and none is left out where content begins or the answer ends.
STEP = 89


def places(length: int, *around: int) -> list[int]:
    return sorted({*range(0, length, STEP), *(at + more for at in around for more in (-3, 0) if at + more <= length)})


def cuts() -> dict[str, Cut]:
    """Return the sample; the name of the deployment asks for the cut."""
    found = {}
    for recording in RECORDINGS:
        ends = [len(b"".join(event.raw for event in recording.events[: count + 1])) for count in range(4)]
        for at in places(len(recording.raw), *ends, len(recording.raw)):
            found[f"script-{recording.name}-{at}"] = Cut(recording=recording, at=at)
    return found


CUTS = cuts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """An app before two targets; the second one never fails."""

    host: HostProcess
    first: ScriptedAzure
    second: ScriptedAzure


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two() -> AsyncIterator[Two]:
    cutting = ScriptedAzure({name: Script(parts=(cut.sent,)) for name, cut in CUTS.items()})
    working = ScriptedAzure({name: Script(parts=(cut.recording.raw,)) for name, cut in CUTS.items()})
    async with cutting.serving() as first, working.serving() as second:
        resources = [
            {"name": name, "endpoint": azure.url, "api_key": AZURE_KEY, "priority": number}
            for number, (name, azure) in enumerate({"first": first, "second": second}.items())
        ]
        environ = {"AZURE_OPENAI_RESOURCES": json.dumps(resources), "CLIENT_KEYS": f"somebody={CLIENT_KEY}"}
        async with running_host(REPOSITORY, environ) as host:
            yield Two(host=host, first=first, second=second)


async def read(sdk: AsyncOpenAI, name: str, cut: Cut) -> tuple[str, str | None]:
    """Return the text of a stream, and the code of the error that it ends with; None is a clean end."""
    said = ""
    try:
        async for event in await CALLS[cut.recording](sdk, name):
            if getattr(event, "type", None) == "error":  # of a response: the SDK hands it over as any other
                return said, event.code
            said += SAID[cut.recording](event)
    except openai.APIError as error:
        return said, error.code
    return said, None


def judge(cut: Cut, said: object, code: object) -> bool:
    """Tell whether a client has read what it should."""
    if not begun(cut.whole) and (said, code) == (cut.recording.text, None):
        return True  # It came from the other target.
    return any(
        (said, code) == (text(events), None if complete(cut.recording, events) else "upstream_error")
        for events in (cut.whole, cut.nearly)
        if begun(events)
    )


async def test_the_python_sdk_never_reads_a_clean_end_that_is_none(two: Two) -> None:
    async with AsyncOpenAI(base_url=f"{two.host.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
        for name, cut in CUTS.items():
            asked = len(two.second.answered)
            said, code = await read(sdk, name, cut)
            assert judge(cut, said, code), (name, said, code)
            elsewhere = len(two.second.answered) - asked
            assert elsewhere in {int(not begun(cut.whole)), int(not begun(cut.nearly))}, name


async def test_the_node_sdk_never_reads_a_clean_end_that_is_none(two: Two) -> None:
    asked = {name: cut.recording.name for name, cut in CUTS.items()}
    came = await run_script("cuts.js", {"URL": two.host.url, "KEY": CLIENT_KEY, "CUTS": json.dumps(asked)})
    assert came.keys() == CUTS.keys()
    for name, cut in CUTS.items():
        one = came[name]
        assert isinstance(one, dict)
        assert judge(cut, one["text"], one["code"]), (name, one)
