"""The errors that a client can read."""

import inspect

import pytest

from proxy import errors
from proxy.errors import AzureRefusal, ClientLimited, ConfigurationError, InvalidRequest, ModelNotFound, ProxyError

TREE = [
    (errors.InvalidRequest, 400, "invalid_request_error", None),
    (errors.Unauthenticated, 401, "invalid_request_error", None),
    (errors.UnknownUrl, 404, "invalid_request_error", "unknown_url"),
    (errors.UnsupportedOperation, 404, "invalid_request_error", "unsupported_operation"),
    (errors.MethodNotAllowed, 405, "invalid_request_error", "method_not_supported"),
    (errors.RequestTimeout, 408, "invalid_request_error", "request_timeout"),
    (errors.BodyTooLarge, 413, "invalid_request_error", "request_too_large"),
    (errors.UnsupportedEncoding, 415, "invalid_request_error", "unsupported_encoding"),
    (errors.UpstreamError, 502, "server_error", "upstream_error"),
    (errors.UpstreamAuthError, 502, "server_error", "upstream_auth_error"),
    (errors.UpstreamTimeout, 504, "server_error", "upstream_timeout"),
    (errors.Unreachable, 502, "server_error", "upstream_error"),
    (errors.UnknownId, 404, "invalid_request_error", None),
]


@pytest.mark.parametrize(("kind", "status", "type_", "code"), TREE, ids=lambda value: getattr(value, "__name__", None))
def test_each_error_has_its_status_type_and_code(
    kind: type[ProxyError], status: int, type_: str, code: str | None
) -> None:
    error = kind("What happened.")
    assert (error.status, error.type, error.code, error.param) == (status, type_, code, None)
    assert (error.message, str(error), dict(error.headers)) == ("What happened.", "What happened.", {})


WHOSE = "the client key `alice`"
REFUSALS: list[tuple[ProxyError, int, str, str, str, dict[str, str]]] = [
    (
        errors.BudgetReserved(WHOSE, 7),
        *(429, "requests", "rate_limit_exceeded"),
        f"Other requests have reserved what is left of the budget of {WHOSE}. Please retry after 7 seconds.",
        {"retry-after": "7"},
    ),
    (
        errors.BudgetSpent("this proxy", "0.002000", "0.012723", "2026-12-01"),
        *(429, "insufficient_quota", "insufficient_quota"),
        (
            "The budget of this proxy has 0.002000 USD left, and this request may cost 0.012723 USD. "
            "The next month begins on 2026-12-01 UTC."
        ),
        {"x-should-retry": "false"},
    ),
    (
        errors.NotForBudget(WHOSE, "unbounded_tool", "nobody knows"),
        *(403, "invalid_request_error", "unbounded_cost"),
        f"The hard budget of {WHOSE} cannot bound what this request may cost (unbounded_tool: nobody knows).",
        {},
    ),
    (
        errors.BudgetUnavailable(),
        *(503, "server_error", "service_unavailable"),
        "The store of the budgets cannot be reached at the moment. Please retry after 5 seconds.",
        {"retry-after": "5"},
    ),
]


@pytest.mark.parametrize(("error", "status", "type_", "code", "message", "headers"), REFUSALS)
def test_a_refusal_of_a_budget_says_whether_and_when_to_try_again(
    error: ProxyError, status: int, type_: str, code: str, message: str, headers: dict[str, str]
) -> None:
    assert (error.status, error.type, error.code, error.message) == (status, type_, code, message)
    assert dict(error.headers) == headers


def test_a_websocket_is_answered_with_the_protocol_to_use() -> None:
    error = errors.UpgradeRequired()
    assert (error.status, error.code, error.headers) == (426, "upgrade_required", {"upgrade": "HTTP/1.1"})


def test_who_is_turned_away_is_told_to_come_back_soon() -> None:
    busy, ending = errors.Overloaded("Too much."), errors.ShuttingDown()
    assert [(error.status, error.code, error.headers) for error in (busy, ending)] == [
        (503, "overloaded", {"retry-after": "1"}),
        (503, "proxy_shutting_down", {"retry-after": "1"}),
    ]
    again = {type(error): error.headers["retry-after"] for error in (errors.UsageUnavailable(), errors.DoctorRunning())}
    assert again == {errors.UsageUnavailable: "10", errors.DoctorRunning: "30"}
    assert busy.message == "Too much. Please retry after 1 second."
    assert ending.message.endswith(" Please retry after 1 second.")


@pytest.mark.parametrize(
    ("throttled", "wait", "expected"),
    [
        (True, 6.2, (429, "requests", "rate_limit_exceeded", {"retry-after": "7", "retry-after-ms": "6200"})),
        (False, 0.1, (503, "server_error", "service_unavailable", {"retry-after": "1", "retry-after-ms": "100"})),
    ],
)
def test_when_all_are_down_the_shortest_wait_is_told(
    throttled: bool, wait: float, expected: tuple[object, ...]
) -> None:
    error = errors.AllDown(throttled=throttled, wait=wait)
    assert (error.status, error.type, error.code, error.headers) == expected
    assert error.message.endswith(" Please retry after 7 seconds." if throttled else " Please retry after 1 second.")


def test_an_error_may_carry_its_own_code_param_and_headers() -> None:
    error = InvalidRequest("x", code="c", param="p", headers={"a": "b"})
    assert (error.code, error.param, error.headers) == ("c", "p", {"a": "b"})
    assert InvalidRequest("x").code is None


def test_an_unknown_model_is_named_in_part() -> None:
    assert ModelNotFound("m").message == "The model `m` does not exist or you do not have access to it."
    assert ModelNotFound("m").code == "model_not_found"
    assert "x" * 100 + "...`" in ModelNotFound("x" * 10_000).message
    assert f"`{'x' * 100}`" in ModelNotFound("x" * 100).message


SENTENCE = "The model `gpt-4` does not exist or you do not have access to it."


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ((), []),
        (("whisper", "tts"), []),
        (("gpt-4",), []),
        (("whisper", "GPT-4O-mini", "gpt-4o"), ["gpt-4o", "GPT-4O-mini"]),
        (("GPT-4",), ["GPT-4"]),
        (tuple(f"gpt-4{letter}" for letter in "abcdefghijklm"), 10),
        (("gpt-4" + "x" * 10_000,), []),
        ((*(f"whisper-{n}" for n in range(200)), "gpt-4o"), []),
    ],
)
def test_an_unknown_model_is_told_with_those_like_it(known: tuple[str, ...], shown: list[str] | int) -> None:
    message = ModelNotFound("gpt-4", known=known).message
    assert message.startswith(SENTENCE)
    names = message.removeprefix(SENTENCE).split("`")[1::2]
    assert len(names) == shown if isinstance(shown, int) else names == shown


def test_a_long_model_is_compared_by_its_beginning() -> None:
    assert "`" + "y" * 100 + "`" in ModelNotFound("y" * 10_000, known=("y" * 100,)).message


def test_a_refusal_of_azure_is_what_azure_said() -> None:
    error = AzureRefusal("x", status=418, type="t", code="c", param="p", headers={"a": "b"}, inner=b"{}")
    assert (error.status, error.type, error.code, error.param, error.inner) == (418, "t", "c", "p", b"{}")
    assert AzureRefusal("x", status=400, type="t", code=None).code is None


def test_a_wrong_set_up_has_a_reason_for_health() -> None:
    assert (ConfigurationError("x").status, ConfigurationError("x").code) == (503, "configuration_error")
    assert ConfigurationError("x").reason == "configuration_error"
    assert ConfigurationError("x", reason="vault_down").reason == "vault_down"


def test_an_error_without_headers_shares_none_that_can_change() -> None:
    assert InvalidRequest("x").headers is errors.NO_HEADERS
    assert not hasattr(errors.NO_HEADERS, "__setitem__")


def test_the_docstring_draws_every_error_with_its_status() -> None:
    drawn = errors.__doc__ or ""
    for kind, status, _, _ in TREE:
        line = next(line for line in drawn.splitlines() if f"-- {kind.__name__} " in line)
        assert str(status) in line
    kinds = inspect.getmembers(errors, lambda value: inspect.isclass(value) and issubclass(value, ProxyError))
    assert [name for name, _ in kinds if f" {name} " not in drawn] == []


def test_a_web_socket_is_refused_with_what_to_do_instead() -> None:
    error = errors.UpgradeRequired()
    assert (error.status, error.code, error.headers) == (426, "upgrade_required", {"upgrade": "HTTP/1.1"})
    assert "POST /v1/responses" in error.message


@pytest.mark.parametrize(
    ("wait", "seconds", "retries"),
    [(0.2, "1", True), (3.0, "3", True), (59.5, "60", True), (60.0, "60", False), (600.0, "600", False)],
)
def test_a_limit_of_a_key_says_when_to_come_back_and_forbids_retries_that_would_come_too_early(
    wait: float, seconds: str, retries: bool
) -> None:
    error = ClientLimited("alice", "tokens a minute", 1000, wait=wait)
    assert (error.status, error.code, error.type) == (429, "rate_limit_exceeded", "tokens")
    assert error.headers["retry-after"] == seconds
    assert float(error.headers["retry-after-ms"]) >= wait * 1000
    assert ("x-should-retry" not in error.headers) is retries
    assert "`alice`" in error.message
    assert f"retry after {seconds} second" in error.message
    assert ClientLimited("alice", "requests at the same time", 1, wait=1).type == "requests"


@pytest.mark.parametrize(
    "code", ["content_filter", "DeploymentNotFound", "429", "invalid_base64_image", "too.many-requests", None]
)
def test_a_code_that_is_a_word_of_an_api_may_be_logged(code: str | None) -> None:
    assert AzureRefusal("No.", status=400, type="x", code=code).reason is None


@pytest.mark.parametrize(
    "code", ["the prompt was this", "q44alb4d74v4u7we3vwhf", "sk-1234567890", "a" * 65, "", "_", "é", "a\n"]
)
def test_any_other_code_is_for_the_client_alone(code: str) -> None:
    error = AzureRefusal("No.", status=400, type="x", code=code)
    assert (error.code, error.reason) == (code, errors.UNKNOWN_CODE)
