"""The packages that are looked at, each built once: for the Python of the tests, and for Azure's where it is here."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.package.starting import unpacked
from tools.package import ignored, target
from tools.package.build import ROOT, Built, build
from tools.package.errors import PackageError
from tools.package.target import Target

# Where Azure's Python is on this machine, if it is not where it is looked for.
AZURES_PYTHON = os.environ.get("TARGET_PYTHON", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A package and the folder that it was unpacked into."""

    built: Built
    folder: Path


def targets() -> list[Target]:
    """Return the Pythons to build for."""
    running = target.find(sys.executable)
    try:
        azures = target.find(AZURES_PYTHON)
    except PackageError:
        return [running]
    return [running] if azures.version[:2] == running.version[:2] else [running, azures]


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app, which nobody changes between two builds."""
    copy = tmp_path_factory.mktemp("sources")
    for path in ignored.files(ROOT, ignored.parse((ROOT / ".funcignore").read_text())):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy / path)
    shutil.copyfile(ROOT / ".funcignore", copy / ".funcignore")
    return copy


@pytest.fixture(scope="session", params=targets(), ids=lambda found: found.minor)
def package(request: pytest.FixtureRequest, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A package for each Python."""
    built = build(request.param, tmp_path_factory.mktemp("built") / "released-package.zip", sources)
    return Opened(built=built, folder=unpacked(built.path, tmp_path_factory.mktemp("package")))
