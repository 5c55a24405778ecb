"""A body that was read: the request for each target, without the parameters that its deployment refuses."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from msgspec import structs

from proxy.azure_api import headers, repair
from proxy.azure_api.asked_usage import is_about_usage, without_usage
from proxy.azure_api.errors import MISSING_CODES, parse_texts
from proxy.azure_api.request import IMAGE_HEADER, Call, encode_body, image_deployment
from proxy.errors import ModelNotFound
from proxy.openai_api.answers import REPAIRED
from proxy.openai_api.operations import Surface, is_idempotent
from proxy.pipeline.attempt import Refused
from proxy.pipeline.routed_request import RoutedRequest
from proxy.routing.failures import Failure, Kind, Repeat
from proxy.routing.learned_repairs import LearnedRepairs
from proxy.routing.targets import Target
from proxy.values import Repair, Response, UpstreamRequest

# Azure names one refused parameter at a time.
MAX_ROUNDS = 5
# Azure refuses a parameter with the first, models of other makers also with the second.
_REFUSALS = frozenset({400, 422})
_NOT_FOUND = 404
_CHAT = "createChatCompletion"
# What the path of a deployment may answer for a model of another maker, in place of 404.
_UNKNOWN_MODEL = "unknown_model"


class JsonSource:
    """Builds the requests of one call; `learned` is None where refused parameters stay refused."""

    __slots__ = (
        "_call",
        "_clock",
        "_found",
        "_key",
        "_learned",
        "_made",
        "_on_v1",
        "_refused",
        "_rounds",
        "_routed",
        "_take",
        "_target",
        "call",
        "repeat",
    )

    def __init__(
        self,
        routed: RoutedRequest,
        call: Call,
        learned: LearnedRepairs | None,
        clock: Callable[[], float],
        take: Callable[[int], None],
    ) -> None:
        self.call = call
        self.repeat = (
            Repeat.IDEMPOTENT if is_idempotent(call.route.operation, call.document) else Repeat.IF_NOT_PROCESSED
        )
        self._routed = routed
        self._call = call
        self._learned = learned
        self._clock = clock
        self._take = take
        self._key = ""
        self._on_v1 = False
        self._target: Target | None = None
        self._rounds = 0
        self._made: tuple[Repair, ...] = ()
        self._found: tuple[Repair, ...] = ()
        self._refused: Refused | None = None

    async def build(self, target: Target) -> tuple[Call, UpstreamRequest] | Refused:
        """Return the request for a target, or that it has no deployment for the images of a response."""
        try:
            return self._call, self._message(target)
        except ModelNotFound as error:  # the model that is to make images for a response
            failure = Failure(kind=Kind.ANSWER, status=error.status, code=error.code or "")
            return Refused(failure=failure, error=error)

    def repair(self, refused: Refused) -> Refused | None:
        """Take out what was refused; return the first refusal when nothing cures it."""
        if self._is_of_the_path(refused):
            self._on_v1, self._refused = True, refused
            return None
        if self._drops_usage(refused):
            return None
        if self._on_v1 and self._refused is not None and refused.failure.status == _NOT_FOUND:
            return self._refused
        document = self._call.document
        status = refused.failure.status
        if self._learned is None or document is None or status not in _REFUSALS:
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

    def succeeded(self) -> None:
        """Remember who has answered, and what cured the call."""
        if self._target is not None:
            self._routed.resources.note_answer(self._target)
            if self._on_v1:
                self._routed.resources.note_v1(self._target)
        if self._learned is not None:
            for one in self._found:
                self._learned.learn(self._key, one, self._clock())

    def with_repairs(self, answer: Response) -> Response:
        """Return the answer with a header that says what was changed."""
        if not self._made:
            return answer
        return structs.replace(answer, headers={**answer.headers, REPAIRED: repair.encode_repairs(self._made)})

    def begin(self, target: Target) -> None:
        """Begin with what the client sent, without what the deployment is known to refuse."""
        self._call = self.call
        self._made = self._found = ()
        self._refused = None
        self._on_v1 = False
        self._target = target
        if self.call.hides_usage and self._routed.resources.hides_usage(target):
            self._call = without_usage(self.call)
        if self._learned is None:
            return
        endpoint = self._routed.resources.each[target.resource].surfaces.endpoint
        self._key = f"{self.call.route.operation.name} {endpoint} {target.deployment}"
        if known := self._learned.known(self._key, self._clock()):
            self._apply(known)

    def _drops_usage(self, refused: Refused) -> bool:
        """Ask for the usage no more, and remember that, where a deployment refuses what its client never asked for."""
        target = self._target
        if target is None or not self._call.hides_usage or self._routed.resources.hides_usage(target):
            return False
        if refused.failure.status not in _REFUSALS or not is_about_usage(refused.body):
            return False
        self._routed.resources.note_hidden_usage(target)
        self._call = without_usage(self._call)
        return True

    def _is_of_the_path(self, refused: Refused) -> bool:
        """Tell whether a deployment has no path of its own, as those of other makers than OpenAI, but may be on v1."""
        target, operation = self._target, self.call.route.operation
        if target is None or self._on_v1 or operation.name != _CHAT or self._routed.resources.answers_on_v1(target):
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
        if operation.name == _CHAT and (self._on_v1 or routed.resources.answers_on_v1(target)):
            surfaces = replace(surfaces, prefers_v1=True)
        passed = headers.request_to_azure(routed.request.headers, json=bool(call.raw))
        image = None if surfaces.is_openai else image_deployment(call, routed.serving_image(target.resource))
        if image:
            passed[IMAGE_HEADER] = image
        if operation.header:
            passed[operation.header[0]] = operation.header[1]
        body = encode_body(call, target.deployment, surfaces.surface_for(operation))
        if body is not self.call.raw:
            self._take(len(body))
        return UpstreamRequest(
            method=operation.method,
            url=surfaces.url(call.route, target.deployment, routed.query),
            headers=passed,
            body=body,
            repeatable=self.repeat is Repeat.IDEMPOTENT,
            guarded=surfaces.is_openai,
        )
