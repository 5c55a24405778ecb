"""How a row of the table is written."""

from dataclasses import replace

import pytest

from proxy.openai_api.operations import (
    CLASSIC,
    DEPLOYMENT,
    LOCAL,
    PUBLIC,
    STORED,
    UNSUPPORTED,
    V1,
    Body,
    Operation,
    StreamFormat,
    Surface,
    row,
    rows,
)


def test_a_row_is_its_template_with_a_name_a_method_and_a_path() -> None:
    template = replace(STORED, stream=StreamFormat.RUN, header=("a", "b"))
    assert row("getThing GET /things/{thing_id}", template) == Operation(
        name="getThing", method="GET", path="/things/{thing_id}", surface=Surface.V1, stored=True,
        stream=StreamFormat.RUN, header=("a", "b"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "template", "body"),
    [
        ("GET", V1, Body.NONE),
        ("DELETE", V1, Body.NONE),
        ("POST", V1, Body.OPAQUE),
        ("POST", replace(V1, body=Body.MODEL), Body.MODEL),
        ("POST", replace(V1, body=Body.STREAM), Body.STREAM),
        ("GET", replace(V1, body=Body.FORM), Body.FORM),
    ],
)
def test_what_is_posted_passes_unread_unless_the_template_says_how(
    method: str, template: Operation, body: Body
) -> None:
    assert row(f"x {method} /x", template).body is body


def test_rows_share_a_template_and_keep_their_order() -> None:
    found = tuple(rows(CLASSIC, "a GET /a", "b POST /b"))
    assert found == (row("a GET /a", CLASSIC), row("b POST /b", CLASSIC))


@pytest.mark.parametrize("text", ["", "a", "a GET", "a GET /a b"])
def test_a_row_that_lacks_something_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        row(text, V1)


def test_the_templates_say_where_and_whether_objects_are_kept() -> None:
    assert [template.surface for template in (DEPLOYMENT, V1, STORED, CLASSIC, LOCAL, PUBLIC, UNSUPPORTED)] == [
        Surface.DEPLOYMENT, Surface.V1, Surface.V1, Surface.CLASSIC, Surface.LOCAL, Surface.LOCAL, Surface.UNSUPPORTED,
    ]  # fmt: skip
    assert [template.stored for template in (DEPLOYMENT, V1, STORED, CLASSIC)] == [False, False, True, True]
    assert [template.public for template in (LOCAL, PUBLIC)] == [False, True]
