"""The Python that a package is for is found, or the reader is told what to do."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tools.package import target
from tools.package.errors import PackageError


def test_a_python_tells_its_version_and_its_bytecode() -> None:
    found = target.find(sys.executable)
    assert found.version == sys.version_info[:3]
    assert found.minor == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (found.cache_tag, found.magic) == (sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER)


def test_a_python_that_is_not_there_is_told_with_what_to_do() -> None:
    with pytest.raises(PackageError, match=r"no python9\.9 on the PATH.* --python"):
        target.find("python9.9")


def test_a_python_that_does_not_run_is_told_with_what_it_said(tmp_path: Path) -> None:
    broken = tmp_path / "python3.13"
    broken.write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    broken.chmod(0o755)
    with pytest.raises(PackageError, match=r"(?s)--python .*no such version"):
        target.find(str(broken))


def test_a_program_that_is_no_python_is_told(tmp_path: Path) -> None:
    other = tmp_path / "python3.13"
    other.write_text("#!/bin/sh\necho hello\n")
    other.chmod(0o755)
    with pytest.raises(PackageError, match="does not run"):
        target.find(str(other))


def test_every_wheel_up_to_the_glibc_of_the_target_fits_and_none_above() -> None:
    tags = target.platforms()
    assert tags[0] == "manylinux_2_36_x86_64"
    assert {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"} < set(tags)
    assert "manylinux_2_39_x86_64" not in tags
