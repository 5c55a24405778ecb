"""A body that was read: the request for each target, by the API that it has, without what its deployment refuses."""

from collections.abc import Iterable
from dataclasses import replace

from msgspec import structs

from proxy.azure_api import headers, repair
from proxy.azure_api.api_refusals import refuses_reasoning
from proxy.azure_api.asked_usage import is_about_usage, without_usage
from proxy.azure_api.request import IMAGE_HEADER, Call, encode_body, image_deployment, wants_usage
from proxy.errors import InvalidRequest, ModelNotFound
from proxy.openai_api.answers import REPAIRED, TRANSLATED
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.operations import is_idempotent
from proxy.pipeline.attempt import Built, Refused, RunningCall
from proxy.pipeline.call_path import CallPath, Knowledge, needs_translation
from proxy.pipeline.routed_request import RoutedRequest
from proxy.pipeline.translated_call import (
    APIS,
    CHAT,
    MARK,
    RESPONSES_ALONE,
    Origin,
    Translated,
    Translators,
    needs_responses,
    without_marks,
)
from proxy.routing.failures import Failure, Kind, Repeat
from proxy.routing.learned import Path
from proxy.routing.targets import Target
from proxy.values import Api, Repair, Response, UpstreamRequest

# Azure names one refused parameter at a time.
MAX_ROUNDS = 5
# Azure refuses a parameter with the first, models of other makers also with the second.
_REFUSALS = frozenset({400, 422})
# Tiers for which a budget reserves less than for those that a deployment may have by itself.
_TIER, _CHEAP_TIERS = "service_tier", frozenset({b'"default"', b'"flex"'})


class JsonSource:
    """Builds the requests of one call; `is_alone` tells that there is one target.

    `replays` tells whether the reasoning of earlier answers may go back, for which a budget has to have reserved.
    """

    __slots__ = (
        "_api",
        "_call",
        "_first",
        "_found",
        "_is_alone",
        "_key",
        "_knows",
        "_made",
        "_may_replay",
        "_native",
        "_path",
        "_refused",
        "_repeat",
        "_replays",
        "_rounds",
        "_routed",
        "_running",
        "_translated",
        "call",
        "repeat",
    )

    def __init__(
        self,
        routed: RoutedRequest,
        call: Call,
        knows: Knowledge,
        running: RunningCall,
        *,
        is_alone: bool,
        replays: bool = True,
    ) -> None:
        self.call = call
        self.repeat = self._repeat = (
            Repeat.IDEMPOTENT if is_idempotent(call.route.operation, call.document) else Repeat.IF_NOT_PROCESSED
        )
        self._routed = routed
        self._call = self._native = call
        self._knows = knows
        self._running = running
        self._is_alone = is_alone
        # The API that the client speaks, None for an operation that only one has.
        self._api = APIS.get(call.route.operation.name)
        if self._api is Api.RESPONSES and MARK in call.raw:
            self._native = without_marks(call)
        self._key = ""
        # None before the first target.
        self._path: CallPath | None = None
        self._rounds = 0
        self._may_replay = self._replays = replays
        self._translated: Translated | None = None
        self._made: tuple[Repair, ...] = ()
        self._found: tuple[Repair, ...] = ()
        # The first refusal at this target, and the first since it is called as it is now.
        self._first: Refused | None = None
        self._refused: Refused | None = None

    def begin(self, target: Target) -> None:
        """Begin with what the client sent, without what the deployment is known to refuse."""
        knows, operation = self._knows, self.call.route.operation
        place = f"{self._routed.resources.each[target.resource].surfaces.endpoint} {target.deployment}"
        path = self._path = CallPath(
            knows=knows, call=self.call, target=target, place=place, is_alone=self._is_alone, on_v1=target.on_v1
        )
        self._first = None
        if self._running.start.collects:
            self._running.start.collect(collects=False)
        self._replays = self._may_replay
        if self._api is not None and (target.api is not None or knows.paths.facts):
            path.choose()
        native = self._without_refused_usage(target) if self.call.hides_usage else self._native
        self._start(native, f"{operation.name} {place}", self._repeat)

    async def build(self, target: Target) -> Built | Refused:
        """Return the request for a target, or why it does not take the call."""
        path, translators, document = self._path, self._knows.translators, self.call.document
        if target.api is Api.CHAT and self.call.route.operation.name in RESPONSES_ALONE:
            return Refused(failure=Failure(kind=Kind.UNSUITABLE), error=needs_responses(self.call.route))
        try:
            if path is not None and path.translates and self._translated is None and translators and document:
                self._translate(path, document, translators)
        except InvalidRequest as error:  # what only the client's API has
            return Refused(failure=Failure(kind=Kind.UNSUITABLE), error=error)
        try:
            return Built(call=self._call, message=self._message(target), translated=self._translated)
        except ModelNotFound as error:  # the model that is to make images for a response
            failure = Failure(kind=Kind.ANSWER, status=error.status, code=error.code or "")
            return Refused(failure=failure, error=error)

    def repair(self, refused: Refused) -> Refused | None:
        """Change the path or take out what was refused; return what the client reads when nothing cures it."""
        path = self._path
        if path is None:
            return refused
        self._first = self._first or refused
        surfaces = self._routed.resources.each[path.target.resource].surfaces
        if path.goes_on_v1(refused, self._call.route.operation, surfaces):
            self._refused = refused if self._translated is None else None
            return None
        if self._translated is not None:
            return self._repair_translated(refused, path, self._translated)
        if self._drops_usage(refused, path.target) or path.starts_translation(refused):
            return None
        return self._first if path.missed_on_v1(refused) else self._repair_parameters(refused)

    def succeeded(self) -> None:
        """Remember who has answered, and what cured the call."""
        knows = self._knows
        path = self._path
        if path is not None:
            self._routed.resources.note_answer(path.target)
            if path.tried:
                path.learn()
        if knows.repairs is not None:
            for one in self._found:
                knows.repairs.learn(self._key, one, knows.clock())

    def with_repairs(self, answer: Response) -> Response:
        """Return the answer with headers that say what was changed."""
        translated = self._translated
        if not self._made and translated is None:
            return answer
        changed = repair.encode_repairs(self._made)
        passed = dict(answer.headers)
        if translated is not None:
            changed = ", ".join(filter(None, (*translated.changed, changed)))
            passed[TRANSLATED] = translated.api.value
        if changed:
            passed[REPAIRED] = changed
        return structs.replace(answer, headers=passed)

    def ranked(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """Return the targets so that, of the same priority, those come first that take the call as it is.

        A chat between two tool calls goes back to the deployment that can read its reasoning, if there is one.
        """
        knows, translators, client = self._knows, self._knows.translators, self._routed.client
        if self._api is None or translators is None:
            return targets
        ranked = []
        for target in targets:
            place = f"{self._routed.resources.each[target.resource].surfaces.endpoint} {target.deployment}"
            is_translated = needs_translation(knows, self.call, target, place)
            goes_back = is_translated and translators.remembers(self.call, client, place)
            ranked.append(replace(target, priority=-1 if goes_back else 2 * target.priority + is_translated))
        return tuple(ranked)

    def _start(self, call: Call, key: str, repeat: Repeat) -> None:
        """Begin with a call, without the parameters that its operation is known to refuse."""
        self._call, self._key, self.repeat = call, key, repeat
        self._translated = None
        self._made = self._found = ()
        self._refused = None
        repairs = self._knows.repairs
        if repairs is not None and (known := repairs.known(key, self._knows.clock())):
            self._apply(known)

    def _translate(self, path: CallPath, document: JsonBody, translators: Translators) -> None:
        """Make the client's own call one of the other API; raise `InvalidRequest` for what only the client's has."""
        entry = self._running.exchange.entry
        origin = Origin(client=self._routed.client, place=path.place, target=path.target, entry=entry)
        may_stream = not path.is_known(Path.NOT_STREAMED)
        translated = translators.translate(self.call, document, origin, replays=self._replays, may_stream=may_stream)
        if translated.collects or self._running.start.collects:
            self._running.start.collect(collects=translated.collects)
        call = structs.replace(translated.call, hides_usage=self.call.hides_usage)
        is_repeatable = is_idempotent(call.route.operation, call.document)
        repeat = Repeat.IDEMPOTENT if is_repeatable else Repeat.IF_NOT_PROCESSED
        self._start(call, f"{call.route.operation.name} {path.place}", repeat)
        self._translated = translated

    def _repair_translated(self, refused: Refused, path: CallPath, translated: Translated) -> Refused | None:
        """Go on without what a translated call was refused for, or with the client's own call if it was for the API."""
        if path.ends_translation(refused, translated):
            return self._go_back(path, refused) if path.gave_up else self._first or refused
        on_chat = translated.api is Api.CHAT
        if self._replays and not on_chat and refuses_reasoning(refused.failure.status, refused.body):
            self._replays, self._translated = False, None
            return None
        if path.ends_streaming(refused, translated):
            self._translated = None
            return None
        return self._repair_parameters(refused)

    def _go_back(self, path: CallPath, refused: Refused) -> Refused | None:
        """Go on with the client's own call, whose first refusal counts."""
        if self._running.start.collects:
            self._running.start.collect(collects=False)
        native = self._without_refused_usage(path.target)
        self._start(native, f"{self.call.route.operation.name} {path.place}", self._repeat)
        return self._repair_parameters(self._first or refused)

    def _repair_parameters(self, refused: Refused) -> Refused | None:
        """Take out what was refused; return the first refusal when nothing cures it."""
        document, status = self._call.document, refused.failure.status
        if self._knows.repairs is None or document is None or status not in _REFUSALS:
            return refused
        self._refused = self._refused or refused
        # Only what was refused in this request: what was learned earlier may be out of date, and is undone then.
        found = repair.find_repairs(status, refused.body, document, self._found)
        if not all(self._is_paid(one, document) for one in found):
            return self._refused
        if not found or self._rounds == MAX_ROUNDS:
            return self._refused
        self._rounds += 1
        self._found += found
        self._apply(found)
        return None

    def _without_refused_usage(self, target: Target) -> Call:
        """Return the client's own call, which does not ask for the usage where a deployment refuses to tell it."""
        hides = self.call.hides_usage and self._routed.resources.hides_usage(target)
        return without_usage(self._native) if hides else self._native

    def _drops_usage(self, refused: Refused, target: Target) -> bool:
        """Ask for the usage no more, and remember that, where a deployment refuses what its client never asked for."""
        if not self._call.hides_usage:
            return False
        # Another call may have learned it in the meantime, which this one still asks for.
        if not wants_usage(self._call) or not is_about_usage(refused.body):
            return False
        if refused.failure.status not in _REFUSALS:
            return False
        self._routed.resources.note_hidden_usage(target)
        self._call = without_usage(self._call)
        return True

    def _is_paid(self, one: Repair, document: JsonBody) -> bool:
        """Tell whether a hard budget has reserved for a repair: without its tier a call may be served at any other."""
        if one.parameter != _TIER or not self._running.exchange.entry.hard_budget:
            return True
        return one.replacement in _CHEAP_TIERS or document.member(_TIER) not in _CHEAP_TIERS

    def _apply(self, repairs: Iterable[Repair]) -> None:
        document = self._call.document
        if document is not None:
            repairs = [one for one in repairs if self._is_paid(one, document)]
            document, made = repair.apply(document, repairs)
            self._made += made
            self._call = structs.replace(self._call, document=document, raw=document.raw) if made else self._call

    def _message(self, target: Target) -> UpstreamRequest:
        routed, call = self._routed, self._call
        operation, surfaces = call.route.operation, routed.resources.each[target.resource].surfaces
        if self._path is not None and self._path.on_v1 and operation.name == CHAT:
            surfaces = replace(surfaces, prefers_v1=True)
        passed = headers.request_to_azure(routed.request.headers, json=bool(call.raw))
        image = None if surfaces.is_openai else image_deployment(call, routed.serving_image(target.resource))
        if image:
            passed[IMAGE_HEADER] = image
        if operation.header:
            passed[operation.header[0]] = operation.header[1]
        body = encode_body(call, target.deployment, surfaces.surface_for(operation))
        if body is not self.call.raw:
            self._running.slot.take(len(body))
        return UpstreamRequest(
            method=operation.method,
            url=surfaces.url(call.route, target.deployment, routed.query),
            headers=passed,
            body=body,
            repeatable=self.repeat is Repeat.IDEMPOTENT and not self._running.exchange.entry.counts_sendings,
            guarded=surfaces.is_openai,
        )
