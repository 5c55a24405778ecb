"""Pure: which target a request goes to next, and what a failure means.

`Catalogue` finds the targets that serve a model; `Router` knows how they are and sends a request on its `Journey`:

    with router.journey(catalogue.targets(model), repeat) as journey:
        while (step := journey.next(now, draw)) is not None:
            ...  # wait for step.pause, make the attempt at step.target
            journey.succeeded(step, headers, now)  # or:
            verdict = journey.failed(step, failure, now)
        down = journey.exhausted(now)
"""

from proxy.config.policy import Policy
from proxy.routing.catalogue import Catalogue
from proxy.routing.failure import Failure, Kind
from proxy.routing.journey import AllDown, Journey, Step
from proxy.routing.offer import Offer
from proxy.routing.router import Router
from proxy.routing.target import Target
from proxy.routing.verdict import Repeat, Verdict
from proxy.routing.waits import parse_wait

__all__ = [
    "AllDown",
    "Catalogue",
    "Failure",
    "Journey",
    "Kind",
    "Offer",
    "Policy",
    "Repeat",
    "Router",
    "Step",
    "Target",
    "Verdict",
    "parse_wait",
]
