"""What the comparison of two recordings shows, and what it does not."""

from tests.oracle.accepted import Accepted
from tests.oracle.compare import Difference, differences, report


def _case(status: int, *headers: str) -> dict[str, object]:
    return {"client": [{"status": status, "headers": list(headers)}], "log": [], "upstream": []}


def test_equal_recordings_do_not_differ() -> None:
    assert differences([{"a": _case(200)}], {"a": _case(200)}) == []


def test_a_difference_names_the_case_and_the_field() -> None:
    assert differences([{"a": _case(200)}], {"a": _case(404)}) == [Difference("a", "client/0/status", 200, 404)]


def test_a_case_that_is_missing_is_a_difference() -> None:
    assert [one.case for one in differences([{"a": _case(200)}], {})] == ["a"]


def test_a_case_as_in_any_old_recording_does_not_differ() -> None:
    assert differences([{"a": _case(200)}, {"a": _case(502)}], {"a": _case(502)}) == []


def test_a_wait_may_be_told_a_little_later() -> None:
    old, new = _case(429, "a: b", "retry-after: 5"), _case(429, "a: b", "retry-after: 4")
    assert differences([{"a": old}], {"a": new}) == []


def test_a_wait_that_is_another_one_is_a_difference() -> None:
    old, new = _case(429, "retry-after: 5"), _case(429, "retry-after: 120")
    assert [one.field for one in differences([{"a": old}], {"a": new})] == ["client/0/headers"]


def test_a_wait_that_is_gone_is_a_difference() -> None:
    assert differences([{"a": _case(429, "retry-after: 5")}], {"a": _case(429)})


def test_a_row_accepts_only_the_value_that_it_names() -> None:
    rows = (Accepted("a*", "printed", "because", "[]"),)
    assert Difference("ab", "printed", ["x"], []).accepted(rows) is rows[0]
    assert Difference("ab", "printed", ["x"], ["y"]).accepted(rows) is None


def test_the_report_counts_what_nobody_accepted() -> None:
    assert "1 differences in 1 cases; 0 more are accepted." in report([Difference("a", "client/0/status", 200, 404)])


def test_tags_of_either_layout_name_the_same_resource() -> None:
    old = {"client": [{"body": "file-1~mrwd", "headers": ["content-length: 11"]}]}
    new = {"client": [{"body": "file-1-1KdbEiAqk", "headers": ["content-length: 16"]}]}
    assert differences([{"a": old}], {"a": new}) == []


def test_a_tag_that_is_gone_is_a_difference_unless_tags_are_left_out() -> None:
    old = {"client": [{"body": "file-1~mrwd", "headers": ["content-length: 11"]}]}
    new = {"client": [{"body": "file-1", "headers": ["content-length: 6"]}]}
    assert differences([{"a": old}], {"a": new})
    assert differences([{"a": old}], {"a": new}, without_tags=True) == []
