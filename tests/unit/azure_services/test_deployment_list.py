"""What Azure Resource Manager writes becomes deployments."""

import json

import pytest

from proxy.azure_services.deployments import DeploymentPage, parse_page
from proxy.values import Deployed
from tests.fakes.resource_manager import deployment


def page(*items: object, **members: object) -> DeploymentPage:
    return parse_page(json.dumps({"value": items, **members}).encode())


def only(item: dict[str, object]) -> Deployed:
    (deployed,) = page(item).deployed
    return deployed


def test_a_deployment_is_read_with_all_that_routing_weighs() -> None:
    assert only(deployment("my-gpt", sku="GlobalProvisionedManaged")) == Deployed(
        name="my-gpt",
        model="gpt-4.1",
        version="2025-04-14",
        sku="GlobalProvisionedManaged",
        capabilities=("chatCompletion",),
    )


def test_a_deployment_may_spill_over_to_another_one() -> None:
    assert only(deployment("a", spilloverDeploymentName="b")).spills_over


@pytest.mark.parametrize(
    "item",
    [
        {"name": "bare", "properties": {"model": {"format": "OpenAI", "name": "m"}, "provisioningState": "Succeeded"}},
        {
            "name": "bare",
            "sku": None,
            "properties": {
                "model": {"format": "OpenAI", "name": "m", "version": None},
                "provisioningState": "Succeeded",
                "capabilities": None,
                "rateLimits": None,
                "spilloverDeploymentName": None,
                "deploymentState": "Running",
            },
        },
    ],
)
def test_all_but_name_and_model_may_be_missing(item: dict[str, object]) -> None:
    assert only(item) == Deployed(name="bare", model="m")


def test_capabilities_are_those_that_are_true_in_the_order_of_their_names() -> None:
    said = {
        "responses": "True",
        "chatCompletion": "true",
        "imageGenerations": "false",
        "embeddings": True,
        "area": "EU",
    }
    assert only(deployment("a", capabilities=said)).capabilities == ("chatCompletion", "embeddings", "responses")


@pytest.mark.parametrize(
    "item",
    [
        deployment("a", model="x", provisioningState="Creating"),
        deployment("a", provisioningState="Failed"),
        deployment("a", provisioningState="Deleting"),
        deployment("a", deploymentState="Paused"),
        *({**deployment("a"), "name": name} for name in ("..", "a/b", "a b", "", "a" * 65, "a?b", "é")),
        {"name": "a", "properties": {"model": {"format": "Mistral AI", "name": "x"}, "provisioningState": "Succeeded"}},
    ],
)  # fmt: skip
def test_what_serves_no_model_of_openai_now_is_left_out(item: dict[str, object]) -> None:
    assert [one.name for one in page(item, deployment("good")).deployed] == ["good"]
    assert page(item).deployed == ()


def test_a_model_of_another_maker_that_chats_answers_on_v1() -> None:
    item = deployment("a")
    item["properties"] |= {"model": {"format": "xAI", "name": "grok-4"}}  # type: ignore[operator]
    assert only(item).on_v1
    assert not only(deployment("a")).on_v1


def test_a_model_of_another_maker_that_answers_as_responses_alone_is_listed() -> None:
    item = deployment("a", capabilities={"responses": "true"})
    item["properties"] |= {"model": {"format": "xAI", "name": "grok-code"}}  # type: ignore[operator]
    assert only(item).capabilities == ("responses",)


@pytest.mark.parametrize(
    "odd",
    [
        1, None, "text", [], {}, {"name": "a"}, {"name": "a", "properties": {}},
        deployment("a", provisioningState=None),
    ],
)  # fmt: skip
def test_a_deployment_that_cannot_be_read_does_not_hide_the_rest(odd: object) -> None:
    assert [one.name for one in page(odd, deployment("good")).deployed] == ["good"]
    with pytest.raises(ValueError, match="not one"):
        page(odd)


def test_the_link_to_the_next_page_is_handed_on() -> None:
    assert page(nextLink="https://a/b?c=d%24e").next_link == "https://a/b?c=d%24e"
    assert page(nextLink=None).next_link is None
    assert page(nextLink="").next_link is None
    assert page() == DeploymentPage(deployed=(), next_link=None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"null", b"{}", b'{"value": {}}', b'{"value": [}', b'{"value": [], "nextLink": 1}',
        b"\xff",
    ],
)  # fmt: skip
def test_another_document_is_no_page(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  any message will do, nobody reads it
        parse_page(body)
