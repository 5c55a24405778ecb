"""Whether an answer may be kept at Azure."""

import json

import pytest

from proxy.azure_api.request import Call, parse_call
from proxy.errors import InvalidRequest
from proxy.openai_api.operations import Operation
from proxy.openai_api.router import Route
from tests.unit.openai_api.paths import BY_NAME

CHAT, RESPONSE = BY_NAME["createChatCompletion"], BY_NAME["createResponse"]
BOTH = pytest.mark.parametrize("operation", [CHAT, RESPONSE], ids=lambda row: row.name)


def call(operation: Operation, raw: bytes) -> Call:
    return parse_call(Route(operation=operation), raw, may_store=False)


@BOTH
def test_storing_is_refused_where_it_is_switched_off(operation: Operation) -> None:
    with pytest.raises(InvalidRequest, match="switched off") as caught:
        call(operation, b'{"model":"m","store": true}')
    assert (caught.value.param, caught.value.code) == ("store", "unsupported_value")


@BOTH
@pytest.mark.parametrize("value", [b"1", b'"true"', b"{}"])
def test_a_wish_to_store_of_another_type_is_refused(operation: Operation, value: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        call(operation, b'{"model":"m","store":' + value + b"}")
    assert (caught.value.param, caught.value.code) == ("store", "invalid_type")


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (b"{}", b'{"store":false}'),
        (b'{"model":"m"}', b'{"store":false,"model":"m"}'),
        (b'{"store":null,"model":"m"}', b'{"store":false,"model":"m"}'),
        (b'{"model":"m", "store" : null , "x":1}', b'{"model":"m", "store" : false , "x":1}'),
        (b'{"model":"m","store":null}', b'{"model":"m","store":false}'),
        (b'{"model":"m","store":false}', b'{"model":"m","store":false}'),
        (b' { "model":"m","x":{"store":true}}', b' {"store":false, "model":"m","x":{"store":true}}'),
    ],
)
def test_a_response_is_told_not_to_be_stored_which_it_would_be(raw: bytes, written: bytes) -> None:
    asked = call(RESPONSE, raw)
    assert asked.raw == written
    assert asked.document is not None
    assert asked.document.raw == written
    assert asked.model == json.loads(raw).get("model")


@pytest.mark.parametrize("raw", [b'{"model":"m"}', b'{"model":"m","store":false}', b'{"model":"m","store":null}'])
def test_a_chat_is_not_stored_by_itself_and_stays_as_it_is(raw: bytes) -> None:
    assert call(CHAT, raw).raw == raw


@BOTH
@pytest.mark.parametrize("store", [b"", b',"store":true', b',"store":false', b',"store":1'])
def test_where_storing_is_allowed_the_wish_is_azures_to_judge(operation: Operation, store: bytes) -> None:
    raw = b'{"model":"m"' + store + b"}"
    assert parse_call(Route(operation=operation), raw).raw == raw


REFERENCE = b'[{"role":"user","content":"hi"},{"type":"item_reference","id":"rs_1"}]'


@pytest.mark.parametrize("given", [REFERENCE, b'[{"id":"msg_1"}]', b'[{"type":null,"id":"msg_1"}]'])
def test_an_item_that_is_named_by_its_id_is_refused_with_the_cure(given: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"providerOptions\.openai\.store") as caught:
        call(RESPONSE, b'{"model":"m","input":' + given + b"}")
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, "input", "unsupported_value")
    stored = parse_call(Route(operation=RESPONSE), b'{"model":"m","input":' + given + b"}")
    assert stored.model == "m"


@pytest.mark.parametrize(
    "given",
    [
        *(b'"item_reference"', b'[{"content":"item_reference"}]', b'["item_reference"]', b"null", b"7"),
        *(b'[{"id":"msg_1","role":"user","content":"hi"}]', b'[{"id":"fc_1","type":"function_call"}]'),
    ],
)
def test_what_only_speaks_of_references_passes(given: bytes) -> None:
    assert call(RESPONSE, b'{"model":"m","input":' + given + b"}").model == "m"
