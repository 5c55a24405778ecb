"""The front page in a real browser: headless Chromium, driven by Playwright and judged by axe-core."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.browser import chromium
from tests.integration import node
from tests.processes import REPOSITORY, HostProcess, free_port, running_host
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOLDER = Path(__file__).parent
KEY = "sk-browser-0123456789abcdef"
LIMITS = {"models": ["chat", "gpt-*"], "rpm": 6000, "expires": "2099-01-31T00:00:00Z", "budget-usd": 5}
BUDGETS = {
    "poor": {"key": "sk-poor-0123456789abcdefgh", "budget-usd": "0.001"},
    "soft": {"key": "sk-soft-0123456789abcdefgh", "budget-usd": "0.000001", "budget": "soft"},
}
APPLICATION = "22222222-2222-2222-2222-222222222222"
TOKENS = {
    "CLIENT_AUTH": "keys-and-entra",
    "CLIENT_ENTRA_TENANT": "11111111-1111-1111-1111-111111111111",
    "CLIENT_ENTRA_AUDIENCES": APPLICATION,
}
PATIENCE = 90.0


def environ_for(url: str) -> dict[str, str]:
    return {
        "AZURE_OPENAI_ENDPOINT": url,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "AZURE_OPENAI_MODEL_MAPPER": "chat=gpt-4o,text-embedding-3-small=text-embedding-3-small",
        "AZURE_OPENAI_ROUTING": '{"attempts":1}',
        "AZURE_OPENAI_DEPLOYMENT_MODELS": "gpt-4o=gpt-4o@2024-11-20/GlobalStandard",
        "CLIENT_KEYS": json.dumps({"browser": {"key": KEY, **LIMITS}, **BUDGETS}),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(pace=0.01).serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def came(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each scenario of page.js."""
    browser = chromium.environ(str(tmp_path_factory.mktemp("home")))
    await asyncio.to_thread(node.install, FOLDER)
    async with AsyncExitStack() as stack:

        async def host(environ: dict[str, str]) -> HostProcess:
            return await stack.enter_async_context(running_host(REPOSITORY, environ))

        proxy = await host(environ_for(simulator.url))
        dead = await host(environ_for(f"http://127.0.0.1:{free_port()}") | TOKENS)
        azure_key = await host({"AZURE_OPENAI_ENDPOINT": simulator.url, "CLIENT_AUTH": "azure-key"})
        environ = browser | {
            "URL": proxy.url,
            "DEAD_URL": dead.url,
            "AZURE_KEY_URL": azure_key.url,
            "KEY": KEY,
            "POOR_KEY": BUDGETS["poor"]["key"],
            "SOFT_KEY": BUDGETS["soft"]["key"],
            "SCREENSHOTS": os.environ.get("SCREENSHOTS", ""),
        }
        return {"url": proxy.url} | await node.run_script(FOLDER / "page.js", environ, timeout=PATIENCE)


async def test_it_shows_the_base_url_and_loads_nothing_from_elsewhere(came: dict[str, Any]) -> None:
    url = came["url"]
    assert came["first_look"] == {"base": f"{url}/v1", "shown": False, "hosts": [url], "complaints": []}


async def test_a_key_shows_its_models_and_limits(came: dict[str, Any]) -> None:
    account = came["account"]
    assert account["client"] == "browser"
    assert account["models"] == ["chat"]
    assert account["limits"][:4] == ["Models allowed", "chat, gpt-*", "Requests a minute", "6,000"]
    assert account["limits"][4] == "Valid until"
    assert re.match(r"3[01] Jan 2099, \d\d:\d\d", account["limits"][5])
    assert account["limits"][6:8] == ["Budget a month", "USD\xa05.00 (hard)"]
    assert account["limits"][8] == "Left of it"
    assert account["limits"][10] == "Renewed on"
    assert account["complaints"] == []


async def test_settings_are_shown_without_the_key_and_copied_with_it(came: dict[str, Any]) -> None:
    url = came["url"]
    assert came["settings"]
    for client, settings in came["settings"].items():
        assert KEY not in settings["shown"], client
        assert KEY in settings["copied"], client
        assert url in settings["copied"], client
        assert settings["copied"] == settings["shown"].replace("••••••••", KEY), client


async def test_the_guide_has_the_clients_of_the_page(came: dict[str, Any]) -> None:
    guide = (REPOSITORY / "docs" / "clients.md").read_text()
    assert [name for name in came["settings"] if name not in guide] == []


async def test_a_chat_streams_and_has_a_second_turn_and_shows_text_as_text(
    came: dict[str, Any], simulator: Simulator
) -> None:
    chat = came["streamed_chat"]
    assert chat["complaints"] == []
    assert chat["elements"] == 0
    assert len(chat["turns"]) == 4
    assert chat["turns"][3].count("<b>bold</b> ![image](https://example.com/x.png)") == 1
    assert chat["lengths"] > 3
    second = [request.body for request in simulator.requests if b"<b>bold</b>" in request.body]
    assert b'"assistant"' in second[0]


async def test_usage_and_what_is_left_of_the_budget_follow_each_answer(came: dict[str, Any]) -> None:
    before, after = came["paid"]["before"], came["paid"]["after"]
    assert after["requests"] == before["requests"] + 1
    assert after["tokens"] > before["tokens"]
    assert 0 < after["left"] < before["left"] < 5
    assert came["paid"]["note"] == ""


async def test_a_hard_budget_that_is_used_up_is_said_in_both_languages(came: dict[str, Any]) -> None:
    english, chinese = came["poor"]["en-GB"], came["poor"]["zh-CN"]
    reason = (
        r" The budget of the client key `poor` has 0\.001000 USD left, .* The next month begins on 20\d\d-\d\d-01 UTC\."
    )
    assert re.fullmatch(r"The budget or the quota has too little left for this request\." + reason, english["message"])
    assert re.fullmatch("预算或配额不足.*。" + reason, chinese["message"])
    assert (english["box"], english["turns"]) == ("Hello", 0)


async def test_a_budget_with_little_left_and_a_soft_one_say_what_comes_of_it(came: dict[str, Any]) -> None:
    assert came["soft"]["en-GB"] == "The budget of this month is used up. It is a soft one, so nothing is refused."
    assert came["soft"]["zh-CN"].startswith("本月预算已用完。")
    assert came["little_left"]["note"].startswith("The budget of this month is as good as used up")
    assert (came["little_left"]["wide"], came["little_left"]["violations"]) == (False, [])


async def test_stop_ends_the_answer_at_the_upstream_too(came: dict[str, Any], simulator: Simulator) -> None:
    assert came["stop"] == {"message": "Stopped.", "kept": 2, "focused": "message"}
    await simulator.disconnected()
    assert b"word word" in simulator.disconnects[0].body


async def test_a_wrong_key_is_said_clearly(came: dict[str, Any]) -> None:
    assert came["wrong_key"] == {"message": "This key is not valid.", "shown": False}


async def test_a_dead_upstream_is_said_clearly_and_loses_no_question(came: dict[str, Any]) -> None:
    dead = came["dead_upstream"]
    assert re.search(r": 50\d .*Azure OpenAI", dead["message"])
    assert dead["box"] == "Hello"


async def test_the_key_stays_in_the_tab_only_when_asked_to(came: dict[str, Any]) -> None:
    assert came["key_in_the_tab"] == {"forgotten": True, "kept": True, "local": "{}"}


async def test_the_language_is_that_of_the_browser_until_it_is_chosen(came: dict[str, Any]) -> None:
    assert came["chinese"] == {
        "chinese": ["让每个 OpenAI 客户端都能使用 Azure OpenAI", "使用", "zh-CN"],
        "english": ["Azure OpenAI for every OpenAI client", "Use", "en"],
    }


async def test_it_never_asks_for_a_key_of_azure(came: dict[str, Any]) -> None:
    page = came["azure_keys"]
    assert (page["asks"], page["settings"]) == (False, True)
    assert "never asks for one" in page["says"]


async def test_it_says_how_to_get_a_token_where_tokens_are_keys(came: dict[str, Any]) -> None:
    command = f"az account get-access-token --resource api://{APPLICATION} --query accessToken --output tsv"
    assert came["tokens"] == {"asks": True, "command": command, "elsewhere": False}


async def test_it_fits_phones_and_desks_in_light_and_dark_for_everybody(came: dict[str, Any]) -> None:
    assert len(came["looks"]) == 8
    assert {name: look for name, look in came["looks"].items() if look["wide"] or look["violations"]} == {}


def _members(text: str, language: str) -> Iterator[str]:
    block = re.search(rf"  {language}: {{(.*?)\n  }}", text, re.DOTALL)
    assert block is not None
    return iter(re.findall(r"^    (\w+):", block[1], re.MULTILINE))


async def test_both_languages_have_the_same_words() -> None:
    texts = (REPOSITORY / "proxy" / "front_page" / "texts.js").read_text()
    assert list(_members(texts, "en")) == list(_members(texts, "zh"))
