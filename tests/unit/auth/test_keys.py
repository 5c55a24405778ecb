"""Who is calling: the holders of client keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth.keys import INVALID_KEY, KeyRing
from proxy.config.key_format import digest_of, make_key
from proxy.errors import Unauthenticated
from proxy.values import Client, ClientKey

NOW = 1_800_000_000.0
ALICE, BOB = "alice-key-1", "bob-key-2"


def entry(name: str, key: str, not_before: float | None = None, expires: float | None = None) -> ClientKey:
    return ClientKey(client=Client(name=name, not_before=not_before, expires=expires), digest=digest_of(key))


RING = KeyRing([entry("alice", ALICE), entry("bob", BOB)], pepper=b"p" * 64)


def refused(headers: dict[str, str], ring: KeyRing = RING, now: float = NOW) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        ring.identify(headers, now)
    assert (caught.value.status, caught.value.type) == (401, "invalid_request_error")
    return caught.value


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {BOB}"},
        {"authorization": f"bearer {BOB}"},
        {"authorization": f"BEARER   {BOB}  "},
        {"api-key": BOB},
        {"api-key": f" {BOB} "},
        {"authorization": "", "api-key": BOB},
        {"authorization": f"Bearer {BOB}", "api-key": ""},
        {"authorization": f"Bearer {BOB}", "api-key": BOB},
        {"authorization": "Basic dXNlcjpwYXNz", "api-key": BOB},
        {"authorization": "Bearer of-another-gateway", "api-key": BOB},
        {"authorization": f"Bearer {BOB}", "api-key": "of-another-gateway"},
        {"authorization": f"Bearer {BOB}, Bearer {BOB}"},
        {"api-key": f"{BOB}, {BOB}"},
    ],
)
def test_a_client_is_known_by_its_key(headers: dict[str, str]) -> None:
    assert RING.identify(headers, NOW).name == "bob"


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer "}, {"authorization": "   "},
        {"api-key": ""}, {"api-key": "  "}, {"authorization": f"Basic {BOB}"}, {"authorization": BOB},
        {"authorization": f"Bearer{BOB}"}, {"authorization": f"Token {BOB}"}, {"x-api-key": BOB}, {"cookie": BOB},
        {"Authorization": f"Bearer {BOB}"},
    ],
)  # fmt: skip
def test_without_a_key_the_client_is_told_how_to_send_one(headers: dict[str, str]) -> None:
    error = refused(headers)
    assert (error.code, error.message.partition(".")[0]) == (None, "You didn't provide an API key")


@pytest.mark.parametrize(
    "key",
    ["x", ALICE.upper(), ALICE[:-1], f"{ALICE}x", f"{ALICE}, Bearer x", f"{ALICE},{BOB}", "é" * 9, "😀", "\x00",
     f'"{ALICE}"', "*", "None", "x" * 100_000, "\xa0\xff", f"{ALICE}\x00"],
)  # fmt: skip
def test_a_wrong_key_is_refused_in_either_header(key: str) -> None:
    for headers in ({"authorization": f"Bearer {key}"}, {"api-key": key}):
        error = refused(headers)
        assert error.code == INVALID_KEY
        assert key not in error.message or len(key) == 1


def test_two_merged_headers_are_not_two_keys() -> None:
    assert refused({"authorization": f"Bearer {ALICE}, Bearer {BOB}"}).code == INVALID_KEY


def test_two_different_keys_are_refused_even_if_both_are_good() -> None:
    error = refused({"authorization": f"Bearer {ALICE}", "api-key": BOB})
    assert (error.code, "two different" in error.message) == (INVALID_KEY, True)


@pytest.mark.parametrize(
    ("not_before", "expires", "valid"),
    [
        (None, None, True), (NOW, None, True), (NOW + 1, None, False), (None, NOW, False), (None, NOW + 0.5, True),
        (NOW - 1, NOW + 1, True), (NOW + 1, NOW - 1, False), (0.0, 0.0, False),
    ],
)  # fmt: skip
def test_a_key_opens_from_its_start_until_its_end(not_before: float | None, expires: float | None, valid: bool) -> None:
    ring = KeyRing([entry("alice", ALICE, not_before, expires)], pepper=b"p")
    if valid:
        assert ring.identify({"api-key": ALICE}, NOW).name == "alice"
    else:
        refused({"api-key": ALICE}, ring)


def test_unknown_expired_and_early_keys_are_refused_in_the_same_words() -> None:
    ring = KeyRing([entry("a", "old", expires=1.0), entry("b", "early", not_before=NOW * 2)], pepper=b"p")
    errors = [refused({"api-key": key}, ring) for key in ("old", "early", "unknown")]
    assert len({(error.message, error.code, error.param) for error in errors}) == 1


@pytest.mark.parametrize("headers", [{"api-key": "x"}, {"api-key": ""}, {}, {"authorization": "Bearer "}])
def test_a_ring_without_keys_opens_to_nobody(headers: dict[str, str]) -> None:
    ring = KeyRing([], pepper=b"p")
    assert len(ring) == 0
    refused(headers, ring)


def test_the_length_of_a_ring_is_its_number_of_keys() -> None:
    assert len(RING) == 2


def test_a_ring_holds_no_key_as_it_is() -> None:
    held = repr(vars(RING))
    assert ALICE not in held
    assert BOB not in held


@given(st.text(), st.text())
def test_no_text_that_is_not_a_key_opens(authorization: str, api_key: str) -> None:
    refused({"authorization": f"Bearer {authorization}", "api-key": api_key})


def test_a_key_of_two_clients_opens_as_long_as_one_of_them_may() -> None:
    keys = [
        ClientKey(client=Client(name="a"), digest=digest_of("sk-shared")),
        ClientKey(client=Client(name="z", expires=10.0), digest=digest_of("sk-shared")),
    ]
    assert KeyRing(keys, b"pepper").identify({"api-key": "sk-shared"}, now=20.0).name == "a"


def test_a_locked_key_opens_nothing() -> None:
    ring = KeyRing([ClientKey(client=Client(name="a"), digest=digest_of(ALICE), locked=True)], b"pepper")
    assert len(ring) == 0
    refused({"api-key": ALICE}, ring)


def test_a_key_that_was_made_opens_and_a_typo_in_it_is_refused_in_the_same_words() -> None:
    key = make_key(bytes(range(32)))
    ring = KeyRing([entry("alice", key)], b"pepper")
    assert ring.identify({"api-key": key}, NOW).name == "alice"
    errors = [refused({"api-key": other}, ring) for other in (f"{key[:20]}x{key[21:]}", "unknown")]
    assert len({(error.message, error.code) for error in errors}) == 1


def test_a_mistyped_key_is_not_looked_up_even_if_somebody_has_given_it_out() -> None:
    mistyped = f"{make_key(bytes(32))[:-1]}z"
    refused({"api-key": mistyped}, KeyRing([entry("alice", mistyped)], b"pepper"))


ADMIN = ClientKey(client=Client(name="eve"), digest=digest_of("admin-key-1"), is_admin=True)
WITH_ADMIN = KeyRing([entry("alice", ALICE), ADMIN], pepper=b"p" * 64)


def test_the_key_of_an_operator_is_nobodys_as_a_client() -> None:
    headers = {"authorization": "Bearer admin-key-1"}
    assert WITH_ADMIN.identify_admin(headers, NOW).name == "eve"
    assert WITH_ADMIN.identify_admin({"api-key": "admin-key-1"}, NOW).name == "eve"
    error = refused(headers, WITH_ADMIN)
    assert error.code == INVALID_KEY
    assert "the key of an operator" in str(error)
    assert "the key of an operator" not in str(refused({"api-key": "admin-key-2"}, WITH_ADMIN))
    assert len(WITH_ADMIN) == 1


@pytest.mark.parametrize("headers", [{}, {"api-key": ALICE}, {"authorization": "Bearer sk-wrong"}])
def test_nobody_else_is_an_operator(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        WITH_ADMIN.identify_admin(headers, NOW)
