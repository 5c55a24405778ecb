"""What a failure is."""

import pytest

from proxy.routing.failures import Failure, Kind
from tests.unit.routing.samples import (
    BARRED,
    BLOCKED,
    CONNECT,
    FILTERED,
    MISSING,
    REFUSED,
    RESET,
    TIMEOUT,
    UNSUPPORTED,
    answered,
    in_stream,
)


def test_a_target_is_throttled_at_429_as_an_answer_or_in_a_stream() -> None:
    assert answered(429).is_throttled
    assert in_stream(429).is_throttled
    assert not any(failure.is_throttled for failure in (CONNECT, answered(503), answered(200)))


@pytest.mark.parametrize(
    "failure", [CONNECT, RESET, TIMEOUT, answered(408), answered(500), answered(503), in_stream(500)]
)
def test_the_target_is_to_blame_for_silence_408_and_5xx(failure: Failure) -> None:
    assert failure.is_fault


@pytest.mark.parametrize("failure", [*map(answered, (400, 401, 403, 404, 409, 413, 422, 429)), MISSING, FILTERED])
def test_the_target_is_not_to_blame_for_what_the_client_or_the_limit_does(failure: Failure) -> None:
    assert not failure.is_fault


@pytest.mark.parametrize("failure", [BLOCKED, BARRED, REFUSED])
def test_what_a_resource_refuses_for_a_reason_of_its_own_is_nobodys_fault(failure: Failure) -> None:
    assert failure.is_refused
    assert not failure.is_fault
    assert not answered(403).is_refused


def test_only_some_reasons_are_those_of_all_calls() -> None:
    assert [failure.is_withdrawn for failure in (BLOCKED, BARRED, REFUSED, answered(403))] == [True, True, False, False]


def test_an_operation_that_a_server_does_not_have_is_nobodys_fault() -> None:
    assert UNSUPPORTED.is_unsupported
    assert not any((UNSUPPORTED.is_fault, UNSUPPORTED.is_refused, UNSUPPORTED.is_missing))
    assert not answered(501).is_unsupported


def test_a_filter_refuses_whatever_the_status() -> None:
    assert Failure(kind=Kind.ANSWER, status=500, code="ResponsibleAIPolicyViolation").is_filtered
    assert not Failure(kind=Kind.ANSWER, status=500, code="content_filter").is_fault


@pytest.mark.parametrize(
    ("status", "code", "missing"),
    [
        (404, "DeploymentNotFound", True),
        (404, "model_not_found", True),
        (404, "404", False),
        (404, "", False),
        (400, "DeploymentNotFound", True),
        (400, "unknown_model", True),
        (404, "Unavailable_Model", True),
        (500, "unknown_model", False),
        (400, "", False),
    ],
)
def test_a_deployment_is_missing_when_azure_or_openai_say_so(status: int, code: str, missing: bool) -> None:
    assert Failure(kind=Kind.ANSWER, status=status, code=code).is_missing is missing
