"""Environment variables are read, and each kind of setting becomes a value or is refused with what is expected."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.environment import (
    Environment,
    Setting,
    SettingError,
    decode_json,
    is_model_name,
    json_number,
    json_object,
    json_text,
    parse_api_version,
    parse_auth_mode,
    parse_client_auth,
    parse_client_id,
    parse_content_filter_results,
    parse_count,
    parse_deployment,
    parse_deployment_apis,
    parse_flag,
    parse_model_mapper,
    parse_operation_surfaces,
    parse_seconds,
    parse_secret,
    parse_secret_name,
    parse_size,
    parse_stored_objects,
    parse_token_scope,
    printable_member,
)
from proxy.errors import ConfigurationError
from proxy.values import Api, AuthMode, ClientAuth, StoredObjects

CANARY = "canary"


def refuses(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"must|has no|names|uses") as caught:
        read(text)
    assert CANARY not in str(caught.value)


GOOD: list[tuple[Callable[[str], object], str, object]] = [
    (parse_api_version, "v1", "v1"),
    (parse_api_version, "2024-10-21", "2024-10-21"),
    (parse_api_version, "2025-04-01-preview", "2025-04-01-preview"),
    (parse_deployment, "gpt-4o_x.1", "gpt-4o_x.1"),
    (parse_secret_name, "azure-openai-key", "azure-openai-key"),
    (parse_secret_name, "x" * 127, "x" * 127),
    (parse_client_id, "5E0bd9bd-7b93-4f28-af87-19fc36ad61bd", "5E0bd9bd-7b93-4f28-af87-19fc36ad61bd"),
    (parse_token_scope, "https://ai.azure.com/.default", "https://ai.azure.com/.default"),
    (parse_auth_mode, "key-vault", AuthMode.KEY_VAULT),
    (parse_auth_mode, "managed-identity", AuthMode.MANAGED_IDENTITY),
    (parse_auth_mode, "key", AuthMode.KEY),
    (parse_client_auth, "keys", ClientAuth.KEYS),
    (parse_client_auth, "entra", ClientAuth.ENTRA),
    (parse_client_auth, "keys-and-entra", ClientAuth.KEYS_AND_ENTRA),
    (parse_client_auth, "azure-key", ClientAuth.AZURE_KEY),
    (parse_client_auth, "resource-key", ClientAuth.RESOURCE_KEY),
    (parse_content_filter_results, "strip", False),
    (parse_content_filter_results, "keep", True),
    (parse_seconds, "0.5", 0.5),
    (parse_seconds, "86400", 86_400.0),
    (parse_seconds, "1e2", 100.0),
    (parse_count, "1", 1),
    (parse_count, "0033554432", 33_554_432),
    (parse_count, "9" * 18, 10**18 - 1),
    (parse_size, "0", 0),
    (parse_size, "16", 16),
    (parse_model_mapper, "", {}),
    (parse_model_mapper, "a=b", {"a": "b"}),
    (parse_model_mapper, " a = b , c/d e=f ,, ", {"a": "b", "c/d e": "f"}),
    (parse_operation_surfaces, "", {}),
    (parse_operation_surfaces, "createImage=v1", {"createImage": "v1"}),
    (parse_operation_surfaces, " a-b = v1 , createImage = classic ,", {"a-b": "v1", "createImage": "classic"}),
    (parse_deployment_apis, "", {}),
    (parse_deployment_apis, "a=chat, b.c = responses ,d=auto,", {"a": Api.CHAT, "b.c": Api.RESPONSES}),
    (parse_flag, "true", True),
    (parse_flag, "True", True),
    (parse_flag, "1", True),
    (parse_flag, "FALSE", False),
    (parse_flag, "0", False),
    (parse_stored_objects, "shared", StoredObjects.SHARED),
    (parse_stored_objects, "off", StoredObjects.OFF),
]


@pytest.mark.parametrize(("read", "text", "value"), GOOD, ids=lambda value: getattr(value, "__name__", None))
def test_a_good_text_becomes_its_value(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


BAD: list[tuple[Callable[[str], object], list[str]]] = [
    (parse_api_version, ["", "canary", "v2", "V1", "2024-10-21-canary", "2024-1-1", "2024-10-21\n", "v1&canary",
                         "\u0662024-10-21"]),
    (parse_deployment, ["", ".", "..", "canary/x", "canary x", "canary" * 11, "canary\n", "é"]),
    (parse_secret_name, ["", "canary_x", "canary/x", "x" * 128, "canary.x", "canary "]),
    (parse_client_id, ["", "canary", "5e0bd9bd7b934f28af8719fc36ad61bd", "{5e0bd9bd-7b93-4f28-af87-19fc36ad61bd}"]),
    (parse_token_scope, ["", "canary", "http://canary/.default", "https://canary", "https://canary/.default "]),
    (parse_secret, ["", "canary key", "canary\n", "canaryé", "canary\x7f", "\tcanary"]),
    (parse_auth_mode, ["", "canary", "Key", "KEY_VAULT", "keyvault", "none"]),
    (parse_client_auth, ["", "canary", "Keys", "azure_key", "resource", "keys,azure-key"]),
    (parse_content_filter_results, ["", "canary", "Strip", "true"]),
    (parse_seconds, ["", "canary", "0", "-1", "nan", "inf", "-inf", "86400.1", "1e99", "1 s", "0x5", "1,5"]),
    (parse_count, ["", "canary", "0", "000", "-1", "+1", "1.0", "1e3", "²", "٣", "1" * 19, "9" * 5000, " 1", "1_0"]),
    (parse_model_mapper, ["canary", "canary=", "=canary", "a=b,canary", "canary=b,canary=c", "a=canary/x", "a=..",
                          "a=b=canary"]),
    (parse_operation_surfaces, ["canary", "canary=", "=v1", "a=canary", "a=V1", "a=v1,canary", "a=v1=canary",
                                "canary=v1,canary=classic"]),
    (parse_deployment_apis, ["canary", "canary=", "=chat", "a=canary", "a=Chat", "a/canary=chat",
                             "a=chat,a=responses"]),
    (parse_size, ["", "canary", "-1", "1.0", "²", "1" * 19, " 1"]),
    (parse_flag, ["", "canary", "yes", "on", "2", "truecanary", "²"]),
    (parse_stored_objects, ["", "canary", "Shared", "on", "true", "shared,off"]),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text"), [(read, text) for read, texts in BAD for text in texts])
def test_a_bad_text_is_refused_with_what_is_expected_and_not_shown(read: Callable[[str], object], text: str) -> None:
    refuses(read, text)


def test_the_wrong_entry_of_a_list_is_told_by_its_number() -> None:
    for read, text in (
        (parse_model_mapper, "a=b,,c=d/e"),
        (parse_operation_surfaces, "a=v1,b=v2"),
        (parse_deployment_apis, "a=chat,b=v2"),
    ):
        with pytest.raises(ValueError, match="entry 2"):
            read(text)


def test_a_secret_is_hidden() -> None:
    secret = parse_secret("canary=+/")
    assert secret.reveal() == "canary=+/"
    assert CANARY not in repr(secret)


def parse_number(text: str) -> int:
    if not text.isdigit():
        raise ValueError("must be a number")
    return int(text)


def number(name: str, default: str = "") -> Setting[int]:
    return Setting(name, parse_number, default, "A number.")


ENVIRONMENT = Environment({"GOOD": " 5 ", "BAD": "canary", "EMPTY": "", "BLANK": " \t"})


@pytest.mark.parametrize("name", ["EMPTY", "BLANK", "ABSENT"])
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert ENVIRONMENT.is_set(number(name)) is False
    assert ENVIRONMENT.read(number(name, "7")) == 7
    assert ENVIRONMENT.read_optional(number(name)) is None
    with pytest.raises(SettingError, match=f"^{name} is not set: it must be a number$"):
        ENVIRONMENT.read(number(name))


def test_a_variable_is_read_without_the_space_around_it() -> None:
    assert ENVIRONMENT.is_set(number("GOOD"))
    assert (ENVIRONMENT.read(number("GOOD", "7")), ENVIRONMENT.read_optional(number("GOOD"))) == (5, 5)


@pytest.mark.parametrize("read", [ENVIRONMENT.read, ENVIRONMENT.read_optional])
def test_a_wrong_variable_is_named_and_never_shown(read: Callable[[Setting[int]], int | None]) -> None:
    with pytest.raises(SettingError, match=r"^BAD must be a number$") as caught:
        read(number("BAD", "7"))
    assert caught.value.name == "BAD"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_wrong_setting_is_a_wrong_configuration() -> None:
    error = SettingError("NAME", "is wrong")
    assert isinstance(error, ConfigurationError)
    assert (error.status, error.message, error.reason) == (503, "NAME is wrong", "configuration_error")


NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_every_json_value_is_read(value: object) -> None:
    assert decode_json(json.dumps(value)) == value
    assert decode_json(json.dumps(value).encode()) == value


def test_a_byte_order_mark_of_a_file_is_no_content() -> None:
    assert decode_json(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    "document",
    [
        "", CANARY, f'{{"{CANARY}"', f'["{CANARY}]', f'["{CANARY}",]', "[NaN]", "[Infinity]", "[-Infinity]",
        f'"{CANARY}\n"', "[" * 100_000, "[" + "9" * 10_000 + "]", b"[\"\xff\"]", f"'{CANARY}'",
        f'{{"a": 1}} {CANARY}', "[01]",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused_and_not_shown(document: str | bytes) -> None:
    with pytest.raises(ValueError, match="must be JSON") as caught:
        decode_json(document)
    assert CANARY not in str(caught.value)


def test_the_place_of_a_mistake_is_told() -> None:
    with pytest.raises(ValueError, match="line 2, column 3 is wrong"):
        decode_json('{\n  x"')


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ('{"endpoint": 1, "name": 2, "endpoint": 1}', "endpoint"),
        ('[{"a": {"b": 1, "b": 2}}]', "b"),
        ('{"a": 1, "\\u0061": 2}', "a"),
        ('{"sk-4242": 1, "sk-4242": 2}', "a member"),
    ],
)
def test_a_name_may_not_stand_twice_in_an_object(document: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"must not say {said} twice"):
        decode_json(document)


def test_the_same_name_may_stand_in_several_objects() -> None:
    assert decode_json('[{"a": {"a": 1}}, {"a": 2}]') == [{"a": {"a": 1}}, {"a": 2}]


def test_a_value_of_another_kind_is_told_by_what_is_expected() -> None:
    for no_object in ([CANARY], None, 1, CANARY):
        with pytest.raises(ValueError, match=r"^must be a JSON object$"):
            json_object(no_object)
    for no_text in (1, None, [CANARY], True):
        with pytest.raises(ValueError, match=r"^must be a text$"):
            json_text(no_text)
    assert json_object({"a": 1}) == {"a": 1}
    assert json_text("a") == "a"


def test_a_number_has_its_bounds_and_is_no_truth_value() -> None:
    assert [json_number(value, 5) for value in (0, 5, 2.5, -0.0)] == [0.0, 5.0, 2.5, 0.0]
    wrong: tuple[object, ...] = (-1, 5.1, True, False, "1", None, [], 10**400, float("inf"), float("nan"))
    for value in wrong:
        with pytest.raises(ValueError, match="must be a number from 0 to 5"):
            json_number(value, 5)


def test_the_name_of_a_member_is_shown_unless_it_may_be_a_secret() -> None:
    assert [printable_member(name) for name in ("endpoint", "Key_Secret", "sk-42", "", "a" * 41)] == [
        "endpoint", "Key_Secret", "a member", "a member", "a member",
    ]  # fmt: skip


def test_a_models_name_is_a_short_printable_text() -> None:
    assert all(map(is_model_name, ("a", "gpt-4o", "c/d e", "modèle", "m" * 256)))
    assert not any(map(is_model_name, ("", " ", "a ", "\t", "a\x00", "m" * 257, None, 1)))
