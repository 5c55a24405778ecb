"""`python -m tools.doctor`: what it prints, how it exits, and that its page is its table."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.diagnosis.budgets import softened
from proxy.diagnosis.findings import finding
from proxy.diagnosis.table import FINDINGS
from tests.integration.broken_setups import CANARY
from tests.processes import REPOSITORY
from tools.doctor_page import PAGE, written
from tools.keys.__main__ import parser

WRONG = {"AZURE_OPENAI_ENDPOINT": f"https://{CANARY}", "FRONT_PAGE": CANARY, "AZURE_OPENAI_AUTH": CANARY}
# Nothing but the settings can be looked at: nobody listens there.
DOWN = {
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_OPENAI_API_KEY": CANARY,
    "CLIENT_KEYS": f"alice=sk-{CANARY}-0123456789abcdef",
}


def doctor(settings: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.doctor", "--local-settings", str(settings), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
        timeout=60,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "local.settings.json"


def test_each_wrong_setting_is_named_with_its_cure_and_none_of_its_value(settings: Path) -> None:
    settings.write_text(json.dumps({"Values": {**WRONG, "AZURE_OPENAI_MODELMAPPER": CANARY}}))
    done = doctor(settings)
    assert done.returncode == 2
    for name in ("FRONT_PAGE", "AZURE_OPENAI_AUTH"):
        assert f"FAULT  setting_wrong: {name} must be" in done.stdout
        assert f"mend   export {name}=VALUE" in done.stdout
    assert "WARNING  setting_unknown: There is no setting AZURE_OPENAI_MODELMAPPER." in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_it_prints_each_event_as_json(settings: Path) -> None:
    settings.write_text(json.dumps({"Values": DOWN}))
    done = doctor(settings, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    found = [event["code"] for event in events if event["type"] == "finding"]
    # The built-in prices of an older clone are old.
    assert [code for code in found if code != "prices_old"] == ["connection_failed"]
    assert events[-1]["exit_code"] == done.returncode == 2
    states = {event["check"]: event["state"] for event in events if event["type"] == "check"}
    assert states["client keys"] == "ok"
    assert states["identity"] == states["vault"] == states["deployments of 127"] == "skipped"
    assert CANARY not in done.stdout + done.stderr


def test_what_is_no_file_of_settings_is_a_fault(settings: Path) -> None:
    settings.write_text("{")
    done = doctor(settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_its_help_has_the_exit_codes(settings: Path) -> None:
    assert "The exit code is 0 if all is well, 1" in " ".join(doctor(settings, "--help").stdout.split())


@pytest.mark.parametrize("where", ["--vault kv-1", "--file local.settings.json"])
@pytest.mark.parametrize("code", FINDINGS)
def test_a_command_of_this_project_that_mends_something_can_be_run(code: str, where: str) -> None:
    overlap = " --overlap 24h" if "vault" in where else ""
    facts = {"keys": where, "overlap": overlap, "soften": softened(("alice",), {"keys": where})}
    cure = finding("check", code, "alice", facts).cure
    for tool, arguments in re.findall(r"python -m tools\.(\w+)([^,;(]*)", cure):
        assert importlib.util.find_spec(f"tools.{tool}") is not None
        if tool == "keys":
            parser().parse_args(arguments.split())


def test_its_page_is_its_table() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "run python -m tools.doctor_page"


def test_the_app_imports_nothing_of_it_before_somebody_asks() -> None:
    loaded = (
        "import function_app, sys; print([name for name in sys.modules if name.startswith"
        "(('proxy.diagnosis', 'proxy.pipeline.doctor', 'proxy.pipeline.readiness', 'proxy.azure_services.probes'))])"
    )
    environ = {**DOWN, "PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", loaded], cwd=REPOSITORY, capture_output=True, text=True, check=True, env=environ
    )
    assert done.stdout.splitlines()[-1] == "[]"  # an older clone says before that its prices are old
