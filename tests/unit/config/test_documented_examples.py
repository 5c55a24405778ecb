"""The examples that users read are accepted."""

import re
from pathlib import Path

from proxy.config.policy import Policy, parse_policy
from proxy.config.resources import parse_resources

ROOT = Path(__file__).parents[3]


def json_examples(page: str) -> list[str]:
    return re.findall(r"```json\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


def test_the_resources_of_the_readme_are_accepted() -> None:
    (text,) = json_examples("README.md")
    found = parse_resources(text, vault=True, read_file=lambda _: b"")
    assert [one.priority for one in found] == [0, 1]


def test_the_failover_numbers_of_the_pages_are_accepted() -> None:
    (text,) = json_examples("docs/settings.md")
    assert parse_policy(text) == Policy(attempts=2, retries_timeouts=True)
    assert text in json_examples("docs/resources.md")
