"""An environment of its own for each client, with the versions that its file of requirements names, made once."""

import fcntl
import hashlib
import subprocess
import venv
from pathlib import Path

import pytest

from tests.processes import REPOSITORY

REQUIREMENTS = Path(__file__).parent / "requirements"
ENVIRONMENTS = REPOSITORY / ".venv" / "clients"
INSTALL_TIMEOUT = 600.0


def python_of(client: str) -> Path:
    """Return the Python of a client's environment; skip the test where no package index is in reach."""
    wanted = REQUIREMENTS / f"{client}.txt"
    environment = ENVIRONMENTS / client
    stamp = environment / "installed"
    with wanted.open("rb") as requirements:
        fcntl.flock(requirements, fcntl.LOCK_EX)  # Other processes run other tests.
        digest = hashlib.sha256(requirements.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text() != digest:
            venv.EnvBuilder(clear=True, with_pip=True).create(environment)
            _install(environment / "bin" / "python", wanted)
            stamp.write_text(digest)
    return environment / "bin" / "python"


def _install(python: Path, wanted: Path) -> None:
    pip = (str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "-r", str(wanted))
    done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
    if "Failed to establish a new connection" in done.stderr:
        pytest.skip(f"{wanted.name} cannot be installed: no package index is in reach")
    assert done.returncode == 0, done.stderr
