"""The proxy's own answers: models and health."""

import json

import pytest
from openai.types import Model

from proxy.openai_api import answers
from proxy.values import Limits, ListedModel


def listed(name: str) -> ListedModel:
    return ListedModel(name=name, owned_by="azure-openai")


def test_the_list_of_models_has_openais_shape() -> None:
    document = json.loads(answers.encode_models([listed("gpt-4o"), listed('a"b')], 1_700_000_000))
    assert document["object"] == "list"
    assert [Model.model_validate(entry, strict=True).id for entry in document["data"]] == ["gpt-4o", 'a"b']


def test_a_list_without_models_is_an_empty_list() -> None:
    assert json.loads(answers.encode_models([], 0)) == {"object": "list", "data": []}


def test_one_model_is_the_same_as_in_the_list() -> None:
    one = json.loads(answers.encode_model(listed("gpt-4o"), 5))
    assert one == {"id": "gpt-4o", "object": "model", "created": 5, "owned_by": "azure-openai"}
    assert json.loads(answers.encode_models([listed("gpt-4o")], 5))["data"] == [one]


def test_a_model_tells_what_it_can_do_where_that_is_known() -> None:
    model = ListedModel(name="gpt-4o", owned_by="azure-openai", capabilities=("chatCompletion", "responses"))
    assert json.loads(answers.encode_model(model, 5))["capabilities"] == {"chatCompletion": True, "responses": True}


def test_health_is_ok_without_a_reason_and_unavailable_with_one() -> None:
    assert json.loads(answers.encode_health([])) == {"status": "ok", "reasons": []}
    assert json.loads(answers.encode_health(iter(["a", "b"]))) == {"status": "unavailable", "reasons": ["a", "b"]}


def test_old_chat_uis_read_an_account_without_money() -> None:
    subscription = json.loads(answers.SUBSCRIPTION)
    assert subscription["object"] == "billing_subscription"
    limits = [subscription[name] for name in ("hard_limit_usd", "soft_limit_usd", "system_hard_limit_usd")]
    assert limits == [0.0, 0.0, 0.0]
    assert isinstance(subscription["access_until"], int)
    assert {"title", "id"} <= subscription["plan"].keys()
    assert json.loads(answers.USAGE) == {"object": "list", "daily_costs": [], "total_usage": 0.0}


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("https://a.openai.azure.com", "wss://a.openai.azure.com/openai/v1/realtime?model="),
        ("http://127.0.0.1:8080", "wss://127.0.0.1:8080/openai/v1/realtime?model="),
    ],
)
def test_who_wants_a_websocket_is_told_how_to_get_one(endpoint: str, address: str) -> None:
    message = answers.realtime_message([endpoint])
    assert address in message
    assert "POST /v1/realtime/client_secrets" in message


@pytest.mark.parametrize("endpoints", [[], ["https://a.openai.azure.com", "https://b.openai.azure.com"]])
def test_none_of_several_resources_is_named(endpoints: list[str]) -> None:
    assert "wss://RESOURCE.openai.azure.com/openai/v1/realtime?model=" in answers.realtime_message(endpoints)


def test_a_client_without_limits_has_none_of_them() -> None:
    account = json.loads(answers.encode_account("alice", None, None))
    assert account["client"] == "alice"
    assert set(account["limits"].values()) == {None}


def test_a_client_reads_its_limits_and_the_end_of_its_key() -> None:
    account = json.loads(answers.encode_account("alice", Limits(models=("gpt-*",), rpm=60), 1_800_000_000.0))
    assert (account["limits"]["models"], account["limits"]["rpm"]) == (["gpt-*"], 60)
    assert account["limits"]["expires"] == 1_800_000_000


def test_a_client_reads_what_it_has_used() -> None:
    account = json.loads(answers.encode_account("alice", None, None, {"month": {"requests": 3}, "days": []}))
    assert (account["month"], account["days"]) == ({"requests": 3}, [])
    assert "month" not in json.loads(answers.encode_account("alice", None, None))
