"""Azure OpenAI's errors, in all their spellings, into OpenAI's; and every error into an answer.

`azure_error` reads what Azure says, `message` cleans its words, the rules here translate it, `credential` those about a
refused credential, and `answer` writes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy.errors import NO_HEADERS, AzureRefusal, ModelNotFound, ProxyError, UnknownUrl
from proxy.messages import AuthMode
from proxy.translation.errors.answer import encode_error, may_pass, to_response
from proxy.translation.errors.azure_error import SERVER_ERROR, AzureError, parse
from proxy.translation.errors.credential import refuse
from proxy.translation.errors.message import MAX_MESSAGE
from proxy.translation.headers import headers_of_error
from proxy.translation.waits import seconds_said

__all__ = ["MAX_MESSAGE", "AzureErrors", "encode_error", "to_response"]

_CLIENT_ERROR = "invalid_request_error"
# Statuses below 500 that are not the client's fault.
_NOT_THE_CLIENT = frozenset({408, 424})
_THROTTLED = frozenset(
    {"429", "rate_limit_exceeded", "ratelimitreached", "nocapacity", "no_capacity", "toomanyrequests"}
)
_FILTERED = frozenset({"content_filter", "content_policy_violation"})
# Codes that repeat the status or say nothing, and so are none of OpenAI's.
_EMPTY_CODES = frozenset({"badrequest", "timeout", "internalservererror", "invalidrequest", "invalidrequesterror", ""})
# Seconds to wait after an error in a stream, which comes without headers.
_WAIT_IN_STREAM = "10"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureErrors:
    """Translates the errors of one call.

    `model` is the client's name for it, `auth` the proxy's own credential, None where the client brought one; `models`
    are the names that the client may use; `said` is what it sent, and may read again in Azure's words.
    """

    model: str | None
    auth: AuthMode | None
    models: tuple[str, ...] = ()
    said: bytes = field(default=b"", repr=False)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> ProxyError:
        """Return what the client reads for an answer with a status of 300 or more."""
        return self._translate(parse(status, headers_of_error(headers), body, self.said))

    def in_stream(self, data: bytes) -> ProxyError:
        """Return what the client reads for an error that came as an event of a stream."""
        return self._translate(parse(None, NO_HEADERS, data, self.said), wait=_WAIT_IN_STREAM)

    def _translate(self, error: AzureError, wait: str | None = None) -> ProxyError:
        translate = next((translate for applies, translate in _RULES if applies(error)), _as_answered)
        translated = translate(self, error)
        throttled_or_broken = translated.status == 429 or translated.status >= 500
        seconds = seconds_said(error.raw) or (wait if throttled_or_broken else None)
        if seconds and "retry-after" not in translated.headers and may_pass(translated):
            translated.headers = {**translated.headers, "retry-after": seconds}
        return translated


def _credential_refused(errors: AzureErrors, error: AzureError) -> ProxyError:
    return refuse(errors.auth, error)


def _no_deployment(errors: AzureErrors, error: AzureError) -> ProxyError:
    if errors.model is not None:
        return ModelNotFound(errors.model, error.headers, known=errors.models)
    return AzureRefusal(
        error.message, status=404, type=_CLIENT_ERROR, code="model_not_found", param=error.param, headers=error.headers
    )


def _no_operation(_errors: AzureErrors, error: AzureError) -> ProxyError:
    message = "Azure OpenAI does not offer this operation with the api-version that the proxy is set to."
    return UnknownUrl(message, headers=error.headers)


def _wrong_operation(errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(
        f"The model {f'`{errors.model}`' if errors.model else 'of this request'} does not support this operation.",
        status=400,
        type=_CLIENT_ERROR,
        code="unsupported_model",
        param="model",
        headers=error.headers,
    )


def _filtered(_errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(
        error.message,
        status=400,
        type=_CLIENT_ERROR,
        code=error.spelt,
        param=error.param,
        headers=error.headers,
        inner=error.inner,
    )


def _throttled(_errors: AzureErrors, error: AzureError) -> ProxyError:
    if error.code == "insufficient_quota":
        kind = code = error.code
    else:
        kind, code = "tokens" if "token rate" in error.raw else "requests", "rate_limit_exceeded"
    return AzureRefusal(error.message, status=429, type=kind, code=code, headers=error.headers)


def _redirected(_errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(SERVER_ERROR, status=502, type="server_error", code="upstream_error", headers=error.headers)


def _as_answered(_errors: AzureErrors, error: AzureError) -> ProxyError:
    plain = error.code.isdigit() or error.code in _EMPTY_CODES
    return AzureRefusal(
        error.message,
        status=error.status,
        type=error.type
        or ("server_error" if error.status >= 500 or error.status in _NOT_THE_CLIENT else _CLIENT_ERROR),
        code=None if plain else error.spelt,
        param=error.param,
        headers=error.headers,
    )


def _too_large(_errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(error.message, status=413, type=_CLIENT_ERROR, code=None, headers=error.headers)


# The first row that applies translates the error; an error without a row goes out as Azure answered it.
_RULES: tuple[tuple[Callable[[AzureError], bool], Callable[[AzureErrors, AzureError], ProxyError]], ...] = (
    (lambda error: error.status in (401, 403), _credential_refused),
    (lambda error: error.code == "deploymentnotfound", _no_deployment),
    (lambda error: error.status == 404 and error.code in ("404", "resourcenotfound"), _no_operation),
    (lambda error: error.code == "operationnotsupported", _wrong_operation),
    (lambda error: error.code in _FILTERED, _filtered),
    (lambda error: error.status == 429 or error.code in _THROTTLED or error.type == "too_many_requests", _throttled),
    (lambda error: not 400 <= error.status <= 599, _redirected),
    (lambda error: error.status == 413, _too_large),
)
