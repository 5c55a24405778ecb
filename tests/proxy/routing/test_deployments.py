"""Model names and the deployments that serve them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import ModelNotFound
from proxy.messages import DEPLOYMENT_NAME
from proxy.routing.deployments import Deployments

MAPPED = Deployments(models={"gpt-4o": "chat-1", "o/weird name": "chat-2"})
WITH_DEFAULT = Deployments(models={"gpt-4o": "chat-1"}, default="fallback")


def test_a_mapped_model_goes_to_its_deployment() -> None:
    assert [MAPPED.serving(model) for model in ("gpt-4o", "o/weird name")] == ["chat-1", "chat-2"]
    assert WITH_DEFAULT.serving("gpt-4o") == "chat-1"


@pytest.mark.parametrize("model", ["gpt-5", "", "../x", "a/b", "GPT-4o", "x" * 1000])
def test_every_other_model_goes_to_the_default_deployment(model: str) -> None:
    assert WITH_DEFAULT.serving(model) == "fallback"


@pytest.mark.parametrize("model", ["gpt-5", "my.model_1", "A", "x" * 64, "...", "GPT-4o"])
def test_without_a_default_the_models_own_name_is_tried(model: str) -> None:
    assert MAPPED.serving(model) == model


@pytest.mark.parametrize(
    "model",
    [
        "",
        ".",
        "..",
        "a/b",
        "../chat-1",
        "..%2fx",
        "%2e%2e",
        "a?b",
        "a#b",
        "a b",
        "a\n",
        "\x00",
        "é",
        "x" * 65,
        "a\\b",
        "a:b",
    ],
)
def test_a_name_that_cannot_be_a_deployments_is_not_found(model: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        MAPPED.serving(model)
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=70) | st.from_regex(r"[.%/\\a-z0-9_-]{1,70}"))
def test_whatever_the_model_only_a_deployments_name_comes_out(model: str) -> None:
    try:
        deployment = MAPPED.serving(model)
    except ModelNotFound:
        return
    assert DEPLOYMENT_NAME.fullmatch(deployment)
    assert deployment not in (".", "..")


def test_the_known_names_are_the_mapped_ones_and_the_default_deployment() -> None:
    assert MAPPED.names() == ("gpt-4o", "o/weird name")
    assert WITH_DEFAULT.names() == ("gpt-4o", "fallback")
    assert Deployments(models={}).names() == ()
    assert Deployments(models={"a": "b"}, default="a").names() == ("a",)
