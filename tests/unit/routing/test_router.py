"""What all requests of an instance share."""

from proxy.config.policy import Policy
from proxy.routing.failures import Repeat, Verdict
from proxy.routing.retry import Routing
from tests.unit.routing.samples import answered, target

A, B = target(0), target(1)


def test_what_one_request_learns_the_next_one_knows() -> None:
    router = Routing(Policy())
    with router.begin([A]) as journey:
        step = journey.next(0.0, 0.0)
        assert step is not None
        journey.failed(step, answered(429, 30.0), 0.0)
    with router.begin([A, B]) as journey:
        step = journey.next(1.0, 0.0)
        assert step is not None
        assert step.target == B


def test_requests_are_counted_while_they_are_on_their_way() -> None:
    router = Routing(Policy())
    with router.begin([A]), router.begin([A]):
        assert router.budget.requests == 2
    assert router.budget.requests == 0


def test_a_request_that_creates_something_has_other_rules() -> None:
    with Routing(Policy()).begin([A, B], Repeat.IF_NOT_PROCESSED) as journey:
        step = journey.next(0.0, 0.0)
        assert step is not None
        assert journey.failed(step, answered(500), 0.0) is Verdict.GIVE_UP
