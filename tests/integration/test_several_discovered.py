"""Several resources whose deployments nobody typed, or not all."""

import json
from typing import cast

import openai
import pytest

from tests.fakes.resource_manager import RESOURCE_ID, deployment
from tests.fakes.server import Fault
from tests.integration.several import Odd, entry, environ_of
from tests.integration.test_discovery import CHAT, DEPLOYED, EMBED, EMBEDDING, MODEL, VERSION, cloud, talking
from tools.azure_openai_simulator import Simulator

BUSY = Fault(status=429, retry_after="60")


def of_version(name: str, version: str, *, sku: str) -> dict[str, object]:
    made = deployment(name, sku=sku)
    properties = cast("dict[str, object]", made["properties"])
    return made | {"properties": properties | {"model": {"format": "OpenAI", "name": MODEL, "version": version}}}


@pytest.mark.parametrize("has_old", [True, False])
async def test_a_request_goes_over_to_another_resource_within_a_version_alone(*, has_old: bool) -> None:
    """Both resources list both; what is paid for is first, and it is the old one."""
    versions = [
        of_version("new", "2025-12-01", sku="GlobalStandard"),
        of_version("old", VERSION, sku="ProvisionedManaged"),
    ]
    deployed = {"new": MODEL, "old": MODEL} if has_old else {"new": MODEL}
    async with Odd(BUSY) as odd, Simulator(deployments=deployed).serving() as good, cloud(versions) as azure:
        resources = [
            entry("odd", odd.url, resource_id=RESOURCE_ID),
            entry("good", good.url, resource_id=RESOURCE_ID, priority=1),
        ]
        async with talking(azure, environ_of(resources)) as talk:
            await talk.until_listed(f"{MODEL}-{VERSION}")
            if has_old:
                assert await talk.ask(MODEL) == ("1", "2")
            else:
                with pytest.raises(openai.RateLimitError):
                    await talk.ask(MODEL)
            assert await talk.ask(f"{MODEL}-2025-12-01") == ("1", "2")
    assert [path.split("/")[3] for _, path, _ in odd.asked] == ["old", "new"]
    assert [request.raw_path.split("/")[3] for request in good.requests] == ["old", "new"]


async def test_each_of_several_resources_may_be_listed_or_typed() -> None:
    async with Simulator(deployments=DEPLOYED).serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, resource_id=RESOURCE_ID, models={"broken": "error-500"}),
            entry("other", other.url, models={MODEL: "gpt-4o", "broken": "gpt-4o-mini"}, priority=1),
        ]
        async with cloud([deployment(CHAT), EMBEDDING]) as azure, talking(azure, environ_of(resources)) as talk:
            models = await talk.until_listed(CHAT)
            assert models.keys() >= {MODEL, CHAT, EMBED, "broken"}
            assert await talk.ask(MODEL) == ("0", "1")
            assert await talk.ask("broken") == ("1", "2")
            one.credentials.keys = {"another"}
            with pytest.raises(openai.InternalServerError) as raised:
                await talk.ask(MODEL)  # A key that Azure refuses is for the operator to see.
    assert raised.value.code == "upstream_auth_error"
    assert json.loads(other.requests[-1].body)["model"] == "broken"
