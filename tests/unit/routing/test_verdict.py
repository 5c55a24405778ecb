"""Which failures are tried again, for which calls."""

from itertools import product

import pytest

from proxy.config.policy import Policy
from proxy.routing.failures import Failure, Kind, Repeat, Verdict, judge
from tests.unit.routing.samples import (
    BARRED,
    BLOCKED,
    CONNECT,
    FILTERED,
    INCOMPLETE,
    MISSING,
    REFUSED,
    RESET,
    TIMEOUT,
    UNSUPPORTED,
    answered,
    in_stream,
)

POLICY = Policy()
FREELY, IF_REFUSED, IF_UNSENT = Repeat
AGAIN, REFRESH, GIVE_UP = Verdict

TABLE: dict[str, tuple[Failure, Verdict, Verdict, Verdict]] = {
    "no connection": (CONNECT, AGAIN, AGAIN, AGAIN),
    "429": (answered(429), AGAIN, AGAIN, GIVE_UP),
    "429 in a stream": (in_stream(429), AGAIN, GIVE_UP, GIVE_UP),
    "sent in part": (INCOMPLETE, AGAIN, AGAIN, GIVE_UP),
    "reset": (RESET, AGAIN, GIVE_UP, GIVE_UP),
    "408": (answered(408), AGAIN, GIVE_UP, GIVE_UP),
    **{str(status): (answered(status), AGAIN, GIVE_UP, GIVE_UP) for status in (500, 502, 503, 504)},
    "500 in a stream": (in_stream(500), AGAIN, GIVE_UP, GIVE_UP),
    "a stream cut before its content": (in_stream(502), AGAIN, GIVE_UP, GIVE_UP),
    "no such deployment": (MISSING, AGAIN, AGAIN, GIVE_UP),
    "no such model": (Failure(kind=Kind.ANSWER, status=400, code="unknown_model"), AGAIN, AGAIN, GIVE_UP),
    "a resource that is blocked": (BLOCKED, AGAIN, AGAIN, GIVE_UP),
    "a network that keeps us out": (BARRED, AGAIN, AGAIN, GIVE_UP),
    "403 for a reason of its own": (REFUSED, AGAIN, AGAIN, GIVE_UP),
    "no such operation": (UNSUPPORTED, AGAIN, AGAIN, GIVE_UP),
    "401 for a reason of its own": (
        Failure(kind=Kind.ANSWER, status=401, code="upstream_network"), AGAIN, AGAIN, GIVE_UP,
    ),
    "401": (answered(401), REFRESH, REFRESH, GIVE_UP),
    "no answer in time": (TIMEOUT, GIVE_UP, GIVE_UP, GIVE_UP),
    **{str(status): (answered(status), GIVE_UP, GIVE_UP, GIVE_UP) for status in (400, 403, 404, 409, 413, 415, 422)},
    "filter": (FILTERED, GIVE_UP, GIVE_UP, GIVE_UP),
    "filter in a stream": (in_stream(400), GIVE_UP, GIVE_UP, GIVE_UP),
    "filter with another status": (
        Failure(kind=Kind.ANSWER, status=500, code="content_filter"), GIVE_UP, GIVE_UP, GIVE_UP,
    ),
    "401 in a stream": (in_stream(401), GIVE_UP, GIVE_UP, GIVE_UP),
}  # fmt: skip


@pytest.mark.parametrize(("name", "column"), list(product(TABLE, range(3))))
def test_every_failure_has_its_verdict_for_every_kind_of_call(name: str, column: int) -> None:
    failure, *verdicts = TABLE[name]
    assert judge(failure, (FREELY, IF_REFUSED, IF_UNSENT)[column], POLICY) is verdicts[column]


@pytest.mark.parametrize("repeat", Repeat)
def test_a_fresh_credential_is_fetched_once(repeat: Repeat) -> None:
    assert judge(answered(401), repeat, POLICY, refreshed=True) is GIVE_UP


def test_a_timeout_is_tried_again_where_it_is_configured_and_nothing_is_created() -> None:
    policy = Policy(retries_timeouts=True)
    assert [judge(TIMEOUT, repeat, policy) for repeat in Repeat] == [AGAIN, GIVE_UP, GIVE_UP]
