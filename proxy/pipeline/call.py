"""A call of Azure: its body parsed or passed, sent to one target after the other, answered in OpenAI's words."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
from msgspec import structs

from proxy.azure_api.asked_usage import ask_for_usage
from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.forms import is_form, is_upload, model_of
from proxy.azure_api.headers import EVENTS, JSON
from proxy.azure_api.output_limit import output_bound, with_output_limit
from proxy.azure_api.request import Call, parse_call
from proxy.config.timeouts import Timeouts
from proxy.errors import ProxyError, UnknownUrl, UnsupportedOperation, UpstreamError
from proxy.openai_api.answers import encode_error
from proxy.openai_api.id_places import form_parts
from proxy.openai_api.json_members import BYTE_ORDER_MARK
from proxy.openai_api.object_ids import Page, bare_fields, open_page, spans_resources
from proxy.openai_api.object_owners import OwnedTags
from proxy.openai_api.operations import Body
from proxy.openai_api.ownership import MAX_PAGES, not_found_among_others, owned_list
from proxy.openai_api.prompt_key import PROMPTS, find_prompt_key
from proxy.openai_api.router import Route
from proxy.openai_api.sse import BLANK
from proxy.pipeline.attempt import RunningCall, at_once
from proxy.pipeline.authentication import Principal
from proxy.pipeline.budgets import Account, Budgets, Spending
from proxy.pipeline.call_path import Knowledge
from proxy.pipeline.costs import wants_cost
from proxy.pipeline.exchange import Exchange
from proxy.pipeline.failover import Failover
from proxy.pipeline.form_source import FormSource, Upload
from proxy.pipeline.json_source import JsonSource
from proxy.pipeline.owners import Owners
from proxy.pipeline.rates import Demand, Rates, with_own_rates
from proxy.pipeline.recorder import Recorder
from proxy.pipeline.resources import Resources
from proxy.pipeline.routed_request import RoutedRequest
from proxy.pipeline.stream_start import NO_STREAM, StreamStart
from proxy.pipeline.translated_call import CHAT, RESPONSE, refuse_not_stored
from proxy.prices.asked import read_form
from proxy.routing.affinity import Placement
from proxy.routing.targets import Target
from proxy.server.concurrency import Slot
from proxy.server.request_body import read_body
from proxy.server.response_writer import ResponseWriter, StreamBroken
from proxy.values import Limits, Request, Response, UpstreamRequest

# Bytes of a body that are looked through twice, for ids and for its members, with room for other requests in between.
LARGE_BODY = 1024 * 1024
# The most that a form for images may ask for: images it brings, with a mask, and makes, and bytes of its prompt.
# https://platform.openai.com/docs/api-reference/images/createEdit
MOST_IMAGES, MOST_MADE, MOST_PARTIAL, MOST_PROMPT = 17, 10, 3, 128_000
# The member of a chat that brings reasoning back, which only the deployment can read.
DETAILS = b'"reasoning_details"'
_EMPTY_LIST = b'{"object":"list","data":[]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How calls are made; where usage is kept or has a price, streams are asked for it: `asks_usage`.

    `max_json_body` is in bytes; `store_objects` tells whether Azure may keep objects; `knows` is what is known of
    deployments; `rates` are those of client keys; `owners` know whose objects are, None where all clients share them;
    `budgets` are None where nobody can have one.
    """

    failover: Failover
    rates: Rates
    timeouts: Timeouts
    max_json_body: int
    store_objects: bool
    knows: Knowledge
    asks_usage: bool = False
    owners: Owners | None = None
    budgets: Budgets | None = None

    async def answer(
        self,
        exchange: Exchange,
        slot: Slot,
        writer: ResponseWriter,
        request: Request,
        route: Route,
        principal: Principal,
    ) -> Response:
        """Return Azure's answer in OpenAI's words; raise a `ProxyError` while the head of the answer can tell it."""
        owned = None if self.owners is None else await self.owners.open(route.operation, principal)
        start = StreamStart(exchange.deadline, self.timeouts, lambda: self._begin_answer(exchange, writer, start))
        begun = RunningCall(exchange=exchange, slot=slot, writer=writer, start=start)
        running = _Call(calls=self, running=begun, client=principal.client, limits=principal.limits)
        routed = RoutedRequest(
            request=request,
            route=route,
            query=request.query,
            resources=principal.resources,
            tags=principal.resources.tags if owned is None else owned,
            owned=owned,
            client=principal.client,
            allowed=principal.allowed,
        )
        try:
            answer = await running.answer(routed)
        except BaseException as failure:
            if not writer.head_sent:
                raise
            return running.failed(route, exchange.error_of(failure))
        finally:
            start.answered()
        if writer.head_sent and isinstance(answer.body, bytes):
            if start.streams:
                return running.failed(route, UpstreamError(NO_STREAM))
            return structs.replace(answer, body=at_once(exchange, answer.body))
        return answer

    def start(self) -> None:
        """Begin to read what signs ids, in the background of the running loop."""
        if self.owners is not None:
            self.owners.start()

    def problems(self) -> tuple[str, ...]:
        """Return why no call about objects can be made, as codes; none when all is well."""
        return () if self.owners is None else self.owners.problems()

    def _begin_answer(self, exchange: Exchange, writer: ResponseWriter, start: StreamStart) -> None:
        """Let the head of a stream, or of a whole answer that takes too long, leave before there is an answer."""
        if writer.head_sent:
            return
        exchange.entry.status = 200
        if not start.streams:
            writer.keep_alive = BLANK
        writer.begin_stream(EVENTS if start.streams else JSON, self.timeouts.keep_alive)

    async def prove(self, exchange: Exchange, request: Request, resources: Resources) -> None:
        """Let Azure judge a client's own key, with a call that costs nothing; raise what the client reads."""
        start = StreamStart(exchange.deadline, self.timeouts, lambda: None)
        await read_body(request, self.max_json_body, exchange.deadline, start.end)
        attempts, (resource,) = self.failover.attempts, resources.each
        url = f"{resource.surfaces.endpoint}/openai/models?api-version={resource.surfaces.api_version}"
        message = UpstreamRequest(method="GET", url=url, headers={}, body=b"")
        exchange.entry.add_attempt(0, None)
        target = Target(resource=0)
        recorder = Recorder(entry=exchange.entry, target=target, record=attempts.record, trace=attempts.trace)
        await attempts.prove(start, resource, message, recorder)


class Money(msgspec.Struct, frozen=True):
    """The budgets that pay for a call, and whether the client has bounded its answer."""

    budgets: Budgets
    accounts: Sequence[Account]
    own_limit: bool

    async def admit(
        self,
        exchange: Exchange,
        resources: Resources,
        call: Call,
        targets: Sequence[Target],
        *,
        replays: bool,
    ) -> tuple[Call, Spending | None]:
        """Return the call as it may be made, and what it has reserved."""
        return await self.budgets.admit(
            exchange, self.accounts, resources, call, targets, own_limit=self.own_limit, replays=replays
        )


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call while it is made."""

    calls: Calls
    running: RunningCall
    client: str
    limits: Limits | None

    async def answer(self, routed: RoutedRequest) -> Response:
        """Return the answer to a call."""
        operation, calls, start, slot = routed.route.operation, self.calls, self.running.start, self.running.slot
        may_stream = operation.stream is not None and routed.request.method != "HEAD"
        if routed.route.parameters and operation.path.startswith("/responses/"):
            refuse_not_stored(routed.route)
        if _passes(routed):
            slot.work(form=True)
            if may_stream:
                start.expect()
            return await self._limited(Demand(asks_model=bool(operation.kind)), partial(self._pass, routed))
        raw = await read_body(routed.request, calls.max_json_body, start.deadline, start.end, slot.take)
        slot.work()
        raw = raw.removeprefix(BYTE_ORDER_MARK)
        if spans_resources(operation) and not routed.tags.alone:
            return await self._limited(Demand(asks_model=False), partial(self._list, routed))
        routed, raw = routed.without_tags(raw)
        if len(raw) > LARGE_BODY:
            await asyncio.sleep(0)
        call = self._parse(routed, raw)
        if may_stream and (call.streams or call.document is None):
            start.expect()
        if self.limits is None and (calls.budgets is None or calls.budgets.whole is None):
            return await self._send(routed, call)
        return await self._send_limited(routed, call)

    def _parse(self, routed: RoutedRequest, raw: bytes) -> Call:
        """Return the call of a body that was read, with models that its client may use alone."""
        call = parse_call(routed.route, raw, may_store=self.calls.store_objects)
        if call.streams:
            self.running.start.is_stream()
            if self.calls.asks_usage:
                call = _asking(call, routed.request)
        if routed.allowed is not None:
            routed.check_models(routed.allowed, raw, call.model)
        return call

    async def _limited(self, demand: Demand, send: Callable[[], Awaitable[Response]]) -> Response:
        """Make a call within the limits of its client; what the client reads of rates is its own."""
        if self.limits is None:
            return await send()
        rates = await self.calls.rates.admit(self.running.exchange, self.client, self.limits, demand)
        try:
            answer = await send()
        except ProxyError as error:
            error.headers = with_own_rates(error.headers, rates)
            raise
        return structs.replace(answer, headers=with_own_rates(answer.headers, rates))

    def failed(self, route: Route, error: ProxyError) -> Response:
        """Return an error as all there is of an answer whose head has left, and write the request's line."""
        if not self.running.start.streams:
            self.running.exchange.entry.set_error(error)
            return Response(status=200, headers=JSON, body=_only(self.running.exchange, encode_error(error)))
        stream = self.calls.failover.attempts.translator(
            Call(route=route), AzureErrors(model=None, auth=None), self.running.writer.keep_alive
        )
        event = stream.fail(error) if stream is not None else b""
        self.running.exchange.entry.set_error(error)
        return Response(status=200, headers=EVENTS, body=_only(self.running.exchange, event))

    async def _send_limited(self, routed: RoutedRequest, call: Call) -> Response:
        """Make a call whose body was read, within the limits of its client and the budgets that pay for it."""
        budgets = self.calls.budgets
        accounts = () if budgets is None else budgets.accounts(self.client, self.limits)
        own_limit = call.document is not None and any(map(call.document.member, call.route.operation.max_output))
        call = call if self.limits is None else limited_call(call, self.limits)
        money = Money(budgets, accounts, own_limit) if budgets is not None and accounts else None
        return await self._limited(_demand(call), partial(self._send, routed, call, money))

    async def _send(self, routed: RoutedRequest, call: Call, money: Money | None = None) -> Response:
        """Make a call whose body was read."""
        if call.lacks_model:
            targets = routed.targets_without_model(call.document)
            call = structs.replace(call, model=targets[0].model)
        else:
            translates = self.calls.knows.translators is not None and call.route.operation.name == RESPONSE
            targets = routed.targets(call.model, translates=translates)
        knows = self.calls.knows
        spending, replays = None, True
        if money is not None:
            replays = self._replays(routed, call, targets)
            call, spending = await money.admit(self.running.exchange, routed.resources, call, targets, replays=replays)
            # What another call has left in the memory since then is not paid for.
            replays = replays or call.route.operation.name != CHAT
        source = JsonSource(routed, call, knows, self.running, is_alone=len(targets) == 1, replays=replays)
        if len(targets) > 1 and (knows.paths.facts or [target for target in targets if target.api is not None]):
            targets = source.ranked(targets)
        placement = self._place(routed, call) if len(targets) > 1 or routed.pinned is not None else None
        self.running.start.body_sent()
        failover = self.calls.failover
        answer = await failover.run(self.running, routed, targets, source, placement, spending)
        return source.with_repairs(answer if spending is None else with_budget(answer, spending))

    def _replays(self, routed: RoutedRequest, call: Call, targets: Sequence[Target]) -> bool:
        """Tell whether a chat that may be translated brings the reasoning of the turn before, sealed or remembered."""
        translators = self.calls.knows.translators
        if translators is None or call.route.operation.name != CHAT:
            return False
        each = routed.resources.each
        places = (f"{each[one.resource].surfaces.endpoint} {one.deployment}" for one in targets)
        return DETAILS in call.raw or any(translators.remembers(call, self.client, place) for place in places)

    def _place(self, routed: RoutedRequest, call: Call) -> Placement | None:
        """Return what takes one of several targets by the prompt, until the exchange ends; None without affinity."""
        affinity, operation = routed.resources.routing.affinity, call.route.operation
        if affinity is None or operation.name not in PROMPTS:
            return None
        placement = Placement(affinity, partial(find_prompt_key, operation.name, call.document))
        self.running.exchange.stack.callback(placement.end)
        return placement

    async def _pass(self, routed: RoutedRequest) -> Response:
        """Make a call whose body passes while it comes, as far as it can be repeated to one target after the other."""
        operation, tags = routed.route.operation, routed.tags
        upload = Upload(routed.request, self.running)
        await upload.read(operation.body, () if tags.alone else form_parts(operation))
        bare, claims = bare_fields(tags, operation, upload.fields)
        session = upload.fields.get("session", "") if routed.owned is not None else ""
        routed, read = routed.without_tags(session.encode(), claims)
        if read:
            upload.fields = {**upload.fields, "session": read.decode()}
        model = model_of(routed.route, upload.fields)
        if routed.allowed is not None:
            routed.check_models(routed.allowed, upload.fields.get("session", "").encode(), model)
        lacks_model = model is None and operation.defaults
        targets = routed.targets_without_model(None) if lacks_model else routed.targets(model)
        spending = await self._pay_form(routed, upload, model, targets)
        source = FormSource(routed, upload, bare)
        answer = await self.calls.failover.run(self.running, routed, targets, source, None, spending)
        return answer if spending is None else with_budget(answer, spending)

    async def _pay_form(
        self, routed: RoutedRequest, upload: Upload, model: str | None, targets: Sequence[Target]
    ) -> Spending | None:
        """Return what a form has reserved, None where it costs nothing."""
        budgets = self.calls.budgets
        accounts = () if budgets is None else budgets.accounts(self.client, self.limits)
        if budgets is None or not accounts:
            return None
        asked = read_form(upload.fields, MOST_IMAGES)
        if "n" not in upload.fields:  # Only what routing needs was read.
            asked = structs.replace(asked, made=MOST_MADE, partial_images=MOST_PARTIAL, size=MOST_PROMPT)
        call, exchange = Call(route=routed.route, model=model), self.running.exchange
        _, spending = await budgets.admit(
            exchange, accounts, routed.resources, call, targets, own_limit=True, form=asked
        )
        return spending

    async def _list(self, routed: RoutedRequest) -> Response:
        """Return one page of a list that goes through the resources in their order."""
        if routed.owned is not None:
            return await self._list_owned(routed, routed.owned)
        return await self._list_page(routed, routed.query)

    async def _list_owned(self, routed: RoutedRequest, tags: OwnedTags) -> Response:
        """Return the objects of one client out of lists that have those of all."""
        listed = owned_list(tags.owner, routed.query)
        query = listed.query
        for _ in range(MAX_PAGES):
            answer = await self._list_page(routed, query)
            selected = listed.select(answer.body) if isinstance(answer.body, bytes) else b""
            if isinstance(selected, bytes):
                return structs.replace(answer, body=selected)
            query = listed.behind(selected)
        raise not_found_among_others()

    async def _list_page(self, routed: RoutedRequest, query: str) -> Response:
        page = open_page(routed.tags, routed.route.operation, query)
        while True:
            asked = structs.replace(routed, query=page.query, pinned=page.resource)
            answer = await self._page(asked, Call(route=routed.route), page)
            turned = page.turn(answer.body) if isinstance(answer.body, bytes) else answer.body
            if not isinstance(turned, Page):
                return structs.replace(answer, body=turned)
            page = turned

    async def _page(self, routed: RoutedRequest, call: Call, page: Page) -> Response:
        """Return the answer of one resource; one that does not offer the list has nothing on it."""
        try:
            return await self._send(routed, call)
        except (UnknownUrl, UnsupportedOperation):
            if not page.behind:
                raise
            return Response(status=200, headers=JSON, body=_EMPTY_LIST)


def with_budget(answer: Response, spending: Spending) -> Response:
    """Return an answer with what is left of the budget."""
    return structs.replace(answer, headers={**answer.headers, **spending.headers()})


def _demand(call: Call) -> Demand:
    return Demand(asks_model=bool(call.route.operation.kind), sent=len(call.raw), bound=output_bound(call))


def limited_call(call: Call, limits: Limits) -> Call:
    """Return a call with the bound of its client's answers, and with what tells its usage where tokens are counted."""
    if limits.max_output_tokens is not None:
        call = with_output_limit(call, limits.max_output_tokens)
    return call if limits.tpm is None else ask_for_usage(call)


def _asking(call: Call, request: Request) -> Call:
    """Return a call whose stream tells its usage, to the client only where it asked for that or for the cost."""
    asking = ask_for_usage(call)
    return structs.replace(asking, hides_usage=False) if wants_cost(request.headers) else asking


def _passes(routed: RoutedRequest) -> bool:
    """Tell whether a body passes while it comes; JSON is read where it may name an object of one resource."""
    content_type, body = routed.request.headers.get("content-type", ""), routed.route.operation.body
    is_json = body is Body.STREAM and content_type.startswith("application/json")
    if routed.owned is not None and body is Body.STREAM and form_parts(routed.route.operation):
        is_json = not is_form(content_type)  # Whatever it is called, it may have ids.
    return is_upload(body, content_type) and not (is_json and not routed.tags.alone)


async def _only(exchange: Exchange, event: bytes) -> AsyncGenerator[bytes, None]:
    if event:
        yield event
    exchange.entry.write(outcome="stream_broken")
    raise StreamBroken
