"""The versions of a secret: which limits hold, and whether the key before the current one still works."""

from math import inf

import pytest

from proxy.auth.key_versions import KeyVersion, inherited_tags, previous_key
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
    assert not KeyVersion(tags={"previous-until": "disabled"}).overlaps(NOW)


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
    found = previous_key(ALICE, rotated(until), [version, rotated(until)], NOW)
    assert found == ClientKey(client=Client(name="alice", expires=expires, limits=Limits(rpm=1)), digest=OLD)


def test_the_key_before_is_found_by_its_digest_among_several() -> None:
    versions = [older(enabled=False), older(created=200.0, digest="c" * 64), rotated()]
    assert previous_key(ALICE, rotated(), versions, NOW) is None


@pytest.mark.parametrize(
    ("current", "versions", "now"),
    [
        (rotated(), [older()], NOW + 3600),
        (rotated(), [older(enabled=False)], NOW),
        (rotated(), [], NOW),
        (rotated(until=""), [older()], NOW),
        (rotated(digest=""), [older()], NOW),
        (KeyVersion(created=900.0), [older()], NOW),
    ],
)
def test_there_is_no_key_before_when_the_overlap_is_over_or_its_version_disabled_or_gone(
    current: KeyVersion, versions: list[KeyVersion], now: float
) -> None:
    assert previous_key(ALICE, current, versions, now) is None
