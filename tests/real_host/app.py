"""The app on one of Microsoft's hosts, on a simulator of Azure OpenAI, set up as docs/deploy.md says."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real_host.hosts import FLEX, FUNC, PRODUCTION, Kind, RealHost, make_folder, running_real_host
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

# The key of the example settings.
CLIENT_KEY = "sk-for-this-machine-only"
CHAT = "/v1/chat/completions"
# What each host prints by itself.
_EXPECTED: Mapping[str, re.Pattern[str]] = {
    FUNC.name: re.compile(
        r"$|Azure Functions Core Tools$|Core Tools Version: |Function Runtime Version: |Functions:$"
        r"|Skipping 'AZURE_OPENAI_(ENDPOINT|MODEL_MAPPER)' from local settings"
        r"|\tproxy: \[GET,POST,|For detailed output, run func with --verbose flag\.$"
        r"|\[[^]]+\] (\{\"request_id\"|Worker process started and initialized\.$|Host lock lease acquired by instance"
        r"|requests without a valid key: 1, 1 in all$"
        r"|Attempt to remove module cache for google\._upb )"
    ),
    PRODUCTION.name: re.compile(r"$"),
    # Information and less; without Flex's own services around it the host complains of these.
    FLEX.name: re.compile(
        r"$|MS_FUNCTION_LOGS [45],|MS_FUNCTION_METRICS |.*Attempt to remove module cache for google\._upb "
        r"|MS_FUNCTION_LOGS [23],[^\"]*\.(LegionContainerInitialization"
        r"HostedService|LinuxContainerActivityPublisher|MeshServiceClient|DiagnosticEventTableStorageRepository),"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app on a host, and its Azure OpenAI."""

    kind: Kind
    host: RealHost
    azure: Simulator

    @property
    def url(self) -> str:
        return self.host.url

    def unexpected(self) -> list[str]:
        """Return the lines of the host's output that nobody expects; a client that leaves makes the host print some."""
        return [line for line in self.host.output().splitlines() if not _EXPECTED[self.kind.name].match(line)]


def environ_for(azure: Simulator, kind: Kind) -> dict[str, str]:
    """Return what is set on top of the example settings of `func`, and all that a host without them needs."""
    set_for_all = {
        "AZURE_OPENAI_ENDPOINT": azure.url,
        "AZURE_OPENAI_MODEL_MAPPER": "gpt-4o=gpt-4o,gated=gated,no-answer=no-answer",
    }
    if kind is FUNC:
        return set_for_all
    return {**set_for_all, "AZURE_OPENAI_API_KEY": DEFAULT_KEY, "CLIENT_KEYS": f"local={CLIENT_KEY}"}


@asynccontextmanager
async def running_app(kind: Kind, folder: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[App]:
    """Run the app; it has ended with all that it began when the block has."""
    async with Simulator().serving() as azure:
        made = make_folder(folder / kind.name, kind)
        async with running_real_host(kind, made, {**environ_for(azure, kind), **(environ or {})}) as host:
            yield App(kind=kind, host=host, azure=azure)


def data_of(raw: bytes) -> Iterator[bytes]:
    """Yield the data of the events in a stream's bytes."""
    for event in raw.split(b"\n\n"):
        _, found, data = event.partition(b"data: ")
        if found:
            yield data
