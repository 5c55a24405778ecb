"""What users read is true: examples are accepted, links lead somewhere, and settings, commands and fields exist."""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from proxy.config.policy import Policy, parse_policy
from proxy.config.resources import parse_resources
from proxy.server.access_log import AccessLogEntry, FailedAttempt
from proxy.values import Usage
from tools.deploy_parameters import declared, variable
from tools.settings_table import FOR_PLATFORM, settings

ROOT = Path(__file__).parents[2]
PATTERNS = ("*.md", "docs/**/*.md", "examples/*.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for pattern in PATTERNS for path in ROOT.glob(pattern))
LINK = re.compile(r"\]\(([^)]+)\)")
# Settings of the platform, of another proxy and of chat UIs.
NAMED_FOR_OTHERS = {
    "AZURE_FUNCTIONS_ENVIRONMENT",
    *("AZURE_OPENAI_API_VER", "AZURE_URL", "AZURE_ENDPOINT", "AZURE_API_KEY"),
    *("AZURE_OPENAI_API_BASE_URL", "AZURE_OPENAI_DEPLOYMENT"),
}
SETTING = re.compile(
    r"`((?:AZURE|CLIENT|KEY_VAULT|MAX|UPSTREAM|STREAM|ALLOWED|STORED|CONTENT|REPAIR|FORWARD)_[A-Z_]+)\b"
)


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def json_examples(page: str) -> list[str]:
    return re.findall(r"```json\n(.*?)```", text_of(page), re.DOTALL)


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_list_of_resources_in_the_guide_is_accepted() -> None:
    text = json_examples("docs/resources.md")[0]
    found = parse_resources(text, vault=True, read_file=lambda _: b"")
    assert [one.priority for one in found] == [0, 1, 1, 2]


def test_the_failover_numbers_of_the_pages_are_accepted() -> None:
    (text,) = json_examples("docs/settings.md")
    assert parse_policy(text) == Policy(attempts=2, retries_timeouts=True)
    assert text in json_examples("docs/resources.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_to_one_of_its_headings(page: str) -> None:
    for link in LINK.findall(text_of(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / unquote(path) if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.resolve().relative_to(ROOT.resolve()).as_posix()), link


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_every_setting_that_a_page_names_exists(page: str) -> None:
    named = set(SETTING.findall(text_of(page)))
    of_azd = {variable(name) for name in declared()}
    assert named <= {one.name for one in settings()} | FOR_PLATFORM.keys() | NAMED_FOR_OTHERS | of_azd


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", text_of(page))) <= targets


def test_the_readme_is_short_and_installs_the_sdk_before_its_example() -> None:
    readme = text_of("README.md")
    assert len(readme.splitlines()) <= 140
    assert readme.index("pip install openai") < readme.index("from openai import OpenAI")


def test_every_field_of_the_log_line_is_described() -> None:
    written: list[str] = []
    entry = AccessLogEntry("id", lambda: 0.0, written.append)
    entry.client, entry.operation, entry.error = "client", "operation", "error"
    entry.translated, entry.reasoning_missed = "chat", 1
    entry.add_attempt(0, "deployment")
    entry.add_failure(FailedAttempt(0, 429, "429"))
    entry.add_sending(0, 0, Usage(input_tokens=0, output_tokens=0, estimated=True, cached_tokens=1))
    entry.cost, entry.budget_used = 1, lambda: 0.5
    entry.write(outcome="completed")
    described = text_of("docs/monitoring.md").partition("## The log line of a request")[2].partition("| Outcome")[0]
    rows = re.findall(r"^\| (`.+?) \|", described, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == json.loads(written[0]).keys()


@pytest.mark.parametrize("page", ["docs/architecture.md"])
def test_every_file_of_the_code_that_the_guide_names_exists(page: str) -> None:
    named = re.findall(r"`([\w/]+\.py)`", text_of(page))
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    assert named
    assert [name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files)] == []


def test_every_test_that_the_threats_name_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text_of("docs/security.md"))
    assert len(named) > 40
    assert [
        name for file, name in named if not re.search(rf"^(?:async )?def {name}\(", text_of(file), re.MULTILINE)
    ] == []
