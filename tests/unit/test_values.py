"""The values that cross layers."""

import pickle
import tomllib
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from proxy.values import DEPLOYMENT_NAME, AuthMode, Client, ClientKey, Secret
from proxy.version import VERSION


def test_a_secret_is_shown_by_nothing_but_reveal() -> None:
    secret = Secret("canary")
    assert secret.reveal() == "canary"
    entry = ClientKey(client=Client(name="a"), digest="canary")
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", repr([secret]), repr(entry), str(entry)):
        assert "canary" not in shown
    assert not hasattr(secret, "__dict__")


def test_secrets_are_equal_by_their_text_and_to_nothing_else() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_value_cannot_be_changed() -> None:
    client = Client(name="a")
    with pytest.raises(FrozenInstanceError):
        client.name = "b"  # type: ignore[misc]


def test_the_modes_are_spelt_as_in_the_setting() -> None:
    assert [mode.value for mode in AuthMode] == ["key-vault", "managed-identity", "key", "none"]
    assert pickle.loads(pickle.dumps(AuthMode.KEY)) is AuthMode.KEY


@pytest.mark.parametrize("name", ["a", "gpt-4o", "A.b_c-9", "x" * 64, "...", ".a", "a."])
def test_a_deployments_name_is_what_azure_allows(name: str) -> None:
    assert DEPLOYMENT_NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "x" * 65, "a/b", "a b", "a\n", "é", "a%2e", "a?", "a#", "a;b", "a\\b", "a:b"]
)
def test_nothing_that_changes_a_path_is_a_deployments_name(name: str) -> None:
    assert DEPLOYMENT_NAME.fullmatch(name) is None


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
