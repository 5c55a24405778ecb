"""The versions of a secret: which limits hold, and whether the key before the current one still works."""

from math import inf

import pytest

from proxy.auth.key_versions import KeyVersion, inherited_tags, previous_digest, previous_key, previous_version
from proxy.values import Client, ClientKey, Limits

OLD, NEW = "a" * 64, "b" * 64
ALICE = Client(name="alice", not_before=5.0, expires=5000.0, limits=Limits(rpm=1))
NOW = 1000.0  # 00:16:40 of 1970
IN_AN_HOUR = "1970-01-01T01:16:40Z"


def rotated(until: str = IN_AN_HOUR, digest: str = OLD) -> KeyVersion:
    return KeyVersion(created=900.0, tags={"sha256": NEW, "previous-sha256": digest, "previous-until": until})


def older(
    *, enabled: bool = True, expires: float | None = None, created: float = 100.0, digest: str | None = OLD
) -> KeyVersion:
    return KeyVersion(enabled=enabled, expires=expires, created=created, tags={"sha256": digest} if digest else {})


@pytest.mark.parametrize(("tag", "digest"), [(OLD, OLD), ("", None), ("A" * 64, None), ("a" * 63, None), ("x", None)])
def test_a_digest_has_64_hexadecimal_digits(tag: str, digest: str | None) -> None:
    assert KeyVersion(tags={"sha256": tag}).digest == digest


@pytest.mark.parametrize(
    ("tags", "says"),
    [({}, False), ({"env": "x"}, False), ({"rpm": "1"}, True), ({"rmp": "1"}, True), ({"sha256": OLD}, True)],
)
def test_a_version_says_its_limits_by_a_tag_or_by_being_written_by_the_tool(tags: dict[str, str], says: bool) -> None:
    assert KeyVersion(tags=tags).says_limits is says


def test_limits_are_those_of_the_latest_version_before_that_says_any() -> None:
    versions = [
        KeyVersion(created=1.0, tags={"rpm": "1"}),
        KeyVersion(created=2.0, tags={"rpm": "2"}),
        KeyVersion(created=3.0, tags={"env": "x"}),
        KeyVersion(created=4.0),
        KeyVersion(created=9.0, tags={"rpm": "9"}),
    ]
    assert inherited_tags(versions, versions[3]) == {"rpm": "2"}
    assert inherited_tags(versions, versions[0]) == {}
    assert inherited_tags([], KeyVersion()) == {}


@pytest.mark.parametrize(
    ("until", "end"), [(IN_AN_HOUR, NOW + 3600), ("disabled", inf), ("", None), ("tomorrow", None)]
)
def test_an_overlap_ends_at_a_time_or_when_the_older_version_is_disabled(until: str, end: float | None) -> None:
    assert rotated(until).overlap_end == end
    assert rotated(until).overlaps(NOW) is (end is not None)


def test_an_overlap_is_over_at_its_end() -> None:
    assert not rotated().overlaps(NOW + 3600)


def test_without_the_digest_of_the_key_before_there_is_no_overlap() -> None:
    assert rotated(digest="x").overlap_end is None
    assert not KeyVersion(tags={"sha256": NEW, "previous-until": "disabled"}).overlaps(NOW)
    assert not KeyVersion(tags={"sha256": NEW}).overlaps(NOW)


@pytest.mark.parametrize(
    ("tags", "end"),
    [({}, inf), ({"rpm": "1"}, inf), ({"previous-until": IN_AN_HOUR}, NOW + 3600), ({"previous-until": "x"}, None)],
)
def test_a_version_made_by_hand_overlaps_until_the_older_one_is_disabled_or_until_it_says(
    tags: dict[str, str], end: float | None
) -> None:
    assert KeyVersion(tags=tags).overlap_end == end


def found(current: KeyVersion, versions: list[KeyVersion], now: float = NOW) -> ClientKey | None:
    """Return the key of the version before, as the reader of the vault does."""
    previous = previous_version(current, versions, now)
    if previous is None:
        return None
    return previous_key(ALICE, current, previous, previous_digest(current, previous) or "value")


@pytest.mark.parametrize(
    ("until", "version", "expires"),
    [
        (IN_AN_HOUR, older(), NOW + 3600),
        (IN_AN_HOUR, older(expires=NOW + 60), NOW + 60),
        ("disabled", older(), None),
        ("disabled", older(expires=NOW + 60), NOW + 60),
        ("disabled", older(digest=None), None),
    ],
)
def test_during_an_overlap_the_key_before_works_with_the_limits_of_the_name(
    until: str, version: KeyVersion, expires: float | None
) -> None:
    key = found(rotated(until), [version, rotated(until)])
    assert key == ClientKey(client=Client(name="alice", expires=expires, limits=Limits(rpm=1)), digest=OLD)


def test_the_key_before_is_found_by_its_digest_among_several() -> None:
    versions = [older(enabled=False), older(created=200.0, digest="c" * 64), rotated()]
    assert found(rotated(), versions) is None


@pytest.mark.parametrize(("digest", "known"), [(OLD, OLD), (None, "value")])
def test_before_a_version_made_by_hand_the_latest_one_works(digest: str | None, known: str) -> None:
    by_hand = KeyVersion(created=900.0)
    key = found(by_hand, [older(created=50.0, digest="c" * 64), older(digest=digest), by_hand])
    assert key == ClientKey(client=Client(name="alice", limits=Limits(rpm=1)), digest=known)
    assert found(by_hand, [older(created=50.0), older(enabled=False), by_hand]) is None


@pytest.mark.parametrize(
    ("current", "versions", "now"),
    [
        (rotated(), [older()], NOW + 3600),
        (rotated(), [older(enabled=False)], NOW),
        (rotated(), [older(expires=NOW)], NOW),
        (rotated(), [], NOW),
        (rotated(until=""), [older()], NOW),
        (rotated(digest=""), [older()], NOW),
        (KeyVersion(created=900.0, tags={"sha256": NEW}), [older()], NOW),
    ],
)
def test_there_is_no_key_before_when_the_overlap_is_over_or_its_version_disabled_or_gone(
    current: KeyVersion, versions: list[KeyVersion], now: float
) -> None:
    assert found(current, versions, now) is None
