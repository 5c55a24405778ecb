"""Lists over several resources, one resource a page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest, UpstreamError
from proxy.openai_api.object_ids import Page, Tags, open_page, spans_resources, tag_answer
from tests.unit.openai_api.paths import BY_NAME
from tests.unit.openai_api.worlds import ALONE, TWO

LIST = BY_NAME["listFiles"]
EMPTY = b'{"object":"list","data":[],"has_more":false}'
FULL = b'{"object":"list","data":[{"id":"file-1"}],"has_more":false}'
THREE = Tags(("eastus", "westus", "norway"))


def test_these_operations_list_what_the_resources_keep() -> None:
    assert {name for name, operation in BY_NAME.items() if spans_resources(operation)} == {
        *("ListContainers", "ListVideos", "listAssistants", "listBatches", "listChatCompletions", "listEvals"),
        *("listFiles", "listPaginatedFineTuningJobs", "listVectorStores"),
    }


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", Page(resource=0, query="", behind=2)),
        ("limit=2&order=asc", Page(resource=0, query="limit=2&order=asc", behind=2)),
        ("after=file-1", Page(resource=0, query="after=file-1", behind=2)),
        ("after=file-1~btoc&limit=2", Page(resource=1, query="after=file-1&limit=2", behind=1)),
        ("before=vs_1~btoc", Page(resource=1, query="before=vs_1", behind=0)),
        ("before=vs_1", Page(resource=0, query="before=vs_1", behind=0)),
    ],
)
def test_the_cursor_says_which_resource_is_asked(query: str, page: Page) -> None:
    assert open_page(THREE, LIST, query) == page


@pytest.mark.parametrize("query", ["after=a~btoc&before=b~i6on", "after=a&before=b~btoc"])
def test_cursors_of_two_resources_are_refused(query: str) -> None:
    with pytest.raises(InvalidRequest, match=r"`after` .* and the `before` "):
        open_page(TWO, LIST, query)


@pytest.mark.parametrize("body", [EMPTY, b'{ "data" : [ ] }', b'{"data":null,"has_more":true}', b"{}"])
def test_an_empty_page_is_that_of_the_next_resource_from_its_beginning(body: bytes) -> None:
    page = open_page(TWO, LIST, "limit=2&after=file-1~i6on&order=asc")
    assert page.turn(body) == Page(resource=1, query="limit=2&order=asc", behind=0)


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (FULL, FULL.replace(b"false", b"true")),
        (b'{"data":[{"n":1.0}]}', b'{"data":[{"n":1.0}],"has_more":true}'),
        (b'{"has_more":null,"data":[1]}', b'{"has_more":true,"data":[1]}'),
        (b'{"data": [ "\\ud83d" ]}', b'{"data":[ "\\ud83d" ],"has_more":true}'),
    ],
)
def test_there_is_more_while_resources_come_behind(body: bytes, written: bytes) -> None:
    assert open_page(TWO, LIST, "").turn(body) == written


def test_a_page_that_says_there_is_more_is_the_same_bytes() -> None:
    body = b'{ "data":[1] , "has_more" : true}'
    assert open_page(TWO, LIST, "").turn(body) is body


@pytest.mark.parametrize("body", [EMPTY, FULL, b"not JSON", b'{ "data" : [ ] }'])
@pytest.mark.parametrize(
    ("tags", "query"), [(TWO, "after=a~btoc"), (TWO, "before=a~i6on"), (ALONE, ""), (ALONE, "after=a")]
)
def test_the_last_resource_says_itself_whether_there_is_more(tags: Tags, query: str, body: bytes) -> None:
    assert open_page(tags, LIST, query).turn(body) is body


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"data":', b"[" * 100_000])
def test_an_answer_that_is_not_a_json_object_is_azures_fault(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        open_page(TWO, LIST, "").turn(body)


@dataclass(frozen=True, slots=True)
class Azure:
    """Resources with a number of files each, which list them as Azure does."""

    counts: tuple[int, ...]
    tells: bool

    def answer(self, page: Page) -> bytes:
        query = parse_qs(page.query)
        first = int(query["after"][0].removeprefix("file-")) + 1 if "after" in query else 0
        last = min(first + int(query["limit"][0]), self.counts[page.resource])
        more = {"has_more": last < self.counts[page.resource]} if self.tells else {}
        return json.dumps({"data": [{"id": f"file-{number}"} for number in range(first, last)], **more}).encode()


def pages(azure: Azure, tags: Tags, limit: int) -> Iterator[list[str]]:
    """Yield the pages as an SDK asks for them: after the last id of each, until there is no more or nothing in it."""
    query = f"limit={limit}"
    while True:
        page = open_page(tags, LIST, query)
        while isinstance(body := page.turn(azure.answer(page)), Page):
            page = body
        told = json.loads(tag_answer(tags, LIST, body, page.resource))
        ids = [item["id"] for item in told["data"]]
        yield ids
        if told.get("has_more") is False or not ids:
            return
        query = f"limit={limit}&after={ids[-1]}"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(1, 3), st.booleans())
def test_an_sdk_sees_every_object_once_and_no_empty_page_before_the_end(
    counts: list[int], limit: int, tells: bool
) -> None:
    tags = Tags(tuple(f"resource-{number}" for number in range(len(counts))))
    seen = list(pages(Azure(tuple(counts), tells), tags, limit))
    assert all(seen[:-1])
    assert [identifier for page in seen for identifier in page] == [
        f"file-{number}{tags.tag(f'file-{number}'.encode(), resource).decode()}"
        for resource, count in enumerate(counts)
        for number in range(count)
    ]
