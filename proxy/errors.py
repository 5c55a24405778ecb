"""The errors that a client can read.

    ProxyError                   status, OpenAI type and code, message, param
    +-- InvalidRequest           400  the client's request cannot be understood
    +-- Unauthenticated          401  no key, a wrong key, or two different keys
    +-- UnknownUrl               404  no operation at this path
    +-- UnsupportedOperation     404  Azure OpenAI does not offer it, or the proxy is set not to
    +-- ModelNotFound            404  no deployment serves this model
    +-- UnknownId                404  an id that belongs to no resource of this proxy
    +-- DoctorRunning            409  the doctor of this instance is at work already
    +-- MethodNotAllowed         405  the path is known, the method is not
    +-- UpgradeRequired          426  a WebSocket was asked for where there is none
    +-- RequestTimeout           408  the client's body did not arrive in time
    +-- BodyTooLarge             413  more bytes than the limit
    +-- UnsupportedEncoding      415  a compressed body
    +-- AzureRefusal             any  an error that Azure OpenAI answered, in OpenAI's shape
    +-- ConfigurationError       503  the proxy's own set-up: a setting, the vault, the identity
    +-- Overloaded               503  this instance has too many requests, or is shutting down
    +-- UsageUnavailable         503  the table of usage cannot be read
    +-- ClientLimited            429  the client has reached a limit of its key
    +-- BudgetReserved           429  other calls have reserved what is left of the budget
    +-- BudgetSpent              429  too little is left of the budget for this month
    +-- NotForBudget             403  what the call may cost has no bound, which a hard budget needs
    +-- BudgetUnavailable        503  the store of the budgets cannot be reached
    +-- AllDown                  429  all deployments are over their rate limits; 503 if one is down for another reason
    +-- UpstreamError            502  Azure OpenAI could not be reached or did not answer in its protocol
        +-- Unreachable          502  no connection to Azure OpenAI: nothing was sent
        +-- IncompletelySent     502  the connection broke before the whole request was sent
        +-- UpstreamRefused      502  Azure OpenAI refused the call for a reason that is not the credential
        +-- UpstreamAuthError    502  Azure OpenAI refused the proxy's own credential
        +-- UpstreamTimeout      504  Azure OpenAI was silent for too long
        +-- ShuttingDown         503  this instance shut down before the answer was complete

OpenAI's SDKs choose their exception by the status alone and read message, type, param and code from the body.
The four keys are required by the `Error` schema of OpenAI's API document.
"""

import re
from collections.abc import Mapping, Sequence
from math import ceil
from types import MappingProxyType

# The reason of an UpstreamAuthError for a role that is not assigned, or not known to all of Azure's servers yet.
ROLE_MISSING = "upstream_role"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Longer names are cut: to compare one takes 20 us for 20 characters and 200 us for 100.
_LONGEST_NAME = 100
_MOST_COMPARED = 200
_MOST_SIMILAR = 10
# Seconds: OpenAI's SDKs for Python and Node do not wait for longer, and would try again at once.
LONGEST_SDK_WAIT = 60.0
_ALL_THROTTLED = "All deployments of this model have reached their rate limits."
_ALL_DOWN = "No deployment of this model can be reached at the moment."


class ProxyError(Exception):
    """A failure with the status and the body with four keys that OpenAI would answer."""

    status = 500
    type = "server_error"
    code: str | None = None
    reason: str | None = None  # for the log, if it is more specific than the code

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = headers
        if code is not None:
            self.code = code


class InvalidRequest(ProxyError):
    """The request cannot be understood; nothing was sent to Azure."""

    status = 400
    type = "invalid_request_error"


class Unauthenticated(ProxyError):
    """The client is not authenticated; without a code it sent no key."""

    status = 401
    type = "invalid_request_error"


class UnknownId(InvalidRequest):
    """An id with a tag that no resource has, so there is no such object."""

    status = 404


class UnknownUrl(ProxyError):
    """No operation of the API has this path."""

    status = 404
    type = "invalid_request_error"
    code = "unknown_url"


class UnsupportedOperation(ProxyError):
    """An operation of OpenAI that is not available; the message names the substitute."""

    status = 404
    type = "invalid_request_error"
    code = "unsupported_operation"


class UsageUnavailable(ProxyError):
    """The table of usage cannot be read at the moment."""

    status = 503
    code = "usage_unavailable"

    def __init__(self) -> None:
        super().__init__("The usage cannot be read at the moment. Try again later.", headers={"retry-after": "10"})


class ModelNotFound(ProxyError):
    """No deployment serves the model that the client named; the message suggests similar `known` ones."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"

    def __init__(
        self, model: str, headers: Mapping[str, str] = NO_HEADERS, *, known: Sequence[str] = (), hint: str = ""
    ) -> None:
        shown = model if len(model) <= _LONGEST_NAME else f"{model[:_LONGEST_NAME]}..."
        message = f"The model `{shown}` does not exist or you do not have access to it."
        if similar := _similar(model, known):
            message += f" Models with a similar name: {', '.join(f'`{name}`' for name in similar)}."
        super().__init__(f"{message} {hint}" if hint else message, headers=headers)


def _similar(model: str, known: Sequence[str]) -> list[str]:
    """Return the known names that are most similar to the model's, the best first, without the name itself."""
    others = {name[:_LONGEST_NAME].lower(): name for name in known[:_MOST_COMPARED] if name != model}
    if not others:
        return []
    from difflib import get_close_matches  # noqa: PLC0415 - rare

    return [others[near] for near in get_close_matches(model[:_LONGEST_NAME].lower(), others, n=_MOST_SIMILAR)]


class MethodNotAllowed(ProxyError):
    """There is an operation with this path, but not with this method."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_supported"


class UpgradeRequired(ProxyError):
    """The client asks for a WebSocket, which Azure Functions cannot serve; Codex then goes on over HTTP at once."""

    status = 426
    type = "invalid_request_error"
    code = "upgrade_required"

    def __init__(self) -> None:
        message = "This proxy serves no WebSockets. Send POST /v1/responses over HTTP, with `stream` for events."
        super().__init__(message, headers={"upgrade": "HTTP/1.1"})


class RequestTimeout(ProxyError):
    """The client's body stopped arriving."""

    status = 408
    type = "invalid_request_error"
    code = "request_timeout"


class BodyTooLarge(ProxyError):
    """The client's body is larger than the limit."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class UnsupportedEncoding(ProxyError):
    """The client's body is compressed."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_encoding"


# A code that may stand in the log, as Azure and OpenAI spell them: words, or a status. A server may send anything.
LOGGED_CODE = re.compile(r"(?=.{1,64}\Z)[A-Za-z]+\d{0,2}(?:[_.-][A-Za-z]+\d{0,2})*|[1-5]\d\d", re.ASCII)
# The reason in the place of any other code.
UNKNOWN_CODE = "upstream_code"


class AzureRefusal(ProxyError):
    """An error that Azure OpenAI answered, in OpenAI's shape.

    `inner` is Azure's detail about a blocked prompt as a chat has it, `filters` as a response has it; both are JSON.
    A code that is no word of an API is for the client alone.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,  # noqa: A002  OpenAI's name
        code: str | None,
        param: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        inner: bytes | None = None,
        filters: bytes | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param, headers=headers)
        self.status = status
        self.type = type
        if code is not None and not LOGGED_CODE.fullmatch(code):
            self.reason = UNKNOWN_CODE
        self.inner = inner
        self.filters = filters


class ConfigurationError(ProxyError):
    """The set-up of the proxy is wrong or incomplete; `reason` is a short code for `/health`, without names."""

    status = 503
    type = "server_error"
    code = "configuration_error"
    reason: str

    def __init__(self, message: str, *, reason: str = "configuration_error") -> None:
        super().__init__(message)
        self.reason = reason


class DoctorRunning(ProxyError):
    """The set-up is being examined already; one run at a time is enough for all."""

    status = 409
    type = "invalid_request_error"
    code = "doctor_running"

    def __init__(self) -> None:
        super().__init__(f"The doctor is at work already. {_retry_after(30)}", headers={"retry-after": "30"})


class Overloaded(ProxyError):
    """The instance accepts no more requests; the client tries again in a second, perhaps at another instance."""

    status = 503
    code = "overloaded"

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} {_retry_after(1)}", headers={"retry-after": "1"})


class ClientLimited(ProxyError):
    """The client has reached a limit of its key, and may try again in `wait` seconds; `limited` is what it used up."""

    status = 429
    code = "rate_limit_exceeded"
    reason = "client_rate_limit"

    def __init__(self, client: str, limited: str, limit: int, *, wait: float) -> None:
        seconds = max(1, ceil(wait))
        waits = {"retry-after": str(seconds), "retry-after-ms": str(ceil(wait * 1000))}
        if wait >= LONGEST_SDK_WAIT:
            waits["x-should-retry"] = "false"
        message = f"The client key `{client}` has reached its limit of {limit} {limited}. {_retry_after(seconds)}"
        super().__init__(message, headers=waits)
        self.type = "tokens" if "tokens" in limited else "requests"


class BudgetReserved(ProxyError):
    """What is left of a budget is reserved for running calls, which will cost less than that."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"
    reason = "budget_reserved"

    def __init__(self, whose: str, wait: int) -> None:
        message = f"Other requests have reserved what is left of the budget of {whose}."
        super().__init__(f"{message} {_retry_after(wait)}", headers={"retry-after": str(wait)})


class BudgetSpent(ProxyError):
    """Too little is left of a budget until `renewed`, the date of the next month."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"
    reason = "budget_spent"

    def __init__(self, whose: str, left: str, needed: str, renewed: str) -> None:
        message = f"The budget of {whose} has {left} USD left, and this request may cost {needed} USD."
        super().__init__(f"{message} The next month begins on {renewed} UTC.", headers={"x-should-retry": "false"})


class NotForBudget(ProxyError):
    """A call whose cost has no bound before it is made; `cause` is a code."""

    status = 403
    type = "invalid_request_error"
    code = "unbounded_cost"

    def __init__(self, whose: str, cause: str, reason: str) -> None:
        super().__init__(f"The hard budget of {whose} cannot bound what this request may cost ({cause}: {reason}).")
        self.reason = cause


class BudgetUnavailable(ProxyError):
    """The store of the budgets cannot be reached, so that nobody knows what is left."""

    status = 503
    code = "service_unavailable"
    reason = "budget_store_down"

    def __init__(self) -> None:
        message = f"The store of the budgets cannot be reached at the moment. {_retry_after(5)}"
        super().__init__(message, headers={"retry-after": "5"})


class AllDown(ProxyError):
    """No deployment that serves the request may be called for the next `wait` seconds."""

    def __init__(self, *, throttled: bool, wait: float) -> None:
        seconds = max(1, ceil(wait))
        waits = {"retry-after": str(seconds), "retry-after-ms": str(ceil(wait * 1000))}
        code = "rate_limit_exceeded" if throttled else "service_unavailable"
        message = f"{_ALL_THROTTLED if throttled else _ALL_DOWN} {_retry_after(seconds)}"
        super().__init__(message, code=code, headers=waits)
        self.status = 429 if throttled else 503
        self.type = "requests" if throttled else "server_error"


def _retry_after(seconds: int) -> str:
    """Return the advice as Azure writes it, which clients look for in messages."""
    return f"Please retry after {seconds} second{'' if seconds == 1 else 's'}."


class UpstreamError(ProxyError):
    """Azure OpenAI could not be reached, or its answer was not valid."""

    status = 502
    code = "upstream_error"


class Unreachable(UpstreamError):
    """There was no connection to Azure OpenAI, so no byte of the request was sent."""


class IncompletelySent(UpstreamError):
    """The connection broke before the whole request was sent, so that Azure OpenAI cannot have acted on it."""


class ShuttingDown(UpstreamError):
    """The instance shut down before the answer was complete."""

    status = 503
    code = "proxy_shutting_down"

    def __init__(self) -> None:
        message = "This instance of the proxy was asked to end before the answer was complete."
        super().__init__(f"{message} {_retry_after(1)}", headers={"retry-after": "1"})


class UpstreamRefused(UpstreamError):
    """Azure OpenAI refused the call of a resource that is blocked, suspended or out of quota, or for no known reason.

    That is neither the client's fault nor the credential's.
    """

    code = "upstream_refused"

    def __init__(self, message: str, *, reason: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        super().__init__(message, headers=headers)
        self.reason = reason


class UpstreamAuthError(UpstreamError):
    """Azure OpenAI refused the proxy's credential, which is not the client's fault."""

    code = "upstream_auth_error"

    def __init__(self, message: str, *, reason: str | None = None, headers: Mapping[str, str] = NO_HEADERS) -> None:
        super().__init__(message, headers=headers)
        self.reason = reason


class UpstreamTimeout(UpstreamError):
    """Azure OpenAI was silent for longer than the limit."""

    status = 504
    code = "upstream_timeout"
