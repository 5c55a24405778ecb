"""A client's request as a call of Azure OpenAI."""

import json

import pytest

from proxy.azure_api.headers import request_to_azure
from proxy.azure_api.request import IMAGE_HEADER, Call, encode_body, image_deployment, is_image, parse_call, wants_usage
from proxy.azure_api.urls import Surfaces
from proxy.config.resources import DATED_API_VERSION
from proxy.errors import InvalidRequest
from proxy.openai_api.operations import Body, Operation, Surface
from proxy.openai_api.router import Route, find
from tests.unit.azure_api import recorded
from tests.unit.openai_api.paths import BY_NAME, ROWS

CHAT, RESPONSE = BY_NAME["createChatCompletion"], BY_NAME["createResponse"]
SECRET, IMAGE, ASSISTANT = BY_NAME["create-realtime-client-secret"], BY_NAME["createImage"], BY_NAME["createAssistant"]
READING = pytest.mark.parametrize("operation", [CHAT, RESPONSE, ASSISTANT, IMAGE], ids=lambda row: row.name)


def call(operation: Operation, raw: bytes, model: str | None = None) -> Call:
    return parse_call(Route(operation=operation, model=model), raw)


def sent(client: dict[str, str], headers: dict[str, str], models: dict[str, str]) -> dict[str, object]:
    """Return what goes to Azure for a request, as the corridor puts it together."""
    on_v1 = client["api_version"] == "v1"
    version = DATED_API_VERSION if on_v1 else client["api_version"]
    surfaces = Surfaces(endpoint=client["endpoint"], api_version=version, prefers_v1=on_v1, chosen={})
    route = find(client["method"], client["path"])
    assert isinstance(route, Route)
    asked = parse_call(route, client["body"].encode())
    deployment = models.get(asked.model, asked.model) if asked.model else None
    image = image_deployment(asked, lambda model: models.get(model, model))
    return {
        "model": asked.model,
        "method": route.operation.method,
        "url": surfaces.url(route, deployment, client["query"]),
        "headers": request_to_azure(headers, json=bool(asked.raw)) | ({IMAGE_HEADER: image} if image else {}),
        "body": encode_body(asked, deployment, surfaces.surface_for(route.operation)).decode(),
    }


@pytest.mark.parametrize("case", recorded.cases("request.json"))
def test_a_sample_becomes_a_call_of_azure(case: str) -> None:
    client = json.loads(recorded.read(case, "request.json"))
    expected = json.loads(recorded.read(case, "sent.json"))
    assert sent(client, client["headers"], client["models"]) == expected


@pytest.mark.parametrize("body", [b"{}", b'{"model":null}', b'{"model":""}', b'{"messages":[{"model":"x"}]}'])
def test_a_body_without_a_model_is_refused_where_one_is_needed(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        call(CHAT, body)
    assert (caught.value.code, caught.value.param) == ("missing_required_parameter", "model")
    assert not call(RESPONSE, body).model


@READING
@pytest.mark.parametrize("value", [b"1", b"true", b"[]", b"{}", b"1.5", b'["m"]', b'"\\ud83d"'])
def test_a_model_of_another_type_is_refused(operation: Operation, value: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        call(operation, b'{"model":' + value + b"}")
    assert (caught.value.code, caught.value.param) == ("invalid_type", "model")


@pytest.mark.parametrize("operation", [CHAT, RESPONSE, IMAGE], ids=lambda row: row.name)
@pytest.mark.parametrize("value", [b"1", b'"true"', b"[]", b"{}", b"0"])
def test_a_stream_of_another_type_is_refused(operation: Operation, value: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        call(operation, b'{"model":"m","stream":' + value + b"}")
    assert (caught.value.code, caught.value.param) == ("invalid_type", "stream")


@READING
@pytest.mark.parametrize(
    "raw", [b"[]", b"x", b'{"model":"a","model":"b"}', b'{"model":"a","stream":true,"stream":false}']
)
def test_a_body_that_cannot_be_read_is_refused(operation: Operation, raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        call(operation, raw)


def test_nothing_is_no_body_where_a_model_is_needed() -> None:
    with pytest.raises(InvalidRequest):
        call(CHAT, b"")


@pytest.mark.parametrize("operation", [RESPONSE, ASSISTANT], ids=lambda row: row.name)
def test_nothing_is_a_body_where_the_model_may_stay_out(operation: Operation) -> None:
    assert call(operation, b"") == Call(route=Route(operation=operation))


@ROWS
@pytest.mark.parametrize("raw", [b"", b"\x00 not json", b'{"model":1}'])
def test_what_nobody_reads_passes_as_it_is(operation: Operation, raw: bytes) -> None:
    if operation.body in (Body.OPAQUE, Body.NONE):
        asked = call(operation, raw)
        assert (asked.model, asked.document, asked.raw) == (None, None, raw)
        assert encode_body(asked, None, operation.surface) == raw


def test_how_many_answers_are_wanted_is_read() -> None:
    assert call(CHAT, b'{"model":"m","n":3}').choices == 3
    assert call(CHAT, b'{"model":"m","n":null}').choices == 1


@pytest.mark.parametrize("raw", [b"{}", b'{"model":"other"}', b'{"model":null}'])
def test_the_model_of_the_path_goes_before_the_bodys(raw: bytes) -> None:
    asked = call(CHAT, raw, model="gpt-4o")
    assert asked.model == "gpt-4o"
    assert json.loads(encode_body(asked, "d", Surface.V1)) == {"model": "d"}
    assert encode_body(asked, "d", Surface.DEPLOYMENT) == raw


@pytest.mark.parametrize("raw", [b"", b"[]", b"x"])
def test_a_model_in_the_path_makes_no_body_good(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        call(CHAT, raw, model="gpt-4o")


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (b"{}", b'{"model":"d"}'), (b" {\n} ", b' {"model":"d"\n} '),
        (b'{ "input" : "x"}', b'{"model":"d", "input" : "x"}'), (b'{"model":null,"a":1}', b'{"model":"d","a":1}'),
        (b'{"a":{"model":"x"}}', b'{"model":"d","a":{"model":"x"}}'),
        (b'{"\\u006dodel" :\t"\\u0067pt"}', b'{"\\u006dodel" :\t"d"}'),
    ],
)  # fmt: skip
def test_on_v1_the_model_becomes_the_deployment_and_no_other_byte_changes(raw: bytes, written: bytes) -> None:
    assert encode_body(call(CHAT, raw, model="m"), "d", Surface.V1) == written
    assert encode_body(call(RESPONSE, raw), "d", Surface.V1) == written
    assert encode_body(call(ASSISTANT, raw), "d", Surface.CLASSIC) == written


@READING
def test_without_a_deployment_the_body_is_sent_as_it_came(operation: Operation) -> None:
    raw = b'{ "model" : "m" }'
    assert encode_body(call(operation, raw), None, operation.surface) == raw


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (b'{"model":"m"}', b"{}"), (b'{ "model" : "m" }', b"{  }"), (b'{"model":"m" , "n":1}', b'{"n":1}'),
        (b'{"a":[1,{"model":2}],"model":"m","n":1}', b'{"a":[1,{"model":2}],"n":1}'),
        (b'{"n":1\n,\n"model":"m"\n}', b'{"n":1\n\n}'), (b'{"a":",","model":"m"}', b'{"a":","}'),
    ],
)  # fmt: skip
def test_an_image_has_no_model_beside_its_deployment(raw: bytes, written: bytes) -> None:
    assert encode_body(call(IMAGE, raw), "d", Surface.DEPLOYMENT) == written
    assert encode_body(call(CHAT, raw), "d", Surface.DEPLOYMENT) == raw
    assert b'"model":"d"' in encode_body(call(IMAGE, raw), "d", Surface.V1).replace(b" ", b"")


def test_only_images_are_images() -> None:
    assert {name for name, row in BY_NAME.items() if is_image(row)} == {
        "createImage", "createImageEdit", "createImageVariation",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "model", "encoded"),
    [
        (
            b'{"data_source":{"type":"completions", "model":"m"}}',
            "m",
            b'{"data_source":{"type":"completions", "model":"d"}}',
        ),
        (b'{"data_source":{"type":"jsonl"}}', None, b'{"data_source":{"type":"jsonl"}}'),
        (b'{"name":"x"}', None, b'{"name":"x"}'),
    ],
)
def test_the_model_of_an_evaluation_s_data_source_is_mapped(raw: bytes, model: str | None, encoded: bytes) -> None:
    asked = call(BY_NAME["createEvalRun"], raw)
    assert asked.model == model
    assert encode_body(asked, "d" if model else None, Surface.V1) == encoded


@pytest.mark.parametrize(
    ("operation", "raw", "streams"),
    [
        (CHAT, b'{"model":"m","stream":true}', True),
        (CHAT, b'{"model":"m","stream":false}', False),
        (CHAT, b'{"model":"m"}', False),
        (BY_NAME["createSpeech"], b'{"model":"m","stream_format":"sse"}', True),
        (BY_NAME["createSpeech"], b'{"model":"m","stream_format":"audio"}', False),
        (BY_NAME["createEmbedding"], b'{"model":"m","stream":true}', False),
    ],
)
def test_whether_events_are_wanted_is_read(operation: Operation, raw: bytes, streams: bool) -> None:
    assert call(operation, raw).streams is streams


def test_a_response_in_the_background_is_known() -> None:
    assert call(RESPONSE, b'{"model":"m","background":true}').in_background
    assert not call(RESPONSE, b'{"model":"m","background":false}').in_background


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        (b'"stream_options":{"include_usage":true}', True),
        (b'"stream_options":{"include_usage":false}', False),
        (b'"stream_options":{"include_usage":"yes"}', False),
        (b'"stream_options":{}', False),
        (b'"stream_options":null', False),
        (b'"stream_options":[]', False),
        (b'"n":1', False),
    ],
)
def test_the_usage_of_a_stream_is_asked_for_in_its_options(members: bytes, wanted: bool) -> None:
    assert wants_usage(call(CHAT, b'{"model":"m",' + members + b"}")) is wanted


def test_a_call_without_json_asks_for_no_usage() -> None:
    assert not wants_usage(Call(route=Route(operation=CHAT)))
