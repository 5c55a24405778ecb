"""Findings, their texts, and how a run ends."""

import re
import string

import msgspec
import pytest

from proxy.diagnosis.findings import Finding, Progress, State, encode, finding, state_of, summary
from proxy.diagnosis.table import FINDINGS, Severity

FAULT = finding("vault", "key_vault_forbidden", "kv-1", {"principal": "p", "vault_id": "v", "principal_type": "User"})
WARNING = finding("template", "template_differs", "template", {"template": "v1", "version": "v2"})


def test_the_ids_of_a_set_up_are_in_the_command() -> None:
    assert FAULT.cure == (
        'az role assignment create --role "Key Vault Secrets User" --assignee-object-id p '
        "--assignee-principal-type User --scope v"
    )
    assert FAULT.what == "The identity may not read the secrets of kv-1."


def test_an_id_that_nobody_knows_is_a_word_in_capitals() -> None:
    assert "--vault-name VAULT --name SECRET" in finding("vault", "key_vault_secret_disabled", "s", {}).cure


@pytest.mark.parametrize("code", FINDINGS)
def test_each_code_says_what_is_wrong_why_and_what_mends_it(code: str) -> None:
    row = FINDINGS[code]
    assert row.what.endswith(".")
    assert row.why.endswith(".")
    assert re.search(r"az |curl |python -m|openssl|\{set\}|\{mend_", row.cure), row.cure
    for text in (row.what, row.why, row.cure):
        assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(text))


@pytest.mark.parametrize(
    ("found", "state", "code"),
    [
        ((), State.OK, 0),
        ((WARNING,), State.WARNING, 1),
        ((FAULT,), State.FAULT, 2),
        ((WARNING, FAULT, WARNING), State.FAULT, 2),
    ],
)
def test_a_check_and_a_run_are_as_bad_as_their_worst_finding(
    found: tuple[Finding, ...], state: State, code: int
) -> None:
    assert state_of(found) is state
    last = summary(found, is_complete=True)
    assert last.exit_code == code
    severities = [one.severity for one in found]
    assert (last.faults, last.warnings) == (severities.count(Severity.FAULT), severities.count(Severity.WARNING))


def test_a_run_that_did_not_end_is_no_success() -> None:
    assert summary((), is_complete=False).exit_code == 2


def test_an_event_is_a_line_of_json_with_its_type() -> None:
    line = encode(Progress(check="vault", state=State.RUNNING))
    assert line == b'{"type":"check","check":"vault","state":"running","detail":""}\n'
    assert msgspec.json.decode(encode(FAULT))["type"] == "finding"
    assert msgspec.json.decode(encode(summary((), is_complete=True)))["type"] == "summary"
