"""The proxy's own answers."""

import json

from openai.types import Model

from proxy.translation import models


def test_the_list_of_models_has_openais_shape() -> None:
    document = json.loads(models.encode_models(["gpt-4o", 'a"b'], 1_700_000_000))
    assert document["object"] == "list"
    assert [Model.model_validate(entry, strict=True).id for entry in document["data"]] == ["gpt-4o", 'a"b']


def test_a_list_without_models_is_an_empty_list() -> None:
    assert json.loads(models.encode_models([], 0)) == {"object": "list", "data": []}


def test_one_model_is_the_same_as_in_the_list() -> None:
    one = json.loads(models.encode_model("gpt-4o", 5))
    assert one == {"id": "gpt-4o", "object": "model", "created": 5, "owned_by": "azure-openai"}
    assert json.loads(models.encode_models(["gpt-4o"], 5))["data"] == [one]


def test_health_is_ok_without_a_reason_and_unavailable_with_one() -> None:
    assert json.loads(models.encode_health([])) == {"status": "ok", "reasons": []}
    assert json.loads(models.encode_health(iter(["a", "b"]))) == {"status": "unavailable", "reasons": ["a", "b"]}
