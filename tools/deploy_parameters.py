"""Write infra/main.parameters.json and the table of parameters in docs/deploy.md: `python -m tools.deploy_parameters`.

Both list every parameter of the template, so that azd can set each: `azd env set NAME value`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TEMPLATE, AZD = ROOT / "infra" / "azuredeploy.json", ROOT / "infra" / "main.parameters.json"
GUIDE = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- parameters: python -m tools.deploy_parameters -->\n", "<!-- end of parameters -->\n"
# The template for a subscription has these, or sets them itself.
AZD_ONLY = {
    "environmentName": "AZURE_ENV_NAME",
    "location": "AZURE_LOCATION",
    "principalId": "AZURE_PRINCIPAL_ID",
}
NOT_FOR_AZD = ("clientKey", "deployerObjectId", "location", "packageUri")
# Those that have the name of a setting of the app.
NAMES = {
    "openAiAuth": "AZURE_OPENAI_AUTH",
    "openAiResourceId": "AZURE_OPENAI_RESOURCE_ID",
    "openAiResources": "AZURE_OPENAI_RESOURCES",
    "modelMapper": "AZURE_OPENAI_MODEL_MAPPER",
    "defaultDeployment": "AZURE_OPENAI_DEFAULT_DEPLOYMENT",
}
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EXPRESSION = re.compile(r"\[.*\]")


def declared() -> dict[str, dict[str, Any]]:
    """Return the parameters of the committed template."""
    return dict(json.loads(TEMPLATE.read_text("utf-8"))["parameters"])


def variable(parameter: str) -> str:
    """Return the variable of azd's environment that sets a parameter."""
    if parameter in NAMES:
        return NAMES[parameter]
    return _WORD.sub("_", parameter.replace("OpenAi", "Openai")).upper()


def azd_parameters(parameters: Mapping[str, dict[str, Any]]) -> str:
    """Return main.parameters.json: azd leaves out what is not set, so that the template's own default counts.

    https://github.com/Azure/azure-dev/blob/main/cli/azd/pkg/infra/provisioning/bicep/bicep_provider.go
    """
    named = AZD_ONLY | {name: variable(name) for name in parameters if name not in NOT_FOR_AZD}
    rows = ",\n".join(f'    "{name}": {{ "value": "${{{text}}}" }}' for name, text in named.items())
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
    head = f'{{\n  "$schema": "{schema}",\n  "contentVersion": "1.0.0.0",\n  "parameters": {{\n'
    return f"{head}{rows}\n  }}\n}}\n"


def table(parameters: Mapping[str, dict[str, Any]]) -> str:
    """Return the table for the guide."""
    return "".join(("| Parameter | With azd | Default | Meaning |\n|---|---|---|---|\n", *_rows(parameters)))


def _rows(parameters: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    for name, one in parameters.items():
        azd = "" if name in NOT_FOR_AZD else f"`{variable(name)}`"
        yield f"| `{name}` | {azd} | {_default(one)} | {one['metadata']['description'].replace('|', '')} |\n"


def _default(parameter: Mapping[str, Any]) -> str:
    default = parameter.get("defaultValue")
    if default in ("", [], {}, None):
        return "empty"
    text = default if isinstance(default, str) else json.dumps(default)
    if text.startswith("https://"):
        return "that of the release"  # another one with each, and the guide is not stamped
    return "computed" if _EXPRESSION.fullmatch(text) and isinstance(default, str) else f"`{text}`"


def with_table(page: str, rows: str) -> str:
    """Return the guide with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + rows + END + rest.partition(END)[2]


def main() -> None:
    """Write both files."""
    AZD.write_text(azd_parameters(declared()), "utf-8", newline="\n")
    GUIDE.write_text(with_table(GUIDE.read_text("utf-8"), table(declared())), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
