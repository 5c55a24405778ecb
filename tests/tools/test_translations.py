"""The pages in Chinese have the headings, the code and the tables of the English ones, in the same order."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    ("README.md", "README.zh-CN.md"),
    ("docs/clients.md", "docs/zh-CN/clients.md"),
    ("docs/deploy.md", "docs/zh-CN/deploy.md"),
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$")
CODE = re.compile(r"`[^`]+`")
_CELL = re.compile(r"(?<!\\)\|")


def _prose(page: str) -> list[str]:
    return FENCE.sub("", page).splitlines()


def headings(page: str) -> Iterator[str]:
    """Yield each heading's level, with the code in it."""
    for line in _prose(page):
        if found := HEADING.match(line):
            yield f"{found[1]} {' '.join(CODE.findall(found[2]))}".strip()


def blocks(page: str) -> Iterator[str]:
    """Yield each block of code with the fence that names its language."""
    yield from FENCE.findall(page)


def rows(page: str) -> Iterator[str]:
    """Yield each row of a table: the heading that it is under, how many cells it has, and the code in them.

    The words between code may stand in another order.
    """
    under = 0
    for line in _prose(page):
        under += bool(HEADING.match(line))
        if line.startswith("|"):
            yield f"section {under}, {len(_CELL.findall(line)) - 1} cells, {' '.join(sorted(CODE.findall(line)))}"


def differences(english: str, chinese: str) -> list[str]:
    """Tell in words which heading, block or row of the English page is another one in Chinese."""
    found = []
    for kind, read in (("heading", headings), ("block of code", blocks), ("row", rows)):
        pairs = zip_longest(read(english), read(chinese))
        first = next(((at, pair) for at, pair in enumerate(pairs, 1) if pair[0] != pair[1]), None)
        if first:
            at, (wanted, came) = first
            found.append(f"{kind} {at} is {wanted!r} in English and {came!r} in Chinese")
    return found


def names_of(page: str) -> list[str]:
    """Return the headings as they read, to tell where one is."""
    return [line for line in _prose(page) if HEADING.match(line)]


@pytest.mark.parametrize(("english", "chinese"), PAGES)
def test_a_page_in_chinese_has_the_headings_code_and_tables_of_the_english_one(english: str, chinese: str) -> None:
    one, other = ((ROOT / page).read_text("utf-8") for page in (english, chinese))
    sections = "\n".join(f"{at}: {left} / {right}" for at, (left, right) in enumerate(_side_by_side(one, other), 1))
    assert differences(one, other) == [], f"{chinese} is behind {english}. Their sections:\n{sections}"


def _side_by_side(english: str, chinese: str) -> Iterator[tuple[str, str]]:
    return zip_longest(names_of(english), names_of(chinese), fillvalue="nothing")


@pytest.mark.parametrize(("english", "chinese"), PAGES)
def test_the_pages_lead_to_each_other_at_their_top(english: str, chinese: str) -> None:
    for page, other in ((english, chinese), (chinese, english)):
        line = (ROOT / page).read_text("utf-8").splitlines()[2]
        (link,) = re.findall(r"\]\(([^)]+)\)", line)
        assert ((ROOT / page).parent / link).resolve() == (ROOT / other).resolve()


@pytest.mark.parametrize("chinese", [chinese for _, chinese in PAGES])
def test_a_page_in_chinese_leads_to_chinese_pages_where_there_are_some(chinese: str) -> None:
    translated = {(ROOT / english).resolve() for english, _ in PAGES}
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", "\n".join((ROOT / chinese).read_text("utf-8").splitlines()[3:]))
    assert [link for link in links if ((ROOT / chinese).parent / link).resolve() in translated] == []


PAGE = "# A\n\n## B `x`\n\n```\n# no heading\n```\n\n| a | b |\n|---|---|\n| `c` | d \\| e |\n"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        (PAGE.replace("## B", "### B"), "heading 2"),
        (PAGE.replace("`x`", "`y`"), "heading 2"),
        (PAGE.replace("no heading", "not this"), "block of code 1"),
        (PAGE.replace("| `c` | d \\| e |\n", ""), "row 3"),
        (PAGE.replace("`c`", "`other`"), "row 3"),
        (PAGE.replace("| a | b |", "| a |"), "row 1"),
    ],
)
def test_it_says_what_differs(changed: str, kind: str) -> None:
    (said,) = differences(PAGE, changed)
    assert said.startswith(kind)


def test_other_words_are_no_difference() -> None:
    assert differences(PAGE, PAGE.replace("A", "甲").replace("d \\|", "丁 \\|")) == []
