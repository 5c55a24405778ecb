"""The commands against a local.settings.json."""

import json
from pathlib import Path

import pytest

from proxy.config.key_format import digest_of
from proxy.config.settings import Settings
from proxy.values import Client, Limits
from tools.keys.__main__ import main

# No key of these tests ends before they are run.
END, END_SECONDS = "2999-01-31", 32_474_736_000.0
ENDPOINT = {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "local.settings.json"
    path.write_text(
        json.dumps({"IsEncrypted": False, "Values": {"CLIENT_KEYS": "local=sk-for-this-machine-only", "X": "y"}})
    )
    return path


def clients(file: Path) -> dict[str, Client]:
    values = json.loads(file.read_text())["Values"]
    settings = Settings.from_environ({**ENDPOINT, "CLIENT_KEYS": values["CLIENT_KEYS"]})
    return {key.client.name: key.client for key in settings.client_keys}


def run(file: Path, *arguments: str) -> int:
    return main(["--file", str(file), *arguments])


def test_a_key_is_made_limited_rotated_and_revoked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "new", "alice", "--rpm", "60", "--models", "gpt-5*,o3", "--expires", END) == 0
    first = capsys.readouterr().out.splitlines()[-1]
    limits = Limits(rpm=60, models=("gpt-5*", "o3"))
    assert clients(file) == {
        "local": Client(name="local"),
        "alice": Client(name="alice", expires=END_SECONDS, limits=limits),
    }
    assert run(file, "limit", "alice", "--rpm", "unlimited", "--tpm", "1000") == 0
    assert clients(file)["alice"].limits == Limits(tpm=1000, models=("gpt-5*", "o3"))
    assert run(file, "rotate", "alice") == 0
    assert first not in file.read_text()
    assert clients(file)["alice"].limits == Limits(tpm=1000, models=("gpt-5*", "o3"))
    assert run(file, "revoke", "alice") == 0
    assert set(clients(file)) == {"local"}
    assert json.loads(file.read_text())["Values"]["X"] == "y"


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    assert run(tmp_path / "new.json", "new", "alice") == 0
    assert set(clients(tmp_path / "new.json")) == {"alice"}


def test_the_list_shows_limits_and_no_key(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(file, "new", "alice", "--rpm", "60", "--expires", END)
    capsys.readouterr()
    assert run(file, "list") == 0
    printed = capsys.readouterr().out
    assert f"{END}T00:00:00Z  rpm=60" in printed
    assert "sk-" not in printed


def test_the_place_may_be_named_behind_the_command(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--file", str(file)]) == 0
    assert "local" in capsys.readouterr().out


def test_an_ended_key_is_listed_as_such_and_rotated_with_a_new_end_alone(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, "limit", "local", "--expires", "2020-01-01") == 0
    run(file, "list")
    assert "expired" in capsys.readouterr().out
    before = file.read_text()
    assert run(file, "rotate", "local") == 1
    assert "--expires" in capsys.readouterr().err
    assert file.read_text() == before
    assert run(file, "rotate", "local", "--expires", "2999-01-01") == 0


def test_the_key_of_an_operator_is_kept_apart_from_those_of_clients(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, "new", "alice", "--admin") == 0
    printed = capsys.readouterr().out
    assert f"written to ADMIN_KEYS of {file}" in printed
    values = json.loads(file.read_text())["Values"]
    settings = Settings.from_environ({**ENDPOINT, "ADMIN_KEYS": values["ADMIN_KEYS"]})
    assert [(key.client.name, key.digest) for key in settings.admin_keys] == [
        ("alice", digest_of(printed.splitlines()[-1]))
    ]
    assert set(clients(file)) == {"local"}
    assert run(file, "new", "bob", "--admin", "--tpm", "5") == 1


@pytest.mark.parametrize(
    "arguments",
    [("new", "a", "--expires", "2020-01-01"), ("new", "local"), ("limit", "nobody"), ("rotate", "nobody"),
     ("revoke", "nobody"), ("rotate", "local", "--overlap", "24h"), ("new", "a", "--starts", "2027-01-31"),
     ("new", "a", "--rpm", "x")],
)  # fmt: skip
def test_what_cannot_be_done_changes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    before = file.read_text()
    assert run(file, *arguments) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert file.read_text() == before


@pytest.mark.parametrize("text", ["canary", '{"Values": 1}', '{"Values": {"CLIENT_KEYS": "canary"}}'])
def test_a_file_that_is_wrong_is_told_without_its_content(
    file: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file.write_text(text)
    assert run(file, "list") == 1
    assert "canary" not in capsys.readouterr().err
