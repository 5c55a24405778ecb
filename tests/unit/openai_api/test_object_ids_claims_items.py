"""Items of a response and sealed content: with a tag they belong to their resource, without one to nobody."""

import pytest

from proxy.errors import InvalidRequest, UnknownId
from proxy.openai_api.claims import claimed, preferred
from proxy.openai_api.object_ids import bare_body
from tests.unit.openai_api.paths import BY_NAME
from tests.unit.openai_api.worlds import ALONE, TWO

CREATE = BY_NAME["createResponse"]
PREVIOUS = b'"previous_response_id":"resp_1~btoc"'


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (b'{"input":[{"type":"item_reference","id":"rs_1~btoc"}]}', "id"),
        (b'{"input":[{"type":"reasoning","encrypted_content" : "gAAA-_x==~btoc","summary":[]}]}', "encrypted_content"),
        (b'{"input":[{"type":"mcp_approval_response","approval_request_id":"mcpr_1~btoc"}]}', "approval_request_id"),
        (b'{"input":[{"encrypted_content":"a\\/b\\u002b\\u003D~btoc"}]}', "encrypted_content"),
        (b'{"input":[{"id":"rs_1\\u007ebtoc"}]}', "id"),
        (b'{"input":[{"content":[{"annotations":[{"file_id":"file-1~btoc"}]}]}]}', "file_id"),
        (b'{"prompt":{"variables":{"a":{"type":"input_file","file_id":"file-1~btoc"}}}}', "file_id"),
    ],
)
def test_what_has_a_tag_goes_to_its_resource_without_it(written: bytes, field: str) -> None:
    body, claims = bare_body(TWO, CREATE, written)
    assert body == written.replace(b"~btoc", b"").replace(b"\\u007ebtoc", b"")
    assert [(claim.field, claim.resource) for claim in claims] == [(field, 1)]


@pytest.mark.parametrize(
    "item",
    [
        b'{"encrypted_content":"gAAA=="}', b'{"type":"item_reference","id":"msg_1"}', b'{"id":"rs-1"}',
        b'{"approval_request_id":"mcpr_1"}', b'{"encrypted_content":"file-1"}', b'{"id":"my own~thing"}',
        b'{"variables":{"city":"file-1~none"}}', b'{"content":[{"annotations":[{"file_id":"a","container_id":"b"}]}]}',
    ],
)  # fmt: skip
def test_what_has_no_tag_goes_anywhere_and_beside_another_object_to_that(item: bytes) -> None:
    alone = b'{"input":[' + item + b"]}"
    assert bare_body(TWO, CREATE, alone) == (alone, ())
    body, claims = bare_body(TWO, CREATE, b"{" + PREVIOUS + b',"input":[' + item + b"]}")
    assert body == b'{"previous_response_id":"resp_1","input":[' + item + b"]}"
    assert [claim.resource for claim in claims] == [1]


def test_sealed_content_of_another_resource_than_the_files_is_refused() -> None:
    written = b'{"input":[{"content":[{"file_id":"file-1"}]},{"encrypted_content":"' + b"A" * 1000 + b'~btoc"}]}'
    with pytest.raises(InvalidRequest, match="belong to different") as caught:
        claimed(bare_body(TWO, CREATE, written)[1])
    assert caught.value.param == "encrypted_content"
    assert len(caught.value.message) < 350


def test_an_id_with_half_a_surrogate_is_left_as_it_is() -> None:
    raw = b'{"input":[{"id":"msg_\\ud83d"}],"previous_response_id":"resp_\\ud83d"}'
    assert bare_body(TWO, CREATE, raw) == (raw, ())


def test_sealed_content_of_a_resource_that_is_gone_is_unknown() -> None:
    with pytest.raises(UnknownId) as caught:
        bare_body(TWO, CREATE, b'{"input":[{"encrypted_content":"gAAA~zzzz"}]}')
    assert caught.value.param == "encrypted_content"


def test_a_resource_that_became_alone_opens_what_it_has_sealed() -> None:
    body, claims = bare_body(ALONE, CREATE, b'{"input":[{"encrypted_content":"gAAA==~i6on"}]}')
    assert body == b'{"input":[{"encrypted_content":"gAAA=="}]}'
    assert [claim.resource for claim in claims] == [0]


def test_long_sealed_contents_take_no_time_that_grows_with_the_square_of_their_length() -> None:
    """Such a time would be longer than any test may take."""
    sealed = b"gAAAAABo-_x+/" * 80_000  # 1 MB
    item = b'{"type":"reasoning","encrypted_content":"' + sealed + b'==~btoc"},'
    written = b'{"input":[' + item * 30 + b"{}]}"
    body, claims = bare_body(TWO, CREATE, written)
    assert body == written.replace(b"~btoc", b"")
    assert [claim.resource for claim in claims] == [1]


WHOLE = (
    b'{"type":"message","role":"assistant","id":"msg_1~btoc","content":[{"type":"output_text","text":"hi"}]}',
    b'{"role":"assistant","content":"hi","id":"msg_1~btoc"}',
    b'{"id":"fc_1~btoc","type":"function_call","call_id":"call_1","name":"f","arguments":"{}"}',
    b'{"id":"fco_1~btoc","type":"function_call_output","call_id":"call_1","output":"1"}',
    b'{"id":"x_1~btoc","type":"a_type_of_tomorrow","value":1}',
    b'{"id":"ig_1~btoc","type":"image_generation_call","status":"completed","result":"iVBORw0KGgo="}',
)
TO_FIND = (
    b'{"type":"item_reference","id":"msg_1~btoc"}',
    b'{"id":"msg_1~btoc"}',
    b'{"id":"rs_1~btoc","type":"reasoning","summary":[]}',
    b'{"id":"rs_1~btoc","type":"reasoning","summary":[],"encrypted_content":null}',
    b'{"id":"ig_1~btoc","type":"image_generation_call","status":"completed","result":null}',
    b'{"id":"cmp_1~btoc","type":"compaction"}',
)


@pytest.mark.parametrize("item", WHOLE)
def test_the_maker_of_an_item_that_is_whole_is_preferred_and_not_required(item: bytes) -> None:
    body, claims = bare_body(TWO, CREATE, b'{"input":[' + item + b"]}")
    assert body == b'{"input":[' + item.replace(b"~btoc", b"") + b"]}"
    assert (claimed(claims), preferred(claims)) == (None, 1)


@pytest.mark.parametrize("item", TO_FIND)
def test_an_item_that_must_be_found_is_found_where_it_was_made(item: bytes) -> None:
    _, claims = bare_body(TWO, CREATE, b'{"input":[' + item + b"]}")
    claim = claimed(claims)
    assert claim is not None
    assert (claim.resource, preferred(claims)) == (1, None)


def test_of_items_that_are_whole_the_last_one_counts_and_two_resources_are_no_contradiction() -> None:
    one, other = WHOLE[0], WHOLE[2].replace(b"~btoc", b"~i6on")
    for items, maker in (((one, other), 0), ((other, one), 1)):
        _, claims = bare_body(TWO, CREATE, b'{"input":[' + b",".join(items) + b"]}")
        assert (claimed(claims), preferred(claims)) == (None, maker)


def test_what_must_be_found_counts_more_than_items_that_are_whole() -> None:
    sealed = b'{"type":"reasoning","id":"rs_1~i6on","encrypted_content":"gAAA~i6on"}'
    for items in ((*WHOLE, TO_FIND[0].replace(b"btoc", b"i6on")), (sealed, *WHOLE)):
        _, claims = bare_body(TWO, CREATE, b'{"input":[' + b",".join(items) + b"]}")
        claim = claimed(claims)
        assert claim is not None
        assert claim.resource == 0


@pytest.mark.parametrize("other", [b"1", b'{"type":1,"id":7}', b'{"type":"message","id":"\xff"}'])
def test_of_an_input_that_azure_will_refuse_each_item_counts(other: bytes) -> None:
    _, claims = bare_body(TWO, CREATE, b'{"input":[' + TO_FIND[0] + b"," + other + b"]}")
    claim = claimed(claims)
    assert claim is not None
    assert claim.resource == 1
