"""What single deployments are, where Azure does not list them: `gpt-5-mini@2025-08-07/GlobalStandard`.

The version and the SKU may be left out. https://learn.microsoft.com/azure/foundry/foundry-models/concepts/deployment-types
"""

import re
from collections.abc import Callable, Mapping

from proxy.config.environment import json_object, json_text, pairs
from proxy.values import DEPLOYMENT_NAME, Deployed

_SHAPE = re.compile(r"([A-Za-z0-9._:-]{1,128})(?:@([A-Za-z0-9._-]{1,64}))?(?:/([A-Za-z]{1,64}))?")
_EXPECTED = "model@version/SKU, of which the version and the SKU may be left out"


def parse_deployment_models(text: str) -> Mapping[str, Deployed]:
    """Return what single deployments are, from `deployment=model@version/SKU,deployment=model`."""
    found: dict[str, Deployed] = {}
    for number, (deployment, described) in pairs(text, "deployment=model@version/SKU"):
        if not DEPLOYMENT_NAME.fullmatch(deployment):
            raise ValueError(f"has no deployment's name in entry {number}")
        if deployment in found:
            raise ValueError(f"names the deployment of entry {number} twice")
        model = _deployed(deployment, described)
        if model is None:
            raise ValueError(f"must say {_EXPECTED}, in entry {number}")
        found[deployment] = model
    return found


def json_deployment_models(value: object, parse: Callable[[str], str]) -> Mapping[str, Deployed]:
    """Return what single deployments are; `parse` reads a deployment's name."""
    found: dict[str, Deployed] = {}
    for name, text in json_object(value).items():
        described = _deployed(parse(name), json_text(text))
        if described is None:
            raise ValueError(f"must have {_EXPECTED}, on the right")
        found[name] = described
    return found


def _deployed(name: str, text: str) -> Deployed | None:
    match = _SHAPE.fullmatch(text)
    return None if match is None else Deployed(name=name, model=match[1], version=match[2], sku=match[3])
