"""Microsoft's own hosts on this machine: Core Tools' `func start`, and the Functions host alone, as Azure runs it.

The variables FUNC and FUNCTIONS_HOST name their commands; the second takes the app's folder, a port and a Python.
FUNCTIONS_HOST_PYTHON is a Python that both can use, up to 3.12, with the app's packages and the worker's: `make
real-host` makes one. Without them the tests are skipped. REAL_HOST chooses one of the two.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import aiohttp
import pytest

from tests.processes import REPOSITORY, START_TIMEOUT, HostProcess, free_port

PYTHON = Path(os.environ.get("FUNCTIONS_HOST_PYTHON") or REPOSITORY / ".venv" / "real-host" / "bin" / "python")
EXAMPLE = REPOSITORY / "local.settings.json.example"
WORKER = b"worker.py"
# The host is asked to end also when the tests themselves are killed.
ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
# What a host answers while its app is not loaded.
NOT_LOADED = (404, 502)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way to run an app; `variable` names the command, `arguments` are for the app's folder, a port and a Python."""

    name: str
    variable: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> str:
        """Return why this cannot run here; nothing when it can."""
        if not os.environ.get(self.variable):
            return f"{self.variable} names no command: Microsoft's own host is not tried"
        return "" if PYTHON.exists() else f"there is no Python up to 3.12 for Microsoft's worker: {PYTHON}"


_HOST = ("{app}", "{port}", "{python}")
FUNC = Kind(name="func", variable="FUNC", arguments=("start", "--port", "{port}"))
PRODUCTION = Kind(
    name="functions-host",
    variable="FUNCTIONS_HOST",
    arguments=_HOST,
    environ={"AZURE_FUNCTIONS_ENVIRONMENT": "Production"},
)
FLEX = Kind(
    name="functions-host-flex",
    variable="FUNCTIONS_HOST",
    arguments=_HOST,
    environ={"AZURE_FUNCTIONS_ENVIRONMENT": "Production", "WEBSITE_SKU": "FlexConsumption"},
)
CHOSEN = os.environ.get("REAL_HOST", "")
KINDS = tuple(kind for kind in (FUNC, PRODUCTION, FLEX) if not CHOSEN or kind.name.removesuffix("-flex") == CHOSEN)


class RealHost(HostProcess):
    """One of Microsoft's hosts that runs, in a session of its own with its worker."""

    @property
    def worker_pid(self) -> int:
        """The process id of the only worker."""
        (found,) = [pid for pid in self.session() if WORKER in _command(pid)]
        return found

    def session(self) -> list[int]:
        """Return the processes of the host that still run."""
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _session(path) == self.process.pid]

    async def wait_until_loaded(self) -> None:
        """Return as soon as the app answers."""
        try:
            async with asyncio.timeout(START_TIMEOUT), aiohttp.ClientSession(self.url) as http:
                # Nothing tells when another process is ready.
                while self.process.returncode is None and not await _answers(http):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            error.add_note(f"The host printed:\n{self.output()}")
            raise
        assert self.process.returncode is None, self.output()

    async def end(self) -> int:
        """Ask the host to end, wait for it and all that it began; return its exit code."""
        try:
            return await super().end()
        finally:
            for pid in self.session():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _session(process: Path) -> int:
    """Return the session of a process; 0 when it has ended."""
    try:
        state, _, _, session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return 0
    return 0 if state == "Z" else int(session)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def _answers(http: aiohttp.ClientSession) -> bool:
    try:
        async with http.get("/health") as answer:
            return answer.status not in NOT_LOADED
    except aiohttp.ClientError:
        return False


def make_folder(folder: Path, kind: Kind, app: Path = REPOSITORY) -> Path:
    """Make an app's folder as one has it: without what a developer has set; `func` gets the example settings."""
    folder.mkdir()
    for name in ("function_app.py", "host.json"):
        shutil.copy(app / name, folder)
    shutil.copytree(REPOSITORY / "proxy", folder / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    if kind is FUNC:
        shutil.copy(EXAMPLE, folder / "local.settings.json")
    return folder


@asynccontextmanager
async def running_real_host(kind: Kind, app: Path, environ: Mapping[str, str]) -> AsyncIterator[RealHost]:
    """Run a host for the app in a folder; it and all that it began have ended when the block has."""
    if kind.missing:
        pytest.skip(kind.missing)
    await asyncio.to_thread(_unpack, os.environ[kind.variable])
    port = free_port()
    values = {"app": str(app), "port": str(port), "python": str(PYTHON)}
    process = await asyncio.create_subprocess_exec(
        *ENDS_WITH_US,
        os.environ[kind.variable],
        *(argument.format(**values) for argument in kind.arguments),
        cwd=app,
        env={**_base(), **kind.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    host = RealHost(process)
    host.url = f"http://127.0.0.1:{port}"
    try:
        await host.wait_until_loaded()
        yield host
    finally:
        await host.end()


@cache
def _unpack(command: str) -> None:
    """Let a command that unpacks itself at its first call do so while no other process of the tests calls it."""
    with (PYTHON.parent.parent / "pyvenv.cfg").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([command, "--version"], env=_base(), capture_output=True, timeout=START_TIMEOUT, check=False)


def _base() -> dict[str, str]:
    """Return the environment of every host: `func` takes the first Python of the path."""
    kept = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR", "LANG") if name in os.environ}
    return {**kept, "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"}
