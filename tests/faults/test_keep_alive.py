"""What a stream gets while Azure is silent, by its client and by what is set for all."""

from collections.abc import Mapping

import pytest

from proxy.openai_api.sse import BLANK, COMMENT
from tests.faults.client import Answer, ask, open_application, scope_of
from tests.faults.operations import AZURE_KEY, CHAT_STREAM, CLIENT_KEY
from tests.faults.raw import Play, Upstream

SILENT = Play(parts=())
HASTY = {"STREAM_HEAD_TIMEOUT": "0.05", "STREAM_KEEP_ALIVE_INTERVAL": "0.05", "UPSTREAM_TOTAL_TIMEOUT": "0.5"}
OLD_NET = "app azsdk-net-AI.OpenAI/1.0.0-beta.17 (.NET 8.0.1; Linux)"


@pytest.mark.parametrize(
    ("agent", "environ", "keeps"),
    [
        (None, {}, BLANK),
        ("OpenAI/Python 3.54.0", {}, BLANK),
        ("azsdk-net-AI.OpenAI/2.1.0 (.NET 8.0.1; Linux)", {}, BLANK),
        (OLD_NET, {}, COMMENT),
        (OLD_NET, {"STREAM_KEEP_ALIVE": "blank"}, BLANK),
        ("OpenAI/Python 3.54.0", {"STREAM_KEEP_ALIVE": "comment"}, COMMENT),
    ],
)
async def test_a_silent_stream_gets_what_its_client_can_read(
    agent: str | None, environ: Mapping[str, str], keeps: bytes
) -> None:
    async with Upstream(lambda _: SILENT).serving() as azure:
        settings = {"AZURE_OPENAI_ENDPOINT": azure.url, "AZURE_OPENAI_API_KEY": AZURE_KEY}
        keys = {"CLIENT_KEYS": f"somebody={CLIENT_KEY}"}
        application = open_application({**settings, **keys, **HASTY, **environ}, lambda _: None)
        headers = {"authorization": f"Bearer {CLIENT_KEY}", "content-type": "application/json"}
        answer = Answer()
        scope = scope_of(CHAT_STREAM.path, headers | ({} if agent is None else {"user-agent": agent}))
        await ask(application, scope, CHAT_STREAM.body, answer)
        await application.stop(1)
    assert answer.body.startswith(keeps * 2)
