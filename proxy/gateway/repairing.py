"""What is changed in a call because its deployment refuses a parameter, within one request."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from proxy.errors import ProxyError
from proxy.gateway.attempt import Refused
from proxy.messages import Repair, Response
from proxy.routing.repairs import Repairs
from proxy.translation import repair
from proxy.translation.request import Call

# Azure names one refused parameter at a time.
MAX_ROUNDS = 5


class Repairing:
    """The repairs of one call to one deployment; `learnt` is None where refused parameters stay refused."""

    def __init__(self, learnt: Repairs | None, deployment: str, clock: Callable[[], float]) -> None:
        self._learnt = learnt
        self._deployment = deployment
        self._clock = clock
        self._made: tuple[Repair, ...] = ()
        self._found: tuple[Repair, ...] = ()
        self._refusal: ProxyError | None = None
        self._rounds = 0

    def apply_known(self, call: Call) -> Call:
        """Return the call with what the deployment is known to refuse repaired."""
        if self._learnt is None or call.document is None:
            return call
        known = self._learnt.known(self._key(call), self._clock())
        return self._apply(call, known) if known else call

    def cure(self, call: Call, refused: Refused) -> Call:
        """Return the call with what was refused repaired; raise the first refusal when nothing cures it."""
        self._refusal = self._refusal or refused.error
        if self._learnt is None or call.document is None or self._rounds == MAX_ROUNDS:
            raise self._refusal
        # Only what was refused in this request: what was learnt earlier may be out of date, and is undone then.
        found = repair.find_repairs(refused.status, refused.body, call.document, self._found)
        if not found:
            raise refused.error if refused.status != 400 else self._refusal
        self._rounds += 1
        self._found += found
        return self._apply(call, found)

    def told(self, call: Call, answer: Response) -> Response:
        """Return the answer with a header that says what was changed, and remember what cured the call."""
        if self._learnt is not None:
            for one in self._found:
                self._learnt.learn(self._key(call), one, self._clock())
        if not self._made:
            return answer
        return replace(answer, headers={**answer.headers, repair.HEADER: repair.encode_repairs(self._made)})

    def _apply(self, call: Call, repairs: Iterable[Repair]) -> Call:
        if call.document is None:
            return call
        document, made = repair.apply(call.document, repairs)
        self._made += made
        return replace(call, document=document, raw=document.raw) if made else call

    def _key(self, call: Call) -> str:
        """Return what the repairs are known for: operations of one deployment take different parameters."""
        return f"{call.route.operation.name} {self._deployment}"
