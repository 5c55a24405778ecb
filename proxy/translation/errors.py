"""Azure OpenAI's errors, in all their spellings, into OpenAI's.

Azure answers with `{"error": {...}}`, now and then with a list there, with `{"statusCode": ..., "message": ...}`, or
with plain text of a gateway. https://learn.microsoft.com/azure/ai-foundry/openai/how-to/troubleshoot-errors
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from proxy.errors import NO_HEADERS, AzureRefusal, ModelNotFound, ProxyError, UnknownUrl, UpstreamAuthError
from proxy.messages import AuthMode, Response
from proxy.translation.headers import response_to_openai
from proxy.translation.surrogates import mask

_OF_A_SUCCESS = frozenset({"content-type", "location"})
_CLIENT_ERROR = "invalid_request_error"
# Statuses below 500 that are not the client's fault.
_NOT_THE_CLIENT = frozenset({408, 424})
_SERVER_ERROR = "The server had an error while processing your request. Please retry your request."
_THROTTLED = frozenset(
    {"429", "rate_limit_exceeded", "ratelimitreached", "nocapacity", "no_capacity", "toomanyrequests"}
)
_FILTERED = frozenset({"content_filter", "content_policy_violation"})
# Codes that repeat the status or say nothing, and so are none of OpenAI's.
_EMPTY_CODES = frozenset({"badrequest", "timeout", "internalservererror", "invalidrequest", "invalidrequesterror", ""})
_WAIT = re.compile(r"retry after (\d+) second", re.IGNORECASE)
_NETWORK = re.compile(r"public access is disabled|virtual network|firewall", re.IGNORECASE)
_ROLE = re.compile(r"lacks the required data action", re.IGNORECASE)
# A message of Azure longer than this is cut: it is a page of HTML or worse.
MAX_MESSAGE = 4096

_CURE_NETWORK = (
    "Azure OpenAI's network rules keep the proxy out. Allow the Function app under Networking of the Azure OpenAI "
    "resource."
)
_CURE_ROLE = (
    "The proxy's identity may not call Azure OpenAI. Give it the role Cognitive Services OpenAI User on the resource; "
    "a new role takes some minutes."
)
_CURE: Mapping[AuthMode, str] = {
    AuthMode.KEY_VAULT: (
        "Azure OpenAI refuses the proxy's key. Put a current key of the resource into the Key Vault secret that "
        "AZURE_OPENAI_KEY_SECRET names, and see that the resource allows keys."
    ),
    AuthMode.KEY: (
        "Azure OpenAI refuses the proxy's key. Put a current key of the resource into AZURE_OPENAI_API_KEY, "
        "and see that the resource allows keys."
    ),
    AuthMode.MANAGED_IDENTITY: (
        "Azure OpenAI refuses the proxy's token. Give the identity the role Cognitive Services OpenAI User on the "
        "resource, and see that AZURE_OPENAI_TOKEN_SCOPE fits the endpoint."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureError:
    """An error as Azure answered it; `code` is in lower case for comparing, `spelt` as it came."""

    status: int
    message: str
    type: str | None = None
    spelt: str | None = None
    param: str | None = None
    inner: bytes | None = None
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """Return the code in lower case, empty when there is none."""
        return (self.spelt or "").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureErrors:
    """Translates the errors of one call: `model` is the client's name for it, `auth` the proxy's own credential."""

    model: str | None
    auth: AuthMode

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> ProxyError:
        """Return what the client reads for an answer with a status of 300 or more."""
        passed = {name: value for name, value in response_to_openai(headers).items() if name not in _OF_A_SUCCESS}
        return self._translate(_parse(status, body, passed))

    def in_stream(self, data: bytes) -> ProxyError:
        """Return what the client reads for an error that came as an event of a stream."""
        error = _parse(500, data, NO_HEADERS)
        return self._translate(error)

    def _translate(self, error: AzureError) -> ProxyError:
        for applies, translate in _RULES:
            if applies(error):
                return translate(self, error)
        return _as_answered(self, error)


def encode_error(error: ProxyError) -> bytes:
    """Return the four-key body of OpenAI, with Azure's detail of a content filter where there is one."""
    fields: dict[str, object] = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    if isinstance(error, AzureRefusal) and error.inner is not None:
        fields["innererror"] = msgspec.Raw(error.inner)
    return msgspec.json.encode({"error": fields})


def to_response(error: ProxyError) -> Response:
    """Return the whole answer for an error."""
    return Response(
        status=error.status, headers={**error.headers, "content-type": "application/json"}, body=encode_error(error)
    )


class _Fields(msgspec.Struct):
    message: object = None
    type: object = None
    code: object = None
    param: object = None
    innererror: msgspec.Raw = msgspec.Raw(b"")
    inner_error: msgspec.Raw = msgspec.Raw(b"")


class _Document(_Fields):
    error: _Fields | list[_Fields] | str | None = None


def _parse(status: int, body: bytes, headers: Mapping[str, str]) -> AzureError:
    try:
        document = msgspec.json.decode(mask(body), type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return AzureError(status=status, message=_SERVER_ERROR, type="server_error", headers=headers)
    fields = document.error if document.error is not None else document
    if isinstance(fields, list):
        fields = fields[0] if fields else document
    if isinstance(fields, str):
        fields = _Fields(message=fields)
    inner = next((raw for raw in map(bytes, (fields.innererror, fields.inner_error)) if raw.startswith(b"{")), None)
    return AzureError(
        status=status,
        message=(_text(fields.message) or _SERVER_ERROR)[:MAX_MESSAGE],
        type=None if fields.type == "error" else _text(fields.type),
        spelt=_text(fields.code),
        param=_text(fields.param),
        inner=inner,
        headers=headers,
    )


def _text(value: object) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, str | int) else None


def _credential_refused(errors: AzureErrors, error: AzureError) -> ProxyError:
    if _NETWORK.search(error.message):
        return UpstreamAuthError(_CURE_NETWORK, reason="upstream_network", headers=error.headers)
    if _ROLE.search(error.message):
        return UpstreamAuthError(_CURE_ROLE, reason="upstream_role", headers=error.headers)
    return UpstreamAuthError(_CURE[errors.auth], reason="upstream_credential", headers=error.headers)


def _no_deployment(errors: AzureErrors, error: AzureError) -> ProxyError:
    if errors.model is not None:
        return ModelNotFound(errors.model, error.headers)
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
    headers = dict(error.headers)
    wait = _WAIT.search(error.message)
    if wait and "retry-after" not in headers:
        headers["retry-after"] = wait[1]
    if error.code == "insufficient_quota":
        kind = code = error.code
    else:
        kind, code = "tokens" if "token rate" in error.message else "requests", "rate_limit_exceeded"
    return AzureRefusal(error.message, status=429, type=kind, code=code, headers=headers)


def _redirected(_errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(_SERVER_ERROR, status=502, type="server_error", code="upstream_error", headers=error.headers)


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
