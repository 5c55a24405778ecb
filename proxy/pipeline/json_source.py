"""A body that was read: the request for each target, by the API that it has, without what its deployment refuses."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import msgspec
from msgspec import structs

from proxy.azure_api import headers, repair
from proxy.azure_api.api_refusals import (
    ApiRefusal,
    find_api_refusal,
    has_functions_and_reasoning,
    is_missing_there,
    refuses_reasoning,
)
from proxy.azure_api.asked_usage import is_about_usage, without_usage
from proxy.azure_api.errors import MISSING_CODES, parse_texts
from proxy.azure_api.request import IMAGE_HEADER, Call, encode_body, image_deployment, wants_usage
from proxy.errors import InvalidRequest, ModelNotFound
from proxy.openai_api.answers import REPAIRED, TRANSLATED
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.operations import Surface, is_idempotent
from proxy.pipeline.attempt import Built, Refused, RunningCall
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
from proxy.routing.learned import Learned, Path
from proxy.routing.targets import Target, is_of_other_maker
from proxy.values import Api, Repair, Response, UpstreamRequest

# Azure names one refused parameter at a time.
MAX_ROUNDS = 5
# Azure refuses a parameter with the first, models of other makers also with the second.
_REFUSALS = frozenset({400, 422})
_NOT_FOUND = 404
# What the path of a deployment may answer for a model of another maker, in place of 404.
_UNKNOWN_MODEL = "unknown_model"
_TRANSLATED = (Path.TRANSLATED, Path.TRANSLATED_WITH_TOOLS)


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """What calls know of deployments, and learn; `clock` never goes back.

    `repairs` is None where refused parameters stay refused, `translators` where no call is translated.
    """

    repairs: Learned[Repair] | None
    paths: Learned[Path]
    translators: Translators | None
    clock: Callable[[], float]


class JsonSource:
    """Builds the requests of one call; `is_alone` tells that there is one target."""

    __slots__ = (
        "_api",
        "_call",
        "_first",
        "_found",
        "_gave_up",
        "_is_alone",
        "_is_translating",
        "_key",
        "_knows",
        "_made",
        "_native",
        "_on_v1",
        "_place",
        "_refused",
        "_repeat",
        "_replays",
        "_rounds",
        "_routed",
        "_running",
        "_target",
        "_translated",
        "_tried",
        "call",
        "repeat",
    )

    def __init__(
        self, routed: RoutedRequest, call: Call, knows: Knowledge, running: RunningCall, *, is_alone: bool
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
        self._key = self._place = ""
        self._target: Target | None = None
        self._rounds = 0
        self._on_v1 = False
        self._is_translating = False
        self._gave_up = False
        self._replays = True
        self._translated: Translated | None = None
        # What this request tries and nobody knows yet.
        self._tried: tuple[Path, ...] = ()
        self._made: tuple[Repair, ...] = ()
        self._found: tuple[Repair, ...] = ()
        # The first refusal at this target, and the first since it is called as it is now.
        self._first: Refused | None = None
        self._refused: Refused | None = None

    def begin(self, target: Target) -> None:
        """Begin with what the client sent, without what the deployment is known to refuse."""
        knows, operation = self._knows, self.call.route.operation
        self._target = target
        self._place = f"{self._routed.resources.each[target.resource].surfaces.endpoint} {target.deployment}"
        self._tried, self._first = (), None
        self._replays = True
        self._is_translating, self._gave_up, self._on_v1 = False, False, target.on_v1
        if self._api is not None and (target.api is not None or knows.paths.facts):
            self._choose_path(target, self._api)
        native = self._without_refused_usage(target) if self.call.hides_usage else self._native
        self._start(native, f"{operation.name} {self._place}", self._repeat)

    async def build(self, target: Target) -> Built | Refused:
        """Return the request for a target, or why it does not take the call."""
        translators, document = self._knows.translators, self.call.document
        if target.api is Api.CHAT and self.call.route.operation.name in RESPONSES_ALONE:
            return Refused(failure=Failure(kind=Kind.UNSUITABLE), error=needs_responses(self.call.route))
        try:
            if self._is_translating and self._translated is None and translators is not None and document is not None:
                self._translate(target, document, translators)
        except InvalidRequest as error:  # what only the client's API has
            return Refused(failure=Failure(kind=Kind.UNSUITABLE), error=error)
        try:
            return Built(call=self._call, message=self._message(target), translated=self._translated)
        except ModelNotFound as error:  # the model that is to make images for a response
            failure = Failure(kind=Kind.ANSWER, status=error.status, code=error.code or "")
            return Refused(failure=failure, error=error)

    def repair(self, refused: Refused) -> Refused | None:
        """Change the path or take out what was refused; return what the client reads when nothing cures it."""
        self._first = self._first or refused
        if self._is_of_the_path(refused):
            self._on_v1, self._tried = True, (*self._tried, Path.ON_V1)
            self._refused = refused if self._translated is None else None
            return None
        if self._drops_usage(refused):
            return None
        if self._translated is not None:
            return self._repair_translated(refused, self._translated)
        if self._starts_translation(refused):
            return None
        if Path.ON_V1 in self._tried and refused.failure.status == _NOT_FOUND:
            return self._first
        return self._repair_parameters(refused)

    def succeeded(self) -> None:
        """Remember who has answered, and what cured the call."""
        knows = self._knows
        if self._target is not None:
            self._routed.resources.note_answer(self._target)
        for path in self._tried:
            knows.paths.learn(self._key_of(path), path, knows.clock())
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
        if self._api is None or self._knows.translators is None:
            return targets
        places = [2 * target.priority + self._needs_translation(target, self._api) for target in targets]
        return tuple(
            replace(target, priority=-1 if place % 2 and self._remembers(target) else place)
            for target, place in zip(targets, places, strict=True)
        )

    def _remembers(self, target: Target) -> bool:
        translators, endpoint = self._knows.translators, self._routed.resources.each[target.resource].surfaces.endpoint
        return translators is not None and translators.remembers(
            self.call, self._routed.client, f"{endpoint} {target.deployment}"
        )

    def _start(self, call: Call, key: str, repeat: Repeat) -> None:
        """Begin with a call, without the parameters that its operation is known to refuse."""
        self._call, self._key, self.repeat = call, key, repeat
        self._translated = None
        self._made = self._found = ()
        self._refused = None
        repairs = self._knows.repairs
        if repairs is not None and (known := repairs.known(key, self._knows.clock())):
            self._apply(known)

    def _choose_path(self, target: Target, api: Api) -> None:
        """Take the path that is known of a deployment."""
        knows = self._knows
        self._on_v1 = target.on_v1 or Path.ON_V1 in knows.paths.known(f"{CHAT} {self._place}", knows.clock())
        self._is_translating = self._needs_translation(target, api)

    def _needs_translation(self, target: Target, api: Api) -> bool:
        """Tell whether a deployment is known to take the call only by the other API."""
        knows, document = self._knows, self.call.document
        if knows.translators is None or document is None:
            return False
        if target.api is not None:
            return target.api is not api
        endpoint = self._routed.resources.each[target.resource].surfaces.endpoint
        known = knows.paths.known(f"{self.call.route.operation.name} {endpoint} {target.deployment}", knows.clock())
        return Path.TRANSLATED in known or (
            Path.TRANSLATED_WITH_TOOLS in known and has_functions_and_reasoning(document)
        )

    def _translate(self, target: Target, document: JsonBody, translators: Translators) -> None:
        """Make the client's own call one of the other API; raise `InvalidRequest` for what only the client's has."""
        origin = Origin(
            client=self._routed.client, place=self._place, target=target, entry=self._running.exchange.entry
        )
        translated = translators.translate(self.call, document, origin, replays=self._replays)
        call = structs.replace(translated.call, hides_usage=self.call.hides_usage)
        is_repeatable = is_idempotent(call.route.operation, call.document)
        repeat = Repeat.IDEMPOTENT if is_repeatable else Repeat.IF_NOT_PROCESSED
        self._start(call, f"{call.route.operation.name} {self._place}", repeat)
        self._translated = translated

    def _key_of(self, path: Path) -> str:
        """Return what a path is remembered by: it is one of chat, or one of the client's operation."""
        return f"{CHAT if path is Path.ON_V1 else self.call.route.operation.name} {self._place}"

    def _may_translate(self) -> bool:
        """Tell whether the other API may be tried: the settings and Azure's list say nothing, and it was not tried."""
        target = self._target
        if self._knows.translators is None or self._api is None or target is None or self.call.document is None:
            return False
        return target.api is None and not self._is_translating and not self._gave_up

    def _starts_translation(self, refused: Refused) -> bool:
        """Go on with the other API where a refusal says that it is the one to call."""
        if not self._may_translate():
            return False
        refusal = find_api_refusal(refused.failure.status, refused.body, on_chat=self._api is Api.CHAT)
        if refused.failure.is_unsupported and self._api is Api.RESPONSES and self._is_alone:
            refusal = ApiRefusal.OPERATION  # every server of OpenAI's API has chat completions
        if refusal is None or (refusal is ApiRefusal.OTHER_MAKER and not self._is_of_other_maker()):
            return False
        path = Path.TRANSLATED_WITH_TOOLS if refusal is ApiRefusal.TOOLS else Path.TRANSLATED
        self._tried, self._is_translating = (*self._tried, path), True
        return True

    def _is_of_other_maker(self) -> bool:
        return self._on_v1 or (self._target is not None and is_of_other_maker(self._target))

    def _repair_translated(self, refused: Refused, translated: Translated) -> Refused | None:
        """Go on without what a translated call was refused for, or with the client's own call if it was for the API."""
        status, body = refused.failure.status, refused.body
        on_chat = translated.api is Api.CHAT
        if is_missing_there(status, body) or find_api_refusal(status, body, on_chat=on_chat) is ApiRefusal.OPERATION:
            return self._end_translation(refused)
        if self._replays and not on_chat and refuses_reasoning(status, body):
            self._replays, self._translated = False, None
            return None
        return self._repair_parameters(refused)

    def _end_translation(self, refused: Refused) -> Refused | None:
        """Forget what is no longer so; where the other API was only tried, the first refusal counts."""
        if not any(path in self._tried for path in _TRANSLATED):
            for path in _TRANSLATED:
                self._knows.paths.forget(self._key_of(path), path)
            return self._first or refused
        self._is_translating, self._gave_up = False, True
        self._tried = tuple(path for path in self._tried if path is Path.ON_V1)
        native = self._native if self._target is None else self._without_refused_usage(self._target)
        self._start(native, f"{self.call.route.operation.name} {self._place}", self._repeat)
        return self._repair_parameters(self._first or refused)

    def _repair_parameters(self, refused: Refused) -> Refused | None:
        """Take out what was refused; return the first refusal when nothing cures it."""
        document, status = self._call.document, refused.failure.status
        if self._knows.repairs is None or document is None or status not in _REFUSALS:
            return refused
        self._refused = self._refused or refused
        # Only what was refused in this request: what was learned earlier may be out of date, and is undone then.
        found = repair.find_repairs(status, refused.body, document, self._found)
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

    def _drops_usage(self, refused: Refused) -> bool:
        """Ask for the usage no more, and remember that, where a deployment refuses what its client never asked for."""
        target = self._target
        if target is None or self._translated is not None or not self._call.hides_usage:
            return False
        # Another call may have learned it in the meantime, which this one still asks for.
        if not wants_usage(self._call) or not is_about_usage(refused.body):
            return False
        if refused.failure.status not in _REFUSALS:
            return False
        self._routed.resources.note_hidden_usage(target)
        self._call = without_usage(self._call)
        return True

    def _is_of_the_path(self, refused: Refused) -> bool:
        """Tell whether a deployment has no path of its own, as those of other makers than OpenAI, but may be on v1."""
        target, operation = self._target, self._call.route.operation
        if target is None or self._on_v1 or operation.name != CHAT:
            return False
        surfaces = self._routed.resources.each[target.resource].surfaces
        if surfaces.surface_for(operation) is not Surface.DEPLOYMENT:
            return False
        # Azure's own code: what is told of a model that is not there has one code for all of them.
        _, code, _ = parse_texts(refused.body)
        is_missing = refused.failure.status == _NOT_FOUND and code.lower() not in MISSING_CODES
        return is_missing or (code.lower() == _UNKNOWN_MODEL and refused.failure.status in (400, _NOT_FOUND))

    def _apply(self, repairs: Iterable[Repair]) -> None:
        document = self._call.document
        if document is not None:
            document, made = repair.apply(document, repairs)
            self._made += made
            self._call = structs.replace(self._call, document=document, raw=document.raw) if made else self._call

    def _message(self, target: Target) -> UpstreamRequest:
        routed, call = self._routed, self._call
        operation, surfaces = call.route.operation, routed.resources.each[target.resource].surfaces
        if self._on_v1 and operation.name == CHAT:
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
            repeatable=self.repeat is Repeat.IDEMPOTENT,
            guarded=surfaces.is_openai,
        )
