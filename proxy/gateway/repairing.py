"""What is changed in a call because its deployment refuses a parameter, within one request."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from proxy.azure_api import repair
from proxy.azure_api.request import Call
from proxy.gateway.attempt import Refused
from proxy.routing.learned_repairs import Repairs
from proxy.values import Repair, Response

# Azure names one refused parameter at a time.
MAX_ROUNDS = 5
_BAD_REQUEST = 400


class Repairing:
    """The repairs of one request; `learnt` is None where refused parameters stay refused."""

    def __init__(self, learnt: Repairs | None, clock: Callable[[], float]) -> None:
        self._learnt = learnt
        self._clock = clock
        self._rounds = 0
        self._key = ""
        self._made: tuple[Repair, ...] = ()
        self._found: tuple[Repair, ...] = ()
        self._refused: Refused | None = None

    def goes_to(self, call: Call, deployment: str) -> None:
        """Begin anew for another deployment; operations of one deployment take different parameters."""
        self._key = f"{call.route.operation.name} {deployment}"
        self._made = self._found = ()
        self._refused = None

    def apply_known(self, call: Call) -> Call:
        """Return the call with what the deployment is known to refuse repaired."""
        known = () if self._learnt is None else self._learnt.known(self._key, self._clock())
        return self._apply(call, known) if known else call

    def cure(self, call: Call, refused: Refused) -> Call | Refused:
        """Return the call with what was refused repaired, or the first refusal when nothing cures it."""
        if self._learnt is None or call.document is None or refused.failure.status != _BAD_REQUEST:
            return refused
        self._refused = self._refused or refused
        # Only what was refused in this request: what was learnt earlier may be out of date, and is undone then.
        found = repair.find_repairs(_BAD_REQUEST, refused.body, call.document, self._found)
        if not found or self._rounds == MAX_ROUNDS:
            return self._refused
        self._rounds += 1
        self._found += found
        return self._apply(call, found)

    def succeeded(self) -> None:
        """Remember what cured the call."""
        if self._learnt is not None:
            for one in self._found:
                self._learnt.learn(self._key, one, self._clock())

    def told(self, answer: Response) -> Response:
        """Return the answer with a header that says what was changed."""
        if not self._made:
            return answer
        return replace(answer, headers={**answer.headers, repair.HEADER: repair.encode_repairs(self._made)})

    def _apply(self, call: Call, repairs: Iterable[Repair]) -> Call:
        if call.document is None:
            return call
        document, made = repair.apply(call.document, repairs)
        self._made += made
        return replace(call, document=document, raw=document.raw) if made else call
