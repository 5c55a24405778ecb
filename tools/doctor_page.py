"""Write the findings in docs/doctor.md from their table: `python -m tools.doctor_page`."""

import re
from pathlib import Path

from proxy.diagnosis.table import FINDINGS

PAGE = Path(__file__).parents[1] / "docs" / "doctor.md"
_HEADING = "## Findings\n"
_SET = "az functionapp config appsettings set --name APP --resource-group GROUP --settings"
_WORDS = {
    "set": _SET,
    "mend_identity": "az functionapp identity assign --name APP --resource-group GROUP, or az login",
    "account_key": "$(az cognitiveservices account keys list ACCOUNT_OPTIONS --query key1 --output tsv)",
    "keys": "--vault VAULT",
    "overlap": " --overlap 24h",
    "soften": "python -m tools.keys --vault VAULT limit HOLDER --budget soft",
    "mend_credential": "the command that puts the key of the account into the vault or the setting, or corrects "
    "AZURE_OPENAI_TOKEN_SCOPE",
}
_PLACE = re.compile(r"(?<!\{)\{(\w+)\}")


def written(page: str) -> str:
    """Return the page with its last section written anew."""
    before, heading, _ = page.partition(_HEADING)
    rows = "".join(
        f"| `{code}` | {row.severity.value} | {_shown(row.what)} {_shown(row.why)} | {_shown(row.cure)} |\n"
        for code, row in FINDINGS.items()
    )
    note = (
        "\nThis section is generated from the table of findings (`python -m tools.doctor_page`). Words in capitals\n"
        "are filled with the ids of your set-up where they are known.\n\n"
    )
    return f"{before}{heading}{note}| Finding | | What, and why it matters | What mends it |\n|---|---|---|---|\n{rows}"


def _shown(text: str) -> str:
    filled = _PLACE.sub(lambda place: _WORDS.get(place[1], place[1].upper()), text)
    return filled.replace("{{", "{").replace("}}", "}").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
