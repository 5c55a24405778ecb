"""Owners of objects need names of clients and something that signs."""

import pytest

from proxy.config.environment import SettingError
from proxy.config.settings import Settings

KEY, OLD = "k" * 32, "o" * 40
BASE = {
    "AZURE_OPENAI_ENDPOINT": "https://a.openai.azure.com",
    "AZURE_OPENAI_API_KEY": "key",
    "CLIENT_KEYS": "alice=sk-alice-0123456789abcdef",
}


def owners(**settings: str) -> tuple[list[str], bool] | None:
    read = Settings.from_environ(BASE | settings).stored_objects.owners
    return None if read is None else ([key.reveal() for key in read.signing_keys], read.strict)


def test_objects_are_shared_unless_it_is_set() -> None:
    assert owners() is None
    assert owners(STORED_OBJECTS="off", ID_SIGNING_KEY=KEY) is None


def test_the_first_key_signs_and_the_one_before_is_read() -> None:
    assert owners(STORED_OBJECTS="owned", ID_SIGNING_KEY=KEY) == ([KEY], True)
    assert owners(STORED_OBJECTS="owned", ID_SIGNING_KEY=f"{KEY}, {OLD}") == ([KEY, OLD], True)


def test_the_key_may_be_in_the_vault() -> None:
    vault = {"KEY_VAULT_URL": "https://v.vault.azure.net"}
    assert owners(STORED_OBJECTS="owned", AZURE_OPENAI_AUTH="key", **vault) == ([], True)


def test_objects_without_an_owner_may_be_everybodys() -> None:
    settings = {"STORED_OBJECTS": "owned", "ID_SIGNING_KEY": KEY}
    assert owners(STORED_OBJECTS_WITHOUT_OWNER="everybody", **settings) == ([KEY], False)
    assert owners(STORED_OBJECTS_WITHOUT_OWNER="nobody", **settings) == ([KEY], True)


def test_without_a_key_nothing_can_be_signed() -> None:
    with pytest.raises(SettingError, match="ID_SIGNING_KEY is not set"):
        owners(STORED_OBJECTS="owned")


@pytest.mark.parametrize("key", ["k" * 31, f"{KEY},short", f"{KEY},{KEY},{KEY}", f"{KEY},", "k k" * 20])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(SettingError, match="ID_SIGNING_KEY") as caught:
        owners(STORED_OBJECTS="owned", ID_SIGNING_KEY=key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("mode", ["azure-key", "resource-key"])
def test_clients_with_azures_keys_have_no_names(mode: str) -> None:
    settings = {"STORED_OBJECTS": "owned", "ID_SIGNING_KEY": KEY, "CLIENT_AUTH": mode, "CLIENT_RESOURCES": "*"}
    environ = {name: value for name, value in (BASE | settings).items() if name != "CLIENT_KEYS"}
    with pytest.raises(SettingError, match="clients have no names"):
        Settings.from_environ(environ)
