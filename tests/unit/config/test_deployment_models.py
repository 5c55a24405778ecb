"""What single deployments are, for their prices: from text and from JSON, and never quoted where it is wrong."""

import pytest

from proxy.config.deployment_models import json_deployment_models, parse_deployment_models
from proxy.config.environment import parse_deployment
from proxy.values import Deployed


def test_a_deployment_has_a_model_and_perhaps_a_version_and_a_sku() -> None:
    text = "a=gpt-5-mini@2025-08-07/GlobalStandard, b = gpt-4o/Standard,c=gpt-35-turbo@0125,d=o3,"
    expected = {
        "a": Deployed(name="a", model="gpt-5-mini", version="2025-08-07", sku="GlobalStandard"),
        "b": Deployed(name="b", model="gpt-4o", sku="Standard"),
        "c": Deployed(name="c", model="gpt-35-turbo", version="0125"),
        "d": Deployed(name="d", model="o3"),
    }
    assert parse_deployment_models(text) == expected
    said = {name: text.split(f"{name}=")[1].split(",", maxsplit=1)[0].strip() for name in ("a", "d")}
    assert json_deployment_models(said, parse_deployment) == {name: expected[name] for name in said}
    assert parse_deployment_models("") == {}


@pytest.mark.parametrize(
    "text",
    ["canary", "canary=", "=o3", "a/canary=o3", "a=o3,a=canary", "a=canary canary", "a=o3@/canary", "a=o3/canary/x"],
)
def test_a_wrong_text_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"entry|must|deployment") as caught:
        parse_deployment_models(text)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [None, [], "a=o3", {"a": None}, {"a": "canary canary"}, {"a": ""}, {"canary/x": "o3"}]
)
def test_a_wrong_value_is_refused_without_it(value: object) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        json_deployment_models(value, parse_deployment)
    assert "canary" not in str(caught.value)
