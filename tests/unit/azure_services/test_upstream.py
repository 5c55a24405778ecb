"""The way to Azure opens behind the start of the app."""

import asyncio
import subprocess
import sys

from proxy.azure_services.upstream import Upstream
from proxy.config.address_rules import AddressRules
from proxy.config.http_proxy import HttpProxies
from proxy.config.timeouts import Timeouts
from proxy.values import UpstreamRequest
from tests.fakes.raw_azure import Sendings
from tests.processes import REPOSITORY
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

TIMEOUTS = Timeouts(connect=1, first_byte=5, idle=5, total=10)
LOADED = "import function_app, sys; print([name for name in ('aiohttp', 'azure.identity') if name in sys.modules])"
ENVIRON = {
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_OPENAI_API_KEY": "key",
    "CLIENT_KEYS": "a=sk-0123456789abcdefghijkl",
    "PYTHONPATH": str(REPOSITORY),
}


def models(simulator: Simulator) -> UpstreamRequest:
    url = f"{simulator.url}/openai/models?api-version=2024-10-21"
    return UpstreamRequest(method="GET", url=url, headers={}, body=b"")


async def test_the_first_calls_wait_for_it_and_all_are_answered() -> None:
    upstream = Upstream(TIMEOUTS, 4, HttpProxies(), AddressRules())
    assert len(upstream) == 0
    async with Simulator().serving() as simulator:
        calls = (upstream.send(models(simulator), ("api-key", DEFAULT_KEY), Sendings().begin) for _ in range(3))
        answers = await asyncio.gather(*calls)
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert len(upstream) in range(4)
        for answer in answers:
            answer.close()
        await upstream.close()


async def test_a_client_that_disconnects_meanwhile_does_not_stop_it() -> None:
    upstream = Upstream(TIMEOUTS, 4, HttpProxies(), AddressRules())
    async with Simulator().serving() as simulator:
        upstream.start()
        disconnecting = asyncio.ensure_future(
            upstream.send(models(simulator), ("api-key", DEFAULT_KEY), Sendings().begin)
        )
        await asyncio.wait({disconnecting}, timeout=0)
        disconnecting.cancel()
        answer = await upstream.send(models(simulator), ("api-key", DEFAULT_KEY), Sendings().begin)
        assert answer.status == 200
        answer.close()
        await upstream.close()


async def test_what_was_never_opened_is_closed_at_once() -> None:
    await Upstream(TIMEOUTS, 4, HttpProxies(), AddressRules()).close()


def test_what_is_slow_to_import_does_not_come_with_the_app() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=REPOSITORY, env=ENVIRON, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.splitlines()[-1] == "[]"  # an older clone says before that its prices are old
