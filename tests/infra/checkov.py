"""Lets checkov judge what the template deploys: `python -m tests.infra.checkov CHECKOV`, its executable.

checkov brings many packages of old versions and belongs into an environment of its own. It reads no symbolic names and
no expressions, so it is given the resources as they are deployed. A check that fails is mended, or it stands here with
the reason why not.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.infra import world
from tools import bicep

SKIPPED = {
    "CKV_AZURE_17": "OpenAI clients bring a key, none brings a certificate",
    "CKV_AZURE_41": "a key that expires by itself stops a team; rotation is in the guide",
    "CKV_AZURE_42": "purge protection is a choice on the form, because it cannot be taken back; soft delete is on",
    "CKV_AZURE_57": "pages may call from everywhere by default since they need a key; one parameter names the origins",
    "CKV_AZURE_62": "an API for OpenAI clients is reachable from everywhere; it lets nobody in without a key",
    "CKV_AZURE_110": "purge protection is a choice on the form, because it cannot be taken back",
    "CKV_AZURE_206": "the storage holds the app's package, which the next deployment brings again",
    "CKV_AZURE_212": "Flex Consumption makes instances as they are needed; alwaysReadyInstances keeps some",
    "CKV_AZURE_213": "Flex Consumption has no health check; it replaces instances by itself",
    "CKV_AZURE_222": "an API for OpenAI clients is public",
    "CKV_AZURE_225": "zones cost always-ready instances in each of them",
    "CKV_AZURE_238": "a new account reads nothing of others, so it needs no identity",
}
PUBLIC = {
    "CKV_AZURE_35": "without privateNetwork the account is reachable, by identities only",
    "CKV_AZURE_59": "without privateNetwork the account is reachable, by identities only",
    "CKV_AZURE_109": "without privateNetwork the vault is reachable, by identities only",
    "CKV_AZURE_134": "without privateNetwork the account is reachable",
    "CKV_AZURE_189": "without privateNetwork the vault is reachable, by identities only",
}
WITH_KEYS = {"CKV_AZURE_236": "keys of a new account are on only when the person chose access by key"}
JUDGED = (
    "new account",
    "new account with keys",
    "several accounts with keys",
    "new account, private",
    "new account with keys, private",
)


def skipped(way: str) -> dict[str, str]:
    """Return the checks that do not count for one way of deploying, with their reasons."""
    public = {} if way.endswith(", private") else PUBLIC
    return {**SKIPPED, **public, **(WITH_KEYS if "with keys" in way else {})}


def judged(checkov: str, way: str) -> tuple[int, list[str]]:
    """Return how many checks a way of deploying passed, and a line for each that failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deployed.json"
        path.write_text(world.flat(world.deployed(world.EVERY_WAY[way])), "utf-8")
        options = ["--framework", "arm", "--output", "json", "--skip-download", "--compact", "--soft-fail"]
        command = [checkov, "--file", str(path), *options, "--skip-check", ",".join(skipped(way))]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(run.stdout)
    failed = report["results"]["failed_checks"]
    return report["summary"]["passed"], [f"{one['check_id']} {one['resource']}: {one['check_name']}" for one in failed]


def main(checkov: str) -> int:
    """Judge every way and tell."""
    if bicep.find() is None:
        print("Note: nothing is judged, because there is no Bicep compiler.")  # noqa: T201
        return 0
    found = 0
    for way in JUDGED:
        passed, failed = judged(checkov, way)
        found += len(failed) + (passed == 0)  # nothing passed means that nothing was read
        print(f"{way}: {passed} passed, {len(failed)} failed", *failed, sep="\n  ")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
