"""The page of operations is the table of operations."""

from tools.compatibility import PAGE, page


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), "run python -m tools.compatibility"
