"""The front page in a real browser with answers that are rare, hundreds of models, and the keyboard alone."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.browser import chromium
from tests.browser.test_front_page import FOLDER, KEY, PATIENCE
from tests.integration import node
from tests.processes import REPOSITORY, running_host

pytestmark = pytest.mark.asyncio(loop_scope="module")
# Nobody is there: the script answers what the app would ask.
ENVIRON = {
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_OPENAI_API_KEY": "unused",
    "CLIENT_KEYS": json.dumps({"browser": {"key": KEY}}),
}
ERROR = "The proxy answered with an error: "


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def came(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """What came of each scenario of answers.js."""
    browser = chromium.environ(str(tmp_path_factory.mktemp("home")))
    await asyncio.to_thread(node.install, FOLDER)
    async with running_host(REPOSITORY, ENVIRON) as host:
        environ = browser | {"URL": host.url, "KEY": KEY, "SCREENSHOTS": os.environ.get("SCREENSHOTS", "")}
        yield await node.run_script(FOLDER / "answers.js", environ, timeout=PATIENCE)


def _asked_again(message: str) -> dict[str, Any]:
    """Return what is there after an answer without a word: the question is in the box again."""
    return {"turns": [], "message": message, "box": "Hello", "status": ""}


def _kept(model: str, answer: str, message: str) -> dict[str, Any]:
    return {"turns": ["YouHello", f"{model}{answer}"], "message": message, "box": "", "status": ""}


async def test_too_many_requests_says_when_to_try_again(came: dict[str, Any]) -> None:
    assert came["busy"] == _asked_again(f"{ERROR}429 Too many requests. Try again in 17 seconds.")


async def test_an_error_of_the_platform_without_json_is_its_status(came: dict[str, Any]) -> None:
    assert came["platform"] == _asked_again(f"{ERROR}503")


async def test_a_refusal_is_an_answer(came: dict[str, Any]) -> None:
    assert came["refusal"] == _kept("refusal", "I cannot help with that.", "")


async def test_an_answer_that_used_up_its_tokens_without_a_word_says_so(came: dict[str, Any]) -> None:
    assert came["used_up"] == _asked_again("The answer ends here because it reached the limit of its length.")


async def test_a_filtered_answer_says_so_and_is_kept(came: dict[str, Any]) -> None:
    assert came["filtered"] == _kept("filtered", "Once upon", "The content filter of Azure OpenAI ended the answer.")


async def test_a_lost_connection_and_a_failure_keep_what_came(came: dict[str, Any]) -> None:
    assert came["lost"] == _kept("lost", "Half an", "The answer broke off.")
    assert came["failed"] == _kept("failed", "Half an", "The model failed.")


async def test_a_silent_model_is_waited_for_in_seconds(came: dict[str, Any]) -> None:
    silent = came["silent"]
    assert silent.pop("waiting").startswith("Waiting for the answer: ")
    assert silent.pop("busy") == "true"
    assert silent == _kept("silent", "At last.", "")


async def test_a_very_long_answer_is_followed_to_its_end(came: dict[str, Any]) -> None:
    assert came["long"] == {"length": 150_000, "message": "", "bottom": True}


async def test_hundreds_of_models_with_long_names_fit_on_a_phone(came: dict[str, Any]) -> None:
    assert came["many_models"] == {"wide": False, "listed": [300, 301], "violations": []}


async def test_without_a_list_of_models_a_model_can_be_named(came: dict[str, Any]) -> None:
    assert came["no_list"] == {
        "models": [f"{ERROR}502 The list cannot be had."],
        "focused": "chat-model-other",
        "turns": ["YouHello", "refusalI cannot help with that."],
    }


async def test_the_keyboard_alone_is_enough(came: dict[str, Any]) -> None:
    assert came["keyboard"] == _asked_again("Stopped.")


async def test_a_browser_that_refuses_storage_shows_the_page(came: dict[str, Any]) -> None:
    assert came["no_storage"] == {"complaints": []}


async def test_without_a_clipboard_the_settings_are_shown_and_selected(came: dict[str, Any]) -> None:
    assert KEY in came["no_clipboard"]["selected"]
    assert came["no_clipboard"]["says"].startswith("The browser did not allow it")
