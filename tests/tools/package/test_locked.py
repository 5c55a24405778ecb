"""The list of a release names what requirements.txt asks for."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.package import locked
from tools.package.build import LOCKS, ROOT

MINOR = "3.13"
LINE = re.compile(r"([a-z0-9_.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}")


def asked() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    requirements = (Requirement(line) for line in lines if line and not line.startswith("#"))
    environment = {"python_version": MINOR, "python_full_version": f"{MINOR}.0"}
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in requirements
        if one.marker is None or one.marker.evaluate(environment)
    }


def listed() -> dict[str, str]:
    lines = locked.kept(LOCKS, MINOR).read_text().splitlines()[1:]
    matches = [LINE.fullmatch(line) for line in lines]
    assert None not in matches
    return {canonicalize_name(match[1]): match[2] for match in matches if match}


def test_the_list_of_a_release_has_every_requirement_in_its_version() -> None:
    assert asked().items() <= listed().items(), "run: make lock"


def test_the_list_brings_azures_runtime_so_that_the_platform_cannot_change_it() -> None:
    assert "azure-functions-runtime" in listed()
