"""What all requests of an instance share."""

from proxy.config.policy import Policy
from proxy.routing.failures import Repeat, Verdict
from proxy.routing.retry import Routing
from tests.unit.routing.samples import answered, target

A, B = target(0), target(1)


def test_what_one_request_learns_the_next_one_knows() -> None:
    routing = Routing(Policy())
    with routing.begin([A]) as state:
        step = state.next(0.0, 0.0)
        assert step is not None
        state.failed(step, answered(429, 30.0), 0.0)
    with routing.begin([A, B]) as state:
        step = state.next(1.0, 0.0)
        assert step is not None
        assert step.target == B


def test_requests_are_counted_while_they_are_in_flight() -> None:
    routing = Routing(Policy())
    with routing.begin([A]), routing.begin([A]):
        assert routing.budget.requests == 2
    assert routing.budget.requests == 0


def test_a_request_that_creates_something_has_other_rules() -> None:
    with Routing(Policy()).begin([A, B], Repeat.IF_NOT_PROCESSED) as state:
        step = state.next(0.0, 0.0)
        assert step is not None
        assert state.failed(step, answered(500), 0.0) is Verdict.GIVE_UP
