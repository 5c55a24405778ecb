"""Starts a package as Azure would find it: `python -m tests.tools.package.starting FILE --python python3.13`.

The worker gets a Python with nothing installed but, below 3.13, Microsoft's runtime, and on its path the package and
the local host's own files. The host runs on the Python of the tests.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.processes import REPOSITORY, HostProcess
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator
from tools.package import target, vendored
from tools.package.target import Target

CLIENT_KEY = "sk-package-0123456789abcdef"
REQUIREMENTS = REPOSITORY / "requirements.txt"
RUNTIME = re.findall(r"azure-functions-runtime==\S+", REQUIREMENTS.read_text())[0]
BUILT_IN_SINCE = (3, 13)
# The host starts its workers with its own Python; here they get another one.
LAUNCH = """
import runpy, sys
sys.executable = sys.argv.pop(1)
runpy.run_module("tools.functions_host", run_name="__main__", alter_sys=True)
"""


def bare_python(found: Target, folder: Path) -> Path:
    """Make an environment with nothing in it but the runtime, where the package brings none; return its Python."""
    subprocess.run([found.python, "-m", "venv", "--without-pip", folder], check=True)
    if found.version < BUILT_IN_SINCE:
        packages = folder / "lib" / f"python{found.minor}" / "site-packages"
        options = ["--quiet", "--no-deps", "--ignore-requires-python", "--root-user-action=ignore"]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, "--target", packages, RUNTIME],
            check=True,
        )
    return folder / "bin" / "python"


def unpacked(package: Path, folder: Path) -> Path:
    """Unpack a package into a folder and return it."""
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def dependencies(app: Path) -> str:
    """Return what Azure's worker puts on the path for an app."""
    return str(app / vendored.FOLDER)


@asynccontextmanager
async def running(app: Path, python: Path, environ: Mapping[str, str], folder: Path) -> AsyncIterator[HostProcess]:
    """Run an unpacked package on a Python under the local host, whose files are copied into `folder`."""
    shutil.copytree(REPOSITORY / "tools" / "functions_host", folder / "tools" / "functions_host")
    (folder / "tools" / "__init__.py").touch()
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"Values": {**environ, "PYTHONPATH": dependencies(app)}}))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LAUNCH, str(python), "--app", str(app), "--port", "0"),
        *("--local-settings", str(settings)),
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    host = HostProcess(process)
    try:
        await host.wait_until_ready()
        yield host
    finally:
        await host.end()


def environ_for(simulator: Simulator) -> dict[str, str]:
    """Return the settings of a package on the simulator."""
    return {
        "AZURE_OPENAI_ENDPOINT": simulator.url,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "CLIENT_KEYS": f"package={CLIENT_KEY}",
    }


async def spoken(package: Path, found: Target) -> str:
    """Start a package, ask it for its health and for a stream, and return what it said at last."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = await asyncio.to_thread(bare_python, found, folder / "python")
        app = unpacked(package, folder / "app")
        async with (
            Simulator().serving() as simulator,
            running(app, python, environ_for(simulator), folder / "host") as host,
            aiohttp.ClientSession(
                host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}, raise_for_status=True
            ) as http,
        ):
            await (await http.get("/health")).read()
            body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
            return await (await http.post("/v1/chat/completions", json=body)).text()


def main() -> None:
    """Start a package and tell whether it streams."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.package.starting", description="Start a package.")
    parser.add_argument("package", type=Path)
    parser.add_argument("--python", default="")
    options = parser.parse_args()
    found = target.find(options.python)
    if not asyncio.run(spoken(options.package, found)).endswith("data: [DONE]\n\n"):
        sys.exit("The package started but did not stream.")
    print(f"{options.package} starts and streams on Python {found.minor}.")  # noqa: T201


if __name__ == "__main__":
    main()
