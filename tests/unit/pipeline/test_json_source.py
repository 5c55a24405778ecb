"""The requests of one call: by which path it goes, without what is refused, and what is remembered of that."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.azure_api.request import parse_call
from proxy.azure_api.urls import surfaces_at
from proxy.azure_services.credentials import FixedKey
from proxy.config.policy import Policy
from proxy.errors import AzureRefusal
from proxy.openai_api import router
from proxy.openai_api.object_ids import Tags
from proxy.openai_api.router import Route
from proxy.pipeline.attempt import Built, Refused, RunningCall
from proxy.pipeline.call_path import Knowledge
from proxy.pipeline.json_source import MAX_ROUNDS, JsonSource
from proxy.pipeline.resources import Resource, Resources
from proxy.pipeline.routed_request import RoutedRequest
from proxy.pipeline.translated_call import Translators
from proxy.routing.failures import Failure, Kind
from proxy.routing.learned import Learned, learned_repairs
from proxy.routing.retry import Routing
from proxy.routing.targets import ResourceModels, Target
from proxy.values import Api, Request, Response, Secret
from tests.fakes.clock import Clock

CLASSIC, V1, RESPONSES = "classic", "v1", "responses"
PLACES = {
    "/openai/deployments/d/chat/completions": CLASSIC,
    "/openai/v1/chat/completions": V1,
    "/openai/v1/responses": RESPONSES,
}
HOUR = 3600.0
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
RESPONSE = {"model": "m", "input": "hi"}
WITH_TOOLS = {**CHAT, "tools": [{"type": "function", "function": {"name": "look"}}]}

Answer = tuple[int, Mapping[str, object]]
Body = dict[str, Any]


def error(message: str, code: str | None = None, param: str | None = None, status: int = 400) -> Answer:
    return status, {"error": {"message": message, "type": "invalid_request_error", "code": code, "param": param}}


NO_OPERATION = error("The requested operation is unsupported.", "OperationNotSupported")
NOT_FOUND = error("Resource not found", "404", status=404)
NO_TOOLS = error("Function tools with reasoning_effort are not supported for m in /v1/chat/completions.")
NO_SEALING = error("Encrypted content is not supported with this model.", None, "include")
NO_EFFORT = error("Unsupported parameter: 'reasoning.effort'.", "unsupported_parameter", "reasoning.effort")
NO_STREAM = error("Unsupported value: 'stream' does not support true.", "unsupported_value", "stream")
UNREADABLE = error("No.", "invalid_encrypted_content")
WRONG = error("The prompt is wrong.", "invalid_prompt")


def without(name: str) -> Answer:
    return error(f"Unsupported parameter: '{name}' is not supported with this model.", "unsupported_parameter", name)


class Start:
    """What a call is told of the time that its answer may take."""

    def __init__(self) -> None:
        self.collects = False

    def collect(self, *, collects: bool) -> None:
        self.collects = collects


@dataclass(kw_only=True)
class World:
    """A deployment that answers at each place what `refusals` says, for as long as that refuses; the rest succeeds."""

    refusals: dict[str, Callable[[Body], Answer | None]] = field(default_factory=dict)
    translates: bool = True
    repairs: bool = True
    hard_budget: bool = False
    clock: Clock = field(default_factory=lambda: Clock(1000.0))
    asked: list[tuple[str, Body]] = field(default_factory=list)
    start: Start = field(default_factory=Start)

    def __post_init__(self) -> None:
        translators = Translators(
            memory=None,
            keep_filter_results=False,
            with_details=False,
            needs_usage=False,
            clock=self.clock,
            now=self.clock,
        )
        self.knows = Knowledge(
            repairs=learned_repairs() if self.repairs else None,
            paths=Learned(),
            translators=translators if self.translates else None,
            clock=self.clock,
        )
        only = Resource(
            models=ResourceModels(),
            surfaces=surfaces_at("https://a.openai.azure.com", "2024-10-21", {}),
            credential=FixedKey(Secret("key")),
            auth=None,
        )
        self.resources = Resources([only], fallbacks={}, routing=Routing(Policy()), tags=Tags(("a",)))

    async def ask(self, asked: Body, target: Target | None = None, *, is_alone: bool = True) -> Mapping[str, str]:
        """Make a call as an attempt does; return the headers of its answer, or raise what the client reads."""
        source = self.source(asked, is_alone=is_alone)
        return await self.attempt(source, target or Target(resource=0, deployment="d", model="m"))

    def source(self, asked: Body, *, is_alone: bool = True) -> JsonSource:
        path = "/v1/chat/completions" if "messages" in asked else "/v1/responses"
        route = router.find("POST", path)
        assert isinstance(route, Route)
        headers = {"content-type": "application/json"}
        request = Request(id="1", method="POST", path=path, query="", headers=headers, receive=cast("Any", None))
        resources = self.resources
        routed = RoutedRequest(request=request, route=route, query="", resources=resources, tags=resources.tags)
        entry, slot = (
            SimpleNamespace(reasoning_missed=None, counts_sendings=False, hard_budget=self.hard_budget),
            SimpleNamespace(take=lambda _: None),
        )
        running = RunningCall(
            exchange=cast("Any", SimpleNamespace(entry=entry)),
            slot=cast("Any", slot),
            writer=cast("Any", None),
            start=cast("Any", self.start),
        )
        call = parse_call(route, json.dumps(asked).encode())
        return JsonSource(routed, call, self.knows, running, is_alone=is_alone)

    async def attempt(self, source: JsonSource, target: Target) -> Mapping[str, str]:
        source.begin(target)
        while True:
            built = await source.build(target)
            if isinstance(built, Refused):
                raise built.error
            refused = self._refuse(built)
            if refused is None:
                source.succeeded()
                return source.with_repairs(Response(status=200, headers={}, body=b"{}")).headers
            left = source.repair(refused)
            if left is not None:
                raise left.error

    def _refuse(self, built: Built) -> Refused | None:
        address = built.message.url.partition("?")[0].removeprefix("https://a.openai.azure.com")
        assert isinstance(built.message.body, bytes)
        place, body = PLACES[address], json.loads(built.message.body)
        self.asked.append((place, body))
        refuse = self.refusals.get(place)
        refusal = refuse(body) if refuse is not None else None
        if refusal is None:
            return None
        status, told = refusal
        fields = cast("dict[str, str]", told["error"])
        told_error = AzureRefusal(fields["message"], status=status, type="x", code=fields["code"])
        failure = Failure(kind=Kind.ANSWER, status=status, code=fields["code"] or "")
        return Refused(failure=failure, error=told_error, body=json.dumps(told).encode())

    def places(self) -> list[str]:
        """Return where the requests since the last look went."""
        places = [place for place, _ in self.asked]
        self.asked.clear()
        return places


def always(refusal: Answer) -> Callable[[Body], Answer | None]:
    return lambda _: refusal


def if_it_has(name: str, refusal: Answer) -> Callable[[Body], Answer | None]:
    return lambda body: refusal if name in body else None


async def test_what_is_not_refused_goes_as_it_is() -> None:
    world = World()
    assert await world.ask(CHAT) == {}
    assert await world.ask(RESPONSE) == {}
    assert world.places() == [CLASSIC, RESPONSES]


async def test_native_comes_before_v1_and_that_before_the_other_api() -> None:
    world = World(refusals={CLASSIC: always(NOT_FOUND), V1: always(NO_OPERATION)})
    assert (await world.ask(CHAT))["x-proxy-translated"] == "responses"
    assert world.places() == [CLASSIC, V1, RESPONSES]
    assert (await world.ask(CHAT))["x-proxy-translated"] == "responses"
    assert world.places() == [RESPONSES]


async def test_no_call_takes_more_than_two_requests_beyond_the_first() -> None:
    refusals = {CLASSIC: always(NOT_FOUND), V1: always(NO_OPERATION), RESPONSES: always(NO_OPERATION)}
    world = World(refusals=refusals)
    for _ in range(2):
        with pytest.raises(AzureRefusal) as raised:
            await world.ask(CHAT)
        assert raised.value.status == 404  # the first refusal
        assert world.places() == [CLASSIC, V1, RESPONSES]
    assert not world.knows.paths.facts
    with pytest.raises(AzureRefusal):
        await world.ask(RESPONSE)
    assert world.places() == [RESPONSES, CLASSIC, V1]


async def test_a_path_is_remembered_for_an_hour_and_only_after_it_succeeded() -> None:
    world = World(refusals={CLASSIC: always(NO_OPERATION), RESPONSES: always(WRONG)})
    with pytest.raises(AzureRefusal, match="prompt is wrong"):
        await world.ask(CHAT)
    del world.refusals[RESPONSES]
    await world.ask(CHAT)
    await world.ask(CHAT)
    assert world.places() == [CLASSIC, RESPONSES, CLASSIC, RESPONSES, RESPONSES]
    world.clock.advance(HOUR)
    await world.ask(CHAT)
    assert world.places() == [CLASSIC, RESPONSES]


async def test_a_known_translation_that_is_refused_is_forgotten_without_another_try() -> None:
    world = World(refusals={CLASSIC: always(NO_OPERATION)})
    await world.ask(CHAT)
    world.refusals = {RESPONSES: always(NO_OPERATION)}
    with pytest.raises(AzureRefusal, match="operation is unsupported"):
        await world.ask(CHAT)
    await world.ask(CHAT)
    assert world.places() == [CLASSIC, RESPONSES, RESPONSES, CLASSIC]


async def test_tools_beside_reasoning_go_before_any_repair_and_other_chats_stay() -> None:
    world = World(refusals={CLASSIC: if_it_has("tools", NO_TOOLS)})
    await world.ask({**WITH_TOOLS, "reasoning_effort": "high"})
    assert world.asked[-1][1]["reasoning"] == {"effort": "high"}
    await world.ask(WITH_TOOLS)
    await world.ask(CHAT)
    assert world.places() == [CLASSIC, RESPONSES, RESPONSES, CLASSIC]
    await world.ask({**WITH_TOOLS, "reasoning_effort": "none"})
    assert world.places()[0] == CLASSIC


@pytest.mark.parametrize("refusal", [NO_SEALING, NO_EFFORT])
async def test_what_other_makers_lack_is_a_reason_only_where_the_maker_is_known(refusal: Answer) -> None:
    asked = {**RESPONSE, "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"}}
    refuses = if_it_has("include" if refusal is NO_SEALING else "reasoning", refusal)
    world = World(refusals={RESPONSES: refuses})
    other = Target(resource=0, deployment="d", model="DeepSeek-V4")
    assert (await world.ask(asked, other))["x-proxy-translated"] == "chat"
    assert world.places() == [RESPONSES, CLASSIC]
    world = World(refusals={RESPONSES: refuses})
    assert "x-proxy-repaired" in await world.ask(asked)
    assert world.places() == [RESPONSES, RESPONSES]


@pytest.mark.parametrize(("api", "place"), [(Api.CHAT, CLASSIC), (Api.RESPONSES, RESPONSES)])
async def test_a_setting_or_azures_list_wins_and_nothing_else_is_tried(api: Api, place: str) -> None:
    world = World(refusals={CLASSIC: always(NO_OPERATION), RESPONSES: always(NO_OPERATION)})
    for asked in (CHAT, RESPONSE):
        with pytest.raises(AzureRefusal):
            await world.ask(asked, Target(resource=0, deployment="d", model="m", api=api))
    assert world.places() == [place, place]


async def test_without_translation_the_refusal_is_the_clients() -> None:
    world = World(refusals={CLASSIC: always(NO_OPERATION)}, translates=False)
    with pytest.raises(AzureRefusal):
        await world.ask(CHAT)
    assert world.places() == [CLASSIC]


async def test_what_was_refused_is_left_out_at_most_so_often_and_remembered_by_the_operation_sent() -> None:
    names = ("temperature", "top_p", "user")
    asked = {**CHAT, **dict.fromkeys(names, 1)}

    def refuse(body: Body) -> Answer | None:
        return next((without(name) for name in names if name in body), None)

    world = World(refusals={CLASSIC: always(NO_OPERATION), RESPONSES: refuse})
    assert (await world.ask(asked))["x-proxy-repaired"] == "temperature, top_p, user"
    assert world.places() == [CLASSIC, *[RESPONSES] * 4]
    await world.ask(asked)
    assert world.places() == [RESPONSES]
    # A chat that goes as it is has not been refused anything.
    world.refusals = {}
    world.knows.paths.facts.clear()
    await world.ask(asked)
    assert world.asked[-1][1].keys() >= set(names)


async def test_there_is_an_end_to_repairs_and_the_first_refusal_counts() -> None:
    names = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "user", "verbosity", "service_tier")
    world = World(refusals={CLASSIC: lambda body: next((without(name) for name in names if name in body), None)})
    with pytest.raises(AzureRefusal, match="'temperature'"):
        await world.ask({**CHAT, **dict.fromkeys(names, 1)})
    assert len(world.places()) == MAX_ROUNDS + 1


async def test_without_repairs_the_refusal_is_the_clients() -> None:
    world = World(refusals={CLASSIC: always(without("temperature"))}, repairs=False)
    with pytest.raises(AzureRefusal):
        await world.ask({**CHAT, "temperature": 1})
    assert world.places() == [CLASSIC]


async def test_reasoning_that_is_refused_is_left_out_once() -> None:
    detail = {"type": "reasoning.encrypted", "format": "openai-responses-v1", "id": "rs_1", "index": 0, "data": "g"}
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    assistant = {"role": "assistant", "tool_calls": [call], "reasoning_details": [{**detail, "tool_call_id": "a"}]}
    asked = {**CHAT, "messages": [*CHAT["messages"], assistant, {"role": "tool", "tool_call_id": "a", "content": "x"}]}
    target = Target(resource=0, deployment="d", model="gpt-5", api=Api.RESPONSES)
    world = World(refusals={RESPONSES: lambda body: UNREADABLE if '"reasoning"' in json.dumps(body["input"]) else None})
    world.knows = Knowledge(
        repairs=None,
        paths=Learned(),
        translators=Translators(
            memory=None,
            keep_filter_results=False,
            with_details=True,
            needs_usage=False,
            clock=world.clock,
            now=world.clock,
        ),
        clock=world.clock,
    )
    await world.ask(asked, target)
    kinds = [[item.get("type", "message") for item in body["input"]] for _, body in world.asked]
    assert kinds == [
        ["message", "reasoning", "function_call", "function_call_output"],
        ["message", "function_call", "function_call_output"],
    ]


async def test_a_model_that_takes_long_is_asked_for_a_stream_unless_it_is_known_to_refuse_one() -> None:
    target = Target(resource=0, deployment="d", model="o3-pro", api=Api.RESPONSES)
    world = World()
    await world.ask(CHAT, target)
    assert (world.asked[-1][1]["stream"], world.start.collects) == (True, True)
    await world.ask({**CHAT, "stream": True}, target)
    assert world.start.collects is False
    world.refusals = {RESPONSES: if_it_has("stream", NO_STREAM)}
    await world.ask(CHAT, target)
    await world.ask(CHAT, target)
    assert world.places() == [RESPONSES] * 5
    assert world.start.collects is False


async def test_the_next_target_has_no_more_time_because_the_first_had() -> None:
    world = World(refusals={RESPONSES: always(WRONG)})
    source = world.source(CHAT, is_alone=False)
    with pytest.raises(AzureRefusal):
        await world.attempt(source, Target(resource=0, deployment="d", model="o3-pro", api=Api.RESPONSES))
    taken = [world.start.collects]
    await world.attempt(source, Target(resource=0, deployment="d", model="m", api=Api.CHAT))
    assert [*taken, world.start.collects] == [True, False]
    assert world.places() == [RESPONSES, CLASSIC]


async def test_of_equal_priority_those_come_first_that_take_the_call_as_it_is() -> None:
    world = World()
    targets = tuple(
        Target(resource=0, deployment=f"{api}-{priority}", priority=priority, api=api)
        for priority in (1, 0)
        for api in (Api.RESPONSES, None, Api.CHAT)
    )
    ranked = sorted(world.source(CHAT).ranked(targets), key=lambda target: target.priority)
    assert [target.deployment for target in ranked] == [
        "None-0",
        f"{Api.CHAT}-0",
        f"{Api.RESPONSES}-0",
        "None-1",
        f"{Api.CHAT}-1",
        f"{Api.RESPONSES}-1",
    ]
    assert World(translates=False).source(CHAT).ranked(targets) is targets


async def test_a_hard_budget_keeps_the_service_tier_for_which_it_has_reserved() -> None:
    world = World(refusals={CLASSIC: if_it_has("service_tier", without("service_tier"))})
    assert (await world.ask(CHAT | {"service_tier": "default"}))["x-proxy-repaired"] == "service_tier"
    world.hard_budget = True
    for tier in ("default", "flex"):
        with pytest.raises(AzureRefusal, match="service_tier"):
            await world.ask(CHAT | {"service_tier": tier})
    for tier in ("auto", "priority"):
        assert (await world.ask(CHAT | {"service_tier": tier}))["x-proxy-repaired"] == "service_tier"


async def test_a_hard_budget_takes_a_service_tier_that_costs_no_more() -> None:
    only = error("Invalid value: 'flex'. Supported values are: 'default' and 'auto'.", "invalid_value", "service_tier")
    world = World(refusals={CLASSIC: lambda body: only if body["service_tier"] == "flex" else None}, hard_budget=True)
    assert (await world.ask(CHAT | {"service_tier": "flex"}))["x-proxy-repaired"] == "service_tier"
    assert world.asked[-1][1]["service_tier"] == "default"
