"""The package is complete, fits the machine it is for, is the same again, and starts."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from tests.tools.package.conftest import Opened, targets
from tests.tools.package.starting import bare_python, dependencies, spoken
from tools.package import bytecode, locked, target, vendored
from tools.package.build import LOCKS, build
from tools.package.target import Target

# It installs from the package index, which takes as long as that takes.
pytestmark = pytest.mark.timeout(600)

# Everything that the app imports, what it imports late included, but what needs requirements-telemetry.txt too.
IMPORTS = """
import importlib, pkgutil, sys
import function_app, proxy, azure.identity.aio, azure.keyvault.secrets.aio, azure_functions_runtime
for found in pkgutil.walk_packages(proxy.__path__, "proxy."):
    if found.name != "proxy.azure_services.open_telemetry":
        importlib.import_module(found.name)
print(*sorted({getattr(one, "__file__", None) or "" for one in list(sys.modules.values())}), sep="\\n")
"""
SETTINGS = {
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_OPENAI_API_KEY": "key",
    "CLIENT_KEYS": "a=sk-0123456789ab",
}
UNCHECKED_HASH = 1
RELEASED = "3.13"


# Where an installation of Azure's Python is found, below a home with bin/ on the PATH.
WAYS = ("bin", ".pyenv/versions/3.13.99/bin", ".local/share/uv/python/cpython-3.13.99-linux-x86_64-gnu/bin")


def installed(found: Target, folder: Path, environ: Mapping[str, str]) -> Target:
    """Install a Python a second time, in a folder for its programs, and find it there."""
    ask = "import sys; print(sys.base_prefix)"
    done = subprocess.run([found.python, "-c", ask], check=True, capture_output=True, text=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for part in ("bin", "lib"):
        (folder.parent / part).symlink_to(Path(done.stdout.strip()) / part)
    # Another one than Azure's is not looked for.
    return target.find("" if found.minor == RELEASED else str(folder / f"python{found.minor}"), environ)


def unfit(folder: Path, minor: str) -> list[Path]:
    """Return the wheels that none of their own tags lets into the target."""
    wheels = sorted(folder.glob("*.dist-info/WHEEL"))
    assert len(wheels) > 20
    return [wheel for wheel in wheels if not any(fits(tag, minor) for tag in tags(wheel))]


def tags(wheel: Path) -> Iterator[list[str]]:
    lines = wheel.read_text().splitlines()
    return (line.removeprefix("Tag: ").split("-") for line in lines if line.startswith("Tag: "))


def fits(tag: list[str], minor: str) -> bool:
    python, abi, platform = tag
    right_python = python in {"py3", f"cp{minor.replace('.', '')}"} or abi == "abi3"
    return right_python and platform in {"any", *target.platforms()}


@pytest.mark.parametrize("package", targets()[-1:], ids=lambda found: found.minor, indirect=True)
def test_built_twice_it_has_the_same_digest(package: Opened, sources: Path, tmp_path: Path) -> None:
    assert build(package.built.target, tmp_path / "again.zip", sources).sha256 == package.built.sha256


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("package", targets()[-1:], ids=lambda found: found.minor, indirect=True)
def test_it_is_the_same_from_each_way_to_find_that_python(package: Opened, way: str, tmp_path: Path) -> None:
    """On the PATH, among pyenv's versions, among uv's: what is not of the target's bytecode is the same anyhow."""
    again = installed(package.built.target, tmp_path / way, {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")})
    assert again.python.startswith(str(tmp_path))
    copy = tmp_path / "package"
    shutil.copytree(package.folder / "proxy", copy / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    bytecode.compile_all(copy, again)
    made = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*.pyc")}
    assert made == {path: (package.folder / path).read_bytes() for path in made}
    assert len(made) > 50


def test_the_app_and_its_dependencies_lie_where_azure_looks_for_them(package: Opened) -> None:
    assert {path.name for path in package.folder.iterdir()} - {"__pycache__"} == {
        *("function_app.py", "host.json", "proxy", "requirements.txt", ".python_packages"),
    }
    assert (package.folder / vendored.FOLDER / "aiohttp" / "__init__.py").is_file()


def test_every_source_has_bytecode_of_the_target_that_is_never_checked(package: Opened) -> None:
    built = package.built.target
    sources = sorted(package.folder.rglob("*.py"))
    assert len(sources) > 500
    for source in sources:
        head = (source.parent / "__pycache__" / f"{source.stem}.{built.cache_tag}.pyc").read_bytes()[:16]
        assert head[:4] == built.magic, source
        assert int.from_bytes(head[4:8], "little") == UNCHECKED_HASH, source


def test_no_bytecode_names_a_folder_of_the_machine_that_built_it(package: Opened) -> None:
    built_in = b"/package/proxy"
    for path in (package.folder / "proxy").rglob("*.pyc"):
        assert built_in not in path.read_bytes(), path


def test_every_wheel_fits_the_targets_python_and_glibc(package: Opened) -> None:
    assert unfit(package.folder / vendored.FOLDER, package.built.target.minor) == []


def test_every_wheel_of_a_release_fits_azure_whatever_python_is_here(tmp_path: Path) -> None:
    asking = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--ignore-requires-python"]
    only = [*locked.only_for(RELEASED), "--ignore-installed", "--target", str(tmp_path)]
    listed = ["--require-hashes", "--requirement", str(locked.kept(LOCKS, RELEASED))]
    subprocess.run([*asking, *only, *listed, "--report", tmp_path / "report"], check=True)
    urls = [one["download_info"]["url"] for one in json.loads((tmp_path / "report").read_text())["install"]]
    wheels = [parse_wheel_filename(url.rpartition("/")[2])[3] for url in urls]
    assert len(wheels) > 20
    assert all(any(fits(str(tag).split("-"), RELEASED) for tag in wheel) for wheel in wheels)


def test_nothing_in_it_is_there_for_developers_or_for_this_machine(package: Opened) -> None:
    names = {path.name for path in package.folder.rglob("*")}
    assert names.isdisjoint({"bin", "tests", "tools", "infra", "RECORD", "requirements-dev.txt", "local.settings.json"})
    assert "requirements-telemetry.txt" not in names


def test_all_that_the_app_ever_imports_is_in_it(package: Opened, tmp_path: Path) -> None:
    python = bare_python(package.built.target, tmp_path / "python")
    environ = {"PYTHONPATH": dependencies(package.folder), **SETTINGS}
    done = subprocess.run(
        [python, "-c", IMPORTS], cwd=package.folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    own = [line for line in done.stdout.splitlines() if "site-packages" in line]
    strangers = [path for path in own if not path.startswith(str(package.folder))]
    assert {Path(path).relative_to(tmp_path).parts[4] for path in strangers} <= {"azure_functions_runtime"}


async def test_it_starts_and_streams_with_nothing_of_the_project_but_itself(package: Opened) -> None:
    said = await spoken(package.built.path, package.built.target)
    assert said.endswith("data: [DONE]\n\n")
