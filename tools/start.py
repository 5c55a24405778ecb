"""Run the app on this machine: on your Azure OpenAI when one is configured, else on the built-in simulator.

`make start` and `make chat` call it. The settings come from the environment and from local.settings.json, as with Core
Tools.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from proxy.app import build_application, read_settings
from proxy.composition.calls import PRICES
from proxy.config.addresses import parse_endpoint
from proxy.config.price_table import decode_price_table
from proxy.errors import ConfigurationError
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator
from tools.functions_host.settings import SettingsError, read_values
from tools.models import default_model

APP = Path(__file__).parents[1]
READY = re.compile(r"Functions host ready: (\S+)")
# Seconds between the words of the simulator, so that streaming is visible.
PACE = 0.08
ANY_DEPLOYMENT = "YOUR-DEPLOYMENT"
# The deployments of the simulator that serve models of other names, such as those that clients ask for by themselves.
DEFAULTS = json.dumps(
    {
        "chat": default_model().name,
        "embeddings": "text-embedding-3-small",
        "images": "gpt-image-2",
        "transcriptions": "whisper",
        "speech": "gpt-4o-mini-tts",
        "videos": "sora-2",
        "realtime": "gpt-realtime",
    }
)

# What the local host sets too, where nothing else is set.
DEVELOPMENT = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}

Environ = dict[str, str]

# How to use what runs at a URL, with these settings and perhaps this key.
Welcome = Callable[[str, Mapping[str, str], str | None], str]


def main() -> int:
    """Run until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.start", description=__doc__)
    parser.add_argument("--port", type=int, default=7071)
    parser.add_argument("--chat", action="store_true", help="print the address of the page with a chat alone")
    parser.add_argument("--local-settings", type=Path, default=APP / "local.settings.json", metavar="FILE")
    options = parser.parse_args()
    try:
        welcome = _welcome_to_page if options.chat else _welcome
        return asyncio.run(_start(dict(os.environ), options.port, options.local_settings, welcome))
    except (SettingsError, ConfigurationError) as error:
        print(error, file=sys.stderr)
        return 1


async def _start(environ: Environ, port: int, file: Path, welcome: Welcome) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _upstream(environ, file) as settings:
        key = client_key(settings, file)
        # A host would start with a wrong setting too, and answer every request with what is wrong.
        build_application(read_settings(DEVELOPMENT | read_values(settings, file), APP / "host.json"))
        host = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tools.functions_host", "--app", str(APP), "--port", str(port)),
            *("--local-settings", str(file)),
            cwd=APP,
            env=settings,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        printing = asyncio.create_task(_print(host, lambda url: welcome(url, read_values(settings, file), key)))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((printing, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set() and host.returncode is None:
            host.terminate()
        await printing
        code = await host.wait()
    return 0 if stop.is_set() else code


@contextlib.asynccontextmanager
async def _upstream(environ: Environ, file: Path) -> AsyncIterator[Environ]:
    """Yield the app's settings; run a simulator if they name no Azure OpenAI, or an unused port of this machine."""
    configured = read_values(environ, file)
    endpoint = _local_endpoint(configured.get("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1:0"))
    if configured.get("AZURE_OPENAI_RESOURCES") or configured.get("CLIENT_AUTH") == "resource-key":
        endpoint = None  # These settings name the resources themselves.
    if endpoint is None or _listens(*endpoint):
        yield environ
        return
    key = configured.get("AZURE_OPENAI_API_KEY", DEFAULT_KEY)
    simulator = Simulator(keys=[key], pace=PACE)
    async with simulator.serving(address=endpoint[0], port=endpoint[1]):
        print("No Azure OpenAI is configured: the built-in simulator answers, with an echo.", flush=True)
        print(f"Models of other names are answered by: {DEFAULTS}", flush=True)
        models = ",".join(f"{name}={name}" for name in simulator.deployments)
        priced = _priced(simulator.deployments)
        defaults = {
            "AZURE_OPENAI_MODEL_MAPPER": models,
            "AZURE_OPENAI_DEFAULT_DEPLOYMENTS": DEFAULTS,
            "AZURE_OPENAI_DEPLOYMENT_MODELS": ",".join(f"{name}={name}/GlobalStandard" for name in priced),
            "AZURE_OPENAI_AUTH": "key",
            "AZURE_OPENAI_API_KEY": key,
        }
        yield {**environ, **defaults, **configured, "AZURE_OPENAI_ENDPOINT": simulator.url}


def _priced(deployments: Iterable[str]) -> list[str]:
    """Return the deployments that are called as a model with a price, so that costs and budgets can be tried."""
    models = {price.model for price in decode_price_table(PRICES.read_bytes()).prices}
    return [name for name in deployments if name in models]


def _local_endpoint(text: str) -> tuple[str, int] | None:
    """Return host and port of an endpoint on this machine, None for any other, which the app validates."""
    try:
        url = urlsplit(parse_endpoint(text))
    except ValueError:
        return None
    port = 80 if url.port is None else url.port
    return (url.hostname, port) if url.scheme == "http" and url.hostname else None


def _listens(host: str, port: int) -> bool:
    if not port:
        return False
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def client_key(settings: Environ, file: Path) -> str | None:
    """Return the first client key, generated for this run if there is none; None if keys are kept elsewhere."""
    configured = read_values(settings, file)
    if configured.get("CLIENT_AUTH", "keys") != "keys":
        return None
    if "CLIENT_KEYS" in configured:
        return _first_key(configured["CLIENT_KEYS"])
    if "KEY_VAULT_URL" in configured:
        return None
    key = f"sk-{secrets.token_hex(16)}"
    settings["CLIENT_KEYS"] = f"local={key}"
    return key


def _first_key(text: str) -> str | None:
    """Return the first key of `CLIENT_KEYS`; the app says what is wrong with what cannot be read."""
    if not text.lstrip().startswith("{"):
        return text.partition(",")[0].partition("=")[2].strip() or None
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        return next((str(one["key"]) for one in json.loads(text).values() if "key" in one), None)
    return None


async def _print(host: asyncio.subprocess.Process, welcome: Callable[[str], str]) -> None:
    assert host.stdout is not None  # noqa: S101  it was asked for
    async for line in host.stdout:
        text = line.decode(errors="replace").rstrip("\n")
        ready = READY.fullmatch(text)
        print(welcome(ready[1]) if ready else text, flush=True)


def _welcome(url: str, settings: Mapping[str, str], key: str | None) -> str:
    shown = key or "YOUR-CLIENT-KEY"
    model = settings.get("AZURE_OPENAI_MODEL_MAPPER", "").partition("=")[0].strip() or ANY_DEPLOYMENT
    body = f'{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return f"""
Base URL    {url}/v1
API key     {shown}
Page        {url}/

curl -N {url}/v1/chat/completions -H 'Authorization: Bearer {shown}' -H 'Content-Type: application/json' -d '{body}'

Ctrl-C stops everything."""


def _welcome_to_page(url: str, _settings: Mapping[str, str], key: str | None) -> str:
    return f"""
Open {url}/ in a browser and use this key:

{key or "YOUR-CLIENT-KEY"}

Ctrl-C stops everything."""


if __name__ == "__main__":
    sys.exit(main())
