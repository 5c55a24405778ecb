"""Requests and answers with any of the members that OpenAI's document has: what is made of them is allowed by it.

The other tests of properties look for what a request says; these have every member, also one that a new document adds.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import parse_json_body
from proxy.translation.chat_on_responses import request as chat_on_responses
from proxy.translation.chat_on_responses.members import MEMBERS
from proxy.translation.chat_on_responses.members import Fate as ChatFate
from proxy.translation.responses_on_chat.draft import Fate
from proxy.translation.responses_on_chat.items import ITEMS
from proxy.translation.responses_on_chat.parameters import PARAMETERS
from proxy.translation.responses_on_chat.tools import OFFERS
from tests import documents
from tests.unit.translation.chats import REPLY, answer, chunks, events, play, told
from tests.unit.translation.of_schema import Maker
from tests.unit.translation.responses import chat, read_answer

Json = dict[str, Any]
# What an answer of Responses has that a chat shows.
SHOWN = frozenset({"message", "function_call", "custom_tool_call", "reasoning"})
SOME = settings(max_examples=40, suppress_health_check=list(HealthCheck))
# Its bounds stand as texts in the document.
UNUSUAL = frozenset({"seed"})


@cache
def judge() -> documents.Document:
    return documents.load(documents.OPENAI)


def generated(name: str) -> st.SearchStrategy[Json]:
    """Return what a schema allows, without what the document's own judge refuses."""
    return st.deferred(lambda: Maker(judge().root, {}).of(name))


def without(asked: Mapping[str, Any], names: frozenset[str]) -> Json:
    return {name: value for name, value in asked.items() if name not in names}


@documents.needed
@SOME
@given(generated("CreateChatCompletionRequest"), st.booleans())
def test_any_chat_becomes_a_request_of_responses(asked: Json, reasons: bool) -> None:
    refused = frozenset(name for name, row in MEMBERS.items() if row.fate is ChatFate.REFUSED)
    asked = without(asked, refused | UNUSUAL | {"n", "modalities"}) | {"max_completion_tokens": 20}
    assume(not judge().faults_of_request("POST", "/chat/completions", asked))
    document = parse_json_body(json.dumps(asked).encode())
    with suppress(InvalidRequest):
        sent = chat_on_responses.translate(document, REPLY, reasons=reasons)
        assert judge().faults_of_request("POST", "/responses", json.loads(sent.body.raw)) == []


def is_sent(item: Json) -> bool:
    return ITEMS[item.get("type") or "item_reference"].fate is Fate.SENT


@documents.needed
@SOME
@given(generated("CreateResponse"), st.booleans(), st.booleans())
def test_any_request_of_responses_becomes_a_chat(asked: Json, is_openai: bool, reasons: bool) -> None:
    refused = frozenset(name for name, row in PARAMETERS.items() if row.fate is Fate.REFUSED)
    asked = {"model": "m", **without(asked, refused)}
    items = asked.get("input")
    if isinstance(items, list):
        asked["input"] = [item for item in items if "role" in item or is_sent(item)]
    asked["input"] = asked.get("input") or "Hi"
    asked["tools"] = [tool for tool in asked.get("tools") or [] if tool["type"] in OFFERS]
    assume(not judge().faults_of_request("POST", "/responses", asked))
    with suppress(InvalidRequest):
        chat(json.dumps(asked).encode(), is_openai=is_openai, reasons=reasons)


@documents.needed
@SOME
@given(generated("Response"))
def test_any_response_is_an_answer_of_a_chat_whole_and_streamed(response: Json) -> None:
    ended: Json = {"error": None, "status": "completed", "incomplete_details": None, "instructions": None, "tools": []}
    response = without(response, frozenset({"moderation", "service_tier"})) | ended
    response["output"] = [item for item in response["output"] if item["type"] in SHOWN]
    assume(not judge().faults_by_name("Response", response))
    choice = answer(response)["choices"][0]
    found = told(chunks(play([events(response)])))
    assert found.pop("finish_reason") == choice["finish_reason"]
    assert (found.pop("content") or "") == (choice["message"].pop("content") or "")
    assert found == choice["message"]


@documents.needed
@SOME
@given(generated("CreateChatCompletionResponse"))
def test_any_answer_of_a_chat_is_a_response(completion: Json) -> None:
    completion = without(completion, frozenset({"moderation"}))
    assume(completion["choices"] and not judge().faults_by_name("CreateChatCompletionResponse", completion))
    read_answer(json.dumps(completion).encode())
