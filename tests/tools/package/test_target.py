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


def pretend(folder: Path, minor: str = "3.13") -> Path:
    """A program that says of itself that it is a Python."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "python3.13"
    version = [*map(int, minor.split(".")), 5]
    path.write_text(f'#!/bin/sh\necho \'[{version}, "cpython-313", "f30d0d0a"]\'\n')
    path.chmod(0o755)
    return path


def test_azures_python_is_found_on_the_path_with_pyenv_and_with_uv(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}
    uv = pretend(tmp_path / ".local" / "share" / "uv" / "python" / "cpython-3.13.9-linux-x86_64-gnu" / "bin")
    assert target.find("", home).python == str(uv)
    pretend(tmp_path / ".pyenv" / "versions" / "3.13.2" / "bin")
    pyenv = pretend(tmp_path / ".pyenv" / "versions" / "3.13.11" / "bin")
    assert target.find("", home).python == str(pyenv)
    on_path = pretend(tmp_path / "bin")
    assert target.find("", home).python == str(on_path)


def test_one_that_does_not_run_or_is_another_is_passed_over(tmp_path: Path) -> None:
    """The shim of pyenv is on the PATH also when no such version is chosen."""
    shims, other = tmp_path / "shims", tmp_path / "other"
    pretend(shims).write_text("#!/bin/sh\necho command not found >&2\nexit 127\n")
    pretend(other, "3.12")
    there = pretend(tmp_path / ".pyenv" / "versions" / "3.13.0" / "bin")
    assert target.find("", {"HOME": str(tmp_path), "PATH": f"{shims}:{other}"}).python == str(there)


def test_without_one_it_says_what_to_install_and_what_was_tried(tmp_path: Path) -> None:
    pretend(tmp_path / "bin", "3.12")
    with pytest.raises(
        PackageError, match=r"(?s)uv python install 3\.13.*pyenv install 3\.13.*Tried .*is Python 3\.12"
    ):
        target.find("", {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")})


def test_every_wheel_up_to_the_glibc_of_the_target_fits_and_none_above() -> None:
    tags = target.platforms()
    assert tags[0] == "manylinux_2_36_x86_64"
    assert {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"} < set(tags)
    assert "manylinux_2_39_x86_64" not in tags
