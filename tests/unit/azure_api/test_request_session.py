"""The model of a realtime session, of a form that came as JSON, and of the images in a response."""

import json

import pytest

from proxy.azure_api.request import Call, encode_body, image_deployment, parse_call, require_model
from proxy.errors import InvalidRequest, ModelNotFound
from proxy.openai_api.operations import Operation, Surface
from proxy.openai_api.router import Route
from tests.unit.openai_api.paths import BY_NAME

RESPONSE, SECRET = BY_NAME["createResponse"], BY_NAME["create-realtime-client-secret"]
TRANSLATION = BY_NAME["create-realtime-translation-client-secret"]
FORMS = pytest.mark.parametrize("name", ["createImageEdit", "createTranscription", "createVideo"])


def call(operation: Operation, raw: bytes, model: str | None = None) -> Call:
    return parse_call(Route(operation=operation, model=model), raw)


def serving(model: str) -> str:
    if model == "unknown":
        raise ModelNotFound(model)
    return f"{model}-deployment"


@pytest.mark.parametrize(
    ("raw", "model", "written"),
    [
        (b'{"session":{"model":"m"}}', "m", b'{"session":{"model":"d"}}'),
        (b'{"a":1, "session" : { "x":[], "model" : "m" } ,"b":{}}', "m",
         b'{"a":1, "session" : { "x":[], "model" : "d" } ,"b":{}}'),
        (b'{"model":"top","session":{"model":"m"}}', "m", b'{"model":"top","session":{"model":"d"}}'),
    ],
)  # fmt: skip
def test_the_model_of_a_session_is_inside_it(raw: bytes, model: str, written: bytes) -> None:
    asked = call(SECRET, raw)
    assert asked.model == model
    assert encode_body(asked, "d", Surface.V1) == written


def test_a_session_without_a_model_is_azures_to_judge() -> None:
    raw = b'{"session":{"type":"transcription"}}'
    asked = call(SECRET, raw)
    assert asked.model is None
    assert encode_body(asked, None, Surface.V1) == raw
    assert encode_body(asked, "d", Surface.V1) == b'{"session":{"model":"d","type":"transcription"}}'


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"session":null}', b'{"model":"m"}'])
def test_a_session_must_be_there(raw: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        call(TRANSLATION, raw)
    assert (caught.value.code, caught.value.param) == ("missing_required_parameter", "session")


@pytest.mark.parametrize(
    ("raw", "session"),
    [
        (b"", {}),
        (b"{}", {}),
        (b'{"session":null}', {}),
        (b'{"session":{"voice":"alloy"}}', {"voice": "alloy"}),
        (b'{"session":{"type":"realtime","model":null}}', {}),
    ],
)
def test_a_session_without_a_model_is_for_the_default_deployment(raw: bytes, session: dict[str, str]) -> None:
    asked = call(SECRET, raw)
    assert (asked.model, asked.lacks_model) == (None, True)
    sent = json.loads(encode_body(asked, "d", Surface.V1))
    assert sent == {"session": {**session, "type": "realtime", "model": "d"}}
    if "session" not in (json.loads(raw or b"{}") or {}):
        with pytest.raises(InvalidRequest, match="session"):
            require_model(SECRET, asked.document)


def test_a_session_that_only_transcribes_has_its_model_elsewhere() -> None:
    assert not call(SECRET, b'{"session":{"type":"transcription"}}').lacks_model


@pytest.mark.parametrize(("raw", "lacks"), [(b'{"prompt":{"id":"p"}}', True), (b'{"input":"x"}', False)])
def test_a_response_may_take_its_model_from_a_prompt(raw: bytes, lacks: bool) -> None:
    asked = call(RESPONSE, raw)
    assert (asked.model, asked.lacks_model) == (None, lacks)
    require_model(RESPONSE, asked.document)  # Azure may know a model for it.


@pytest.mark.parametrize("session", [b"1", b"[]", b'"x"', b'{"model":1}', b'{"model":"a","model":"b"}'])
def test_a_session_that_cannot_be_read_is_refused(session: bytes) -> None:
    with pytest.raises(InvalidRequest):
        call(SECRET, b'{"session":' + session + b"}")


@FORMS
def test_json_in_the_place_of_a_form_names_its_model_all_the_same(name: str) -> None:
    asked = call(BY_NAME[name], b'{"prompt":"x","model":"m"}')
    assert asked.model == "m"
    assert encode_body(asked, "d", Surface.V1) == b'{"prompt":"x","model":"d"}'


@pytest.mark.parametrize("name", ["createImageEdit", "createTranscription", "createTranslation"])
@pytest.mark.parametrize("raw", [b"{}", b'{"prompt":"x","model":null}'])
def test_json_in_the_place_of_a_form_needs_the_model_that_a_deployment_answers_for(name: str, raw: bytes) -> None:
    asked = call(BY_NAME[name], raw)
    assert (asked.model, asked.lacks_model) == (None, True)
    with pytest.raises(InvalidRequest) as caught:
        require_model(BY_NAME[name], asked.document)
    assert (caught.value.param, caught.value.code) == ("model", "missing_required_parameter")
    assert call(BY_NAME[name], raw, model="path").model == "path"


def test_the_model_of_a_video_in_json_may_stay_out() -> None:
    asked = call(BY_NAME["createVideo"], b'{"prompt":"x"}')
    assert (asked.model, encode_body(asked, None, Surface.V1)) == (None, b'{"prompt":"x"}')


def test_an_edit_of_an_image_in_json_has_no_model_beside_its_deployment() -> None:
    asked = call(BY_NAME["createImageEdit"], b'{"model":"m","prompt":"x"}')
    assert encode_body(asked, "d", Surface.DEPLOYMENT) == b'{"prompt":"x"}'


@pytest.mark.parametrize(
    "tools",
    [
        b'[{"type":"image_generation","model":"i"}]',
        b'[ { "model" : "i" , "type" : "image_generation" } ]',
        b'[{"type":"function","name":"f","model":7},{"type":"image_generation","size":"auto","model":"i"}]',
        b'[{"type":"image_generation","model":"i"},{"type":"image_generation","model":"other"}]',
        b'[{"type":"image_generation"},{"type":"image_generation","model":"i"}]',
        b'[{"type":"image\\u005fgeneration","mode\\u006c":"i"}]',
        b'[{"type":null},{"type":"image_generation","model":"i"}]',
        b'[{"type":"function","description":"\\ud83d"},{"type":"image_generation","model":"i"}]',
    ],
)
def test_the_deployment_that_makes_the_images_is_found_among_the_tools(tools: bytes) -> None:
    assert image_deployment(call(RESPONSE, b'{"model":"m","tools":' + tools + b"}"), serving) == "i-deployment"


@pytest.mark.parametrize(
    "tools",
    [
        b"null", b"[]", b"{}", b"1", b'"image_generation"', b"[1]", b'["image_generation"]', b"[[]]",
        b'[{"type":"image_generation","model":1}]', b'[{"type":"function","model":"unknown"}]', b'[{"model":"i"}]',
        b'[{"type":["image_generation"],"model":"i"}]',
        b'[1,{"type":"image_generation","model":"i"}]',
    ],
)  # fmt: skip
def test_tools_of_another_shape_are_azures_to_judge(tools: bytes) -> None:
    assert image_deployment(call(RESPONSE, b'{"model":"m","tools":' + tools + b"}"), serving) is None


@pytest.mark.parametrize("tool", [b'{"type":"image_generation"}', b'{"type":"image_generation","model":null}'])
def test_images_without_a_model_are_for_the_default_deployment(tool: bytes) -> None:
    assert image_deployment(call(RESPONSE, b'{"tools":[' + tool + b"]}"), lambda model: model or "default") == "default"


def test_an_unknown_model_for_images_is_told() -> None:
    raw = b'{"model":"m","tools":[{"type":"image_generation","model":"unknown"}]}'
    with pytest.raises(ModelNotFound, match="`unknown`"):
        image_deployment(call(RESPONSE, raw), serving)


def test_tools_of_another_operation_are_not_looked_at() -> None:
    raw = b'{"model":"m","tools":[{"type":"image_generation","model":"unknown"}]}'
    assert image_deployment(call(BY_NAME["createChatCompletion"], raw), serving) is None
    assert image_deployment(call(BY_NAME["createFineTuningJob"], raw), serving) is None
    assert image_deployment(call(RESPONSE, b""), serving) is None
