"""Azure OpenAI's errors, in all their forms, as the errors that OpenAI's clients read.

`parse` reads an error from the body of an answer or from an event of a stream, whose shapes `error_shapes` knows.
https://learn.microsoft.com/azure/ai-foundry/openai/how-to/troubleshoot-errors

`AzureErrors` translates it with the first of `_RULES` that applies. The message passes through `error_text`, which
removes what a client must not read. An error about the credential depends on whose it is: the operator's is an error of
the proxy that says what to do, the client's own is a 401 or 403.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from proxy.azure_api import other_servers
from proxy.azure_api.error_shapes import read_fields, says_nothing
from proxy.azure_api.error_text import ClientText, clean
from proxy.azure_api.headers import headers_of_error
from proxy.errors import (
    ROLE_MISSING,
    UNKNOWN_CODE,
    AzureRefusal,
    ModelNotFound,
    ProxyError,
    UnknownUrl,
    UnsupportedOperation,
    UpstreamAuthError,
    UpstreamRefused,
)
from proxy.openai_api.answers import may_pass
from proxy.openai_api.json_members import UNREADABLE, mask
from proxy.openai_api.retry_after import with_wait
from proxy.values import AuthMode

# Codes in lower case, Azure's and OpenAI's. Routing weighs failures by the same ones.
MISSING_CODES = frozenset({"deploymentnotfound", "model_not_found", "unknown_model", "unavailable_model"})
FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
# Reasons for which another resource may take what one refuses. The withdrawn ones refuse every call, whatever it is.
_NETWORK, _BLOCKED, _CREDENTIAL, _UNKNOWN = (
    "upstream_network",
    "upstream_blocked",
    "upstream_credential",
    "upstream_refused",
)
WITHDRAWN = frozenset({_NETWORK, _BLOCKED})
REFUSED = frozenset({*WITHDRAWN, _UNKNOWN})
# The reason where a server does not have the operation, which another one may have.
NO_OPERATION = "upstream_operation"

SERVER_ERROR = "The server had an error while processing your request. Please retry your request."
_REFUSED = "Azure OpenAI refused the request and gave no reason that can be shown."
_SERVER_REFUSED = "The server of this model refused the request and gave no reason that can be shown."
_REDIRECTED = (
    "The server of this model answered with a redirect, which the proxy does not follow: the endpoint of the resource "
    "must be the address that the redirect leads to."
)
_NOT_OFFERED = "The server of this model does not offer this operation."
# Messages for errors of Azure without one.
_GENERIC: Mapping[int, str] = {
    408: "The request timed out. Please retry your request.",
    413: "The request is too large.",
    424: SERVER_ERROR,
    429: "Too many requests. Please wait a moment and retry your request.",
}
_STATUS = re.compile(r"[45][0-9]{2}")
# The status for the code or type of an error in a stream, whose own status is 200.
# https://platform.openai.com/docs/api-reference/responses/object has the codes of a failed response.
_IN_STREAM: Mapping[str, int] = {
    "server_error": 500,
    "internalservererror": 500,
    "serviceunavailable": 503,
    "service_unavailable": 503,
    "service_unavailable_error": 503,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "nocapacity": 429,
    "no_capacity": 429,
    "overloaded": 429,
    "overloaded_error": 429,
    "engine_overloaded": 429,
    "slow_down": 429,
    "timeout": 408,
    "request_timeout": 408,
    "requesttimeout": 408,
    "gatewaytimeout": 504,
    "gateway_timeout": 504,
    "vector_store_timeout": 504,
    "badrequest": 400,
    "context_length_exceeded": 400,
    "empty_image_file": 400,
    "failed_to_download_image": 400,
    "image_content_policy_violation": 400,
    "image_file_not_found": 400,
    "image_file_too_large": 400,
    "image_parse_error": 400,
    "image_too_large": 400,
    "image_too_small": 400,
    "invalid_base64_image": 400,
    "invalid_image": 400,
    "invalid_image_format": 400,
    "invalid_image_mode": 400,
    "invalid_image_url": 400,
    "invalid_prompt": 400,
    "unsupported_image_media_type": 400,
    "image_generation_user_error": 400,
    "invalid_request_error": 400,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureError:
    """An error of Azure, with texts that a client may read.

    `raw` is the message as it came, which only rules may read. `spelt` is the code as it came, `code` the same in lower
    case. `headers` are those that pass to the client.
    """

    status: int
    message: str
    raw: str = field(repr=False)
    type: str | None = None
    spelt: str | None = None
    param: str | None = None
    inner: bytes | None = field(default=None, repr=False)
    filters: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """Return the code in lower case, empty when there is none."""
        return (self.spelt or "").lower()


class _Details(msgspec.Struct):
    """An error whose details stay byte for byte."""

    innererror: msgspec.Raw = msgspec.Raw(b"")
    inner_error: msgspec.Raw = msgspec.Raw(b"")
    content_filters: msgspec.Raw = msgspec.Raw(b"")


class _Failed(msgspec.Struct):
    error: _Details | None = None


class _Document(_Details):
    error: _Details | list[_Details] | str | None = None
    response: _Failed | None = None


def parse(
    status: int | None, headers: Mapping[str, str], body: bytes, client_text: bytes, secret: str = ""
) -> AzureError:
    """Return the error in the body of an answer, or, with `status` None, in an event of a stream."""
    fields = read_fields(body)
    if fields is None:
        status = status or 500
        return AzureError(status=status, message=_generic(status), raw="", headers=headers)
    text = ClientText(client_text)
    status = status or _status_of(fields.status, fields.code, fields.type)

    def shown(value: str) -> str:
        return clean(value, text, secret)

    inner, filters = _details_in(body, shown)
    return AzureError(
        status=status,
        message=shown(fields.message) or _generic(status),
        raw=fields.message,
        type=None if fields.type == "error" else shown(fields.type) or None,
        spelt=shown(fields.code) or None,
        param=shown(fields.param) or None,
        inner=inner,
        filters=filters,
        headers=headers,
    )


def parse_texts(body: bytes) -> tuple[str, str, str]:
    """Return the message, code and parameter of an error as they came, each empty if it is missing."""
    fields = read_fields(body)
    return (fields.message, fields.code, fields.param) if fields is not None else ("", "", "")


def _details_in(body: bytes, shown: Callable[[str], str]) -> tuple[bytes | None, bytes | None]:
    """Return Azure's details byte for byte, as a chat and as a response has them.

    Each is None when it is not there, or contains something that a client must not read.
    """
    try:
        details = _details_of(msgspec.json.decode(mask(body), type=_Document))
    except UNREADABLE:
        return None, None
    objects = (raw for raw in map(bytes, (details.innererror, details.inner_error)) if raw.startswith(b"{"))
    filters = bytes(details.content_filters)
    return _if_shown(next(objects, b""), shown), _if_shown(filters if filters.startswith(b"[") else b"", shown)


def _if_shown(detail: bytes, shown: Callable[[str], str]) -> bytes | None:
    text = detail.decode(errors="ignore").replace("\\/", "/")
    is_text = text.encode() == detail.replace(b"\\/", b"/")
    return detail if detail and is_text and shown(text) == text else None


def _details_of(document: _Document) -> _Details:
    error = document.error
    if error is None and document.response is not None:
        error = document.response.error
    if isinstance(error, list):
        error = error[0] if error else None
    return error if isinstance(error, _Details) else document


def _status_of(*values: str) -> int:
    for text in values:
        if _STATUS.fullmatch(text):
            return int(text)
        if text.lower() in _IN_STREAM:
            return _IN_STREAM[text.lower()]
    return 500


def _generic(status: int) -> str:
    return _GENERIC.get(status, _REFUSED if 400 <= status < 500 else SERVER_ERROR)


# Why Azure refuses a call with 401 or 403, by its code and its words: the first that is found is the reason.
# https://learn.microsoft.com/azure/api-management/quota-policy answers 403 to what is beyond a quota.
_REASONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"public (?:network )?access is disabled|virtual network|firewall|private endpoint|network (?:rule|acl)"
            r"|network security perimeter|\bip (?:address|rule)",
            re.IGNORECASE,
        ),
        _NETWORK,
    ),
    (
        re.compile(
            r"\bblocked\b|suspended|\bquota\b|subscription(?! key)[^.]{0,80}\b(?:disabled|expired|inactive|not active"
            r"|cancell?ed|deleted)",
            re.IGNORECASE,
        ),
        _BLOCKED,
    ),
    (re.compile(r"permissiondenied|lacks the required data action", re.IGNORECASE), ROLE_MISSING),
    (
        re.compile(
            r"\bkeys?\b|access token|bearer|audience|credential|authenticat|authoriz|principal|access denied"
            r"|AuthenticationTypeDisabled",
            re.IGNORECASE,
        ),
        _CREDENTIAL,
    ),
)

_CURE_NETWORK = (
    "Azure OpenAI's network rules keep the proxy out. Under Networking of the Azure OpenAI resource, allow the subnet "
    "or the outbound addresses of the Function app, or connect the two by a private endpoint."
)
# https://learn.microsoft.com/azure/ai-foundry/openai/how-to/role-based-access-control
_CURE_ROLE = (
    "The proxy's identity may not do this at Azure OpenAI. Give it the role Cognitive Services OpenAI User on the "
    "resource, for fine-tuning Cognitive Services OpenAI Contributor; a new role takes some minutes."
)
_CURE: Mapping[AuthMode, str] = {
    AuthMode.KEY_VAULT: (
        "Azure OpenAI refuses the proxy's key. Put a current key of the resource into the Key Vault secret that "
        "AZURE_OPENAI_KEY_SECRET, or the resource's own key_secret, names, and see that the resource allows keys."
    ),
    AuthMode.KEY: (
        "Azure OpenAI refuses the proxy's key. Put a current key of the resource into AZURE_OPENAI_API_KEY, or into "
        "its api_key in AZURE_OPENAI_RESOURCES, and see that the resource allows keys."
    ),
    AuthMode.MANAGED_IDENTITY: (
        "Azure OpenAI refuses the proxy's token. Give the identity the role Cognitive Services OpenAI User on the "
        "resource, and see that AZURE_OPENAI_TOKEN_SCOPE fits the endpoint."
    ),
    AuthMode.NONE: (
        "The server of this model asks for a key. Put one into api_key or key_secret of its entry in "
        "AZURE_OPENAI_RESOURCES."
    ),
}
_OTHER_REASON = "Azure OpenAI refuses calls of this resource: "
_CLIENT_KEY = (
    "Azure OpenAI refuses the key that you sent. Use a current key of the Azure OpenAI resource, and see that the "
    "resource allows keys."
)
_CLIENT_NETWORK = "The network rules of the Azure OpenAI resource that your key belongs to keep this proxy out."
_CLIENT_ROLE = "Your credential is valid, but its role at the Azure OpenAI resource does not allow this operation."


def refuse(auth: AuthMode | None, error: AzureError) -> ProxyError:
    """Return the error for a 401 or 403: to the proxy's credential, of the kind `auth`, or with None to the client's.

    What is wrong with the proxy's credential is told as its cure; any other reason in Azure's own words.
    """
    reason = _reason_of(error)
    if auth is None:
        return _refuse_client(error, reason)
    if reason in (_BLOCKED, _UNKNOWN):
        return UpstreamRefused(_OTHER_REASON + error.message, reason=reason, headers=error.headers)
    cures = {_NETWORK: _CURE_NETWORK, ROLE_MISSING: _CURE_ROLE}
    return UpstreamAuthError(cures.get(reason, _CURE[auth]), reason=reason, headers=error.headers)


def _reason_of(error: AzureError) -> str:
    words = f"{error.code} {error.raw}"
    # Whoever is refused for what a credential may do, is told so; 401 is about the credential alone.
    unknown = _UNKNOWN if error.status == 403 else _CREDENTIAL
    return next((reason for pattern, reason in _REASONS if pattern.search(words)), unknown)


def _refuse_client(error: AzureError, reason: str) -> ProxyError:
    told = {_NETWORK: _CLIENT_NETWORK, ROLE_MISSING: _CLIENT_ROLE, _CREDENTIAL: _CLIENT_KEY}
    return AzureRefusal(
        told.get(reason, _OTHER_REASON + error.message),
        status=401 if reason == _CREDENTIAL else 403,
        type="invalid_request_error",
        code="invalid_api_key" if reason == _CREDENTIAL else None,
        headers=error.headers,
    )


_CLIENT_ERROR = "invalid_request_error"
_NO_OPERATION = "Azure OpenAI does not offer this operation with the api-version that the proxy is set to."
_NOTHING_THERE = "Azure OpenAI found nothing: it does not know this operation, or the object that your request names."
# What a gateway says of a path that it does not know.
_NOT_FOUND = re.compile(r"\s*(?:the )?(?:requested )?resource (?:was )?not found\.?\s*", re.IGNORECASE)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Statuses below 500 that are not the client's fault.
_NOT_THE_CLIENT = frozenset({408, 424})
_THROTTLED = frozenset(
    {"429", "rate_limit_exceeded", "ratelimitreached", "nocapacity", "no_capacity", "toomanyrequests"}
)
# Codes that may be logged also where a client has sent the word.
_KNOWN_CODES = frozenset({*MISSING_CODES, *FILTER_CODES, *_THROTTLED, *_IN_STREAM, "unknown_url", "unsupported_model"})
# Seconds to wait after an error in a stream, which has no headers.
_WAIT_IN_STREAM = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureErrors:
    """Translates the errors of one call.

    `model` is the name that the client used; `models` are the names that it may use. `auth` is the kind of the proxy's
    credential, None when the client brought its own. `client_text` is what the client sent, and may therefore read;
    `secret` is the credential that was sent, which nobody may. `has_version` tells that an api-version was sent,
    `names_object` that the path has an id, and `keeps_details` that the client gets Azure's details about a content
    filter. `head` are the headers of Azure's answer, for the errors in a stream. `is_openai` tells that it is no Azure,
    but OpenAI or a server like it.
    """

    model: str | None
    auth: AuthMode | None
    models: tuple[str, ...] = ()
    client_text: bytes = field(default=b"", repr=False)
    secret: str = field(default="", repr=False)
    has_version: bool = True
    names_object: bool = False
    keeps_details: bool = False
    head: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_openai: bool = False

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> ProxyError:
        """Return what the client reads for an answer with a status of 300 or more."""
        if self.is_openai:
            body = other_servers.with_json(body)
        return self._translate(parse(status, headers_of_error(headers), body, self.client_text, self.secret))

    def in_success(self, headers: Mapping[str, str], body: bytes) -> ProxyError:
        """Return what the client reads for an error that came with a status of success, as LM Studio sends them."""
        error = parse(None, headers_of_error(headers), body, self.client_text, self.secret)
        return self._translate(replace(error, status=404) if other_servers.says_no_path(error.raw) else error)

    def in_stream(self, data: bytes) -> ProxyError:
        """Return what the client reads for an error that came as an event of a stream."""
        error = parse(None, headers_of_error(self.head), data, self.client_text, self.secret)
        return self._translate(error, _WAIT_IN_STREAM)

    def _translate(self, error: AzureError, default_wait: float | None = None) -> ProxyError:
        rules = _RULES_OF_OTHERS if self.is_openai else _RULES
        translate = next((translate for applies, translate in rules if applies(error)), _as_answered)
        translated = translate(self, error)
        if may_pass(translated):
            lasts = translated.status == 429 or translated.status >= 500
            translated.headers = with_wait(translated.headers, error.raw, default_wait if lasts else None)
        if translated.reason is None and self._repeats(translated.code or ""):
            translated.reason = UNKNOWN_CODE
        return translated

    def _repeats(self, code: str) -> bool:
        """Tell whether a code is none that is known, but a word of the client's own, which is not to be logged."""
        return bool(code) and code.lower() not in _KNOWN_CODES and code.encode() in self.client_text


def _credential_refused(errors: AzureErrors, error: AzureError) -> ProxyError:
    return refuse(errors.auth, error)


def _no_deployment(errors: AzureErrors, error: AzureError) -> ProxyError:
    if errors.model is not None:
        return ModelNotFound(errors.model, error.headers, known=errors.models)
    return AzureRefusal(
        error.message, status=404, type=_CLIENT_ERROR, code="model_not_found", param=error.param, headers=error.headers
    )


def _not_found(errors: AzureErrors, error: AzureError) -> ProxyError:
    """Return the error for a path that is not known to Azure, or for an object that is not there."""
    if _NOT_FOUND.sub("", error.raw):
        if errors.names_object:
            return _as_answered(errors, error)
        return UnknownUrl(error.message, headers=error.headers)
    by_version = errors.has_version and not errors.names_object
    return UnknownUrl(_NO_OPERATION if by_version else _NOTHING_THERE, headers=error.headers)


def _wrong_operation(errors: AzureErrors, error: AzureError) -> ProxyError:
    model = f"`{errors.model}`" if errors.model else "of this request"
    advice = f" {error.message}" if error.raw else ""
    return AzureRefusal(
        f"The model {model} does not support this operation.{advice}",
        status=400,
        type=_CLIENT_ERROR,
        code="unsupported_model",
        param="model",
        headers=error.headers,
    )


def _filtered(errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(
        error.message,
        status=400,
        type=_CLIENT_ERROR,
        code=error.spelt,
        param=error.param,
        headers=error.headers,
        inner=error.inner if errors.keeps_details else None,
        filters=error.filters if errors.keeps_details else None,
    )


def _throttled(_errors: AzureErrors, error: AzureError) -> ProxyError:
    if error.code == "insufficient_quota":
        kind = code = error.code
    else:
        kind, code = "tokens" if "token rate" in error.raw else "requests", "rate_limit_exceeded"
    return AzureRefusal(error.message, status=429, type=kind, code=code, headers=error.headers)


def _redirected(_errors: AzureErrors, error: AzureError) -> ProxyError:
    message = _REDIRECTED if error.status in _REDIRECTS else SERVER_ERROR
    return AzureRefusal(message, status=502, type="server_error", code="upstream_error", headers=error.headers)


def _no_operation(_errors: AzureErrors, error: AzureError) -> ProxyError:
    """Return the error for an operation that a server does not have, with what it says beyond that."""
    advice = "" if not error.raw or error.status != 501 else f" {error.message}"
    unsupported = UnsupportedOperation(_NOT_OFFERED + advice, headers=error.headers)
    unsupported.reason = NO_OPERATION
    return unsupported


def _as_answered(errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(
        _SERVER_REFUSED if errors.is_openai and error.message == _REFUSED else error.message,
        status=error.status,
        type=error.type
        or ("server_error" if error.status >= 500 or error.status in _NOT_THE_CLIENT else _CLIENT_ERROR),
        code=None if says_nothing(error.code) else error.spelt,
        param=error.param,
        headers=error.headers,
    )


def _too_large(_errors: AzureErrors, error: AzureError) -> ProxyError:
    return AzureRefusal(error.message, status=413, type=_CLIENT_ERROR, code=None, headers=error.headers)


# The first row that applies translates the error; without one it is passed on as Azure answered it.
_RULES: tuple[tuple[Callable[[AzureError], bool], Callable[[AzureErrors, AzureError], ProxyError]], ...] = (
    (lambda error: error.code in FILTER_CODES, _filtered),
    (lambda error: error.status in (401, 403), _credential_refused),
    (lambda error: error.code in MISSING_CODES, _no_deployment),
    (lambda error: error.status == 404 and error.code in ("404", "resourcenotfound"), _not_found),
    (lambda error: error.code == "operationnotsupported", _wrong_operation),
    (lambda error: error.status == 429 or error.code in _THROTTLED or error.type == "too_many_requests", _throttled),
    (lambda error: not 400 <= error.status <= 599, _redirected),
    (lambda error: error.status == 413, _too_large),
)
# A 404 of another server says nothing of Azure's api-version.
_RULES_OF_OTHERS = (
    (lambda error: other_servers.lacks_model(error.status, error.raw), _no_deployment),
    (lambda error: other_servers.lacks_operation(error.status, error.raw), _no_operation),
    *((applies, translate) for applies, translate in _RULES if translate is not _not_found),
)
