"""Every way a request can end badly, as the client reads it.

    ProxyError                   status, OpenAI type and code, message, param
    +-- InvalidRequest           400  the client's request cannot be understood
    +-- Unauthenticated          401  no key, a wrong key, or two different keys
    +-- UnknownUrl               404  no operation at this path
    +-- UnsupportedOperation     404  Azure OpenAI does not offer it, or the proxy is set not to
    +-- ModelNotFound            404  no deployment serves this model
    +-- MethodNotAllowed         405  the path is known, the method is not
    +-- RequestTimeout           408  the client's body did not arrive in time
    +-- BodyTooLarge             413  more bytes than the limit
    +-- UnsupportedEncoding      415  a compressed body
    +-- AzureRefusal             any  an error that Azure OpenAI answered, in OpenAI's words
    +-- ConfigurationError       503  the proxy's own set-up: a setting, the vault, the identity
    +-- UpstreamError            502  Azure OpenAI could not be reached or did not answer in its protocol
        +-- UpstreamAuthError    502  Azure OpenAI refused the proxy's own credential
        +-- UpstreamTimeout      504  Azure OpenAI was silent for too long

OpenAI's SDKs choose their exception by the status alone and read message, type, param and code from the body.
The four keys are required by the `Error` schema of OpenAI's API document.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# A name longer than this is shown in part, and compared in part: the work grows with its square.
_LONGEST_NAME = 100
# Comparing takes 20 microseconds for a name of 20 characters, 200 for one of 100: no other request is held up for long.
_MOST_COMPARED = 200
_MOST_SIMILAR = 10


class ProxyError(Exception):
    """A failure with the status and the four-key body that OpenAI would answer."""

    status = 500
    type = "server_error"
    code: str | None = None
    reason: str | None = None  # what the log says, where that is more than the code

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
    """The client did not prove who it is; without a code, it did not even try."""

    status = 401
    type = "invalid_request_error"


class UnknownUrl(ProxyError):
    """No operation of the API has this path."""

    status = 404
    type = "invalid_request_error"
    code = "unknown_url"


class UnsupportedOperation(ProxyError):
    """An operation of OpenAI's that nobody answers here; the message names the substitute."""

    status = 404
    type = "invalid_request_error"
    code = "unsupported_operation"


class ModelNotFound(ProxyError):
    """No deployment serves the model that the client named; of the `known` ones, those like it are shown."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"

    def __init__(self, model: str, headers: Mapping[str, str] = NO_HEADERS, *, known: Sequence[str] = ()) -> None:
        shown = model if len(model) <= _LONGEST_NAME else f"{model[:_LONGEST_NAME]}..."
        message = f"The model `{shown}` does not exist or you do not have access to it."
        if similar := _similar(model, known):
            message += f" Models with a similar name: {', '.join(f'`{name}`' for name in similar)}."
        super().__init__(message, headers=headers)


def _similar(model: str, known: Sequence[str]) -> list[str]:
    """Return the known names that are most like the model's, the best first; its very own is not among them."""
    others = {name[:_LONGEST_NAME].lower(): name for name in known[:_MOST_COMPARED] if name != model}
    if not others:
        return []
    from difflib import get_close_matches  # noqa: PLC0415 - rare

    return [others[near] for near in get_close_matches(model[:_LONGEST_NAME].lower(), others, n=_MOST_SIMILAR)]


class MethodNotAllowed(ProxyError):
    """The path belongs to an operation, but not with this method."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_supported"


class RequestTimeout(ProxyError):
    """The client's own body stopped arriving."""

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


class AzureRefusal(ProxyError):
    """An error that Azure OpenAI answered, in OpenAI's words; `inner` is Azure's own detail as JSON."""

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
    ) -> None:
        super().__init__(message, code=code, param=param, headers=headers)
        self.status = status
        self.type = type
        self.inner = inner


class ConfigurationError(ProxyError):
    """The proxy's own set-up is not complete; `reason` is a short code for `/health`, without names."""

    status = 503
    type = "server_error"
    code = "configuration_error"
    reason: str

    def __init__(self, message: str, *, reason: str = "configuration_error") -> None:
        super().__init__(message)
        self.reason = reason


class UpstreamError(ProxyError):
    """Azure OpenAI could not be reached, or its answer broke its own protocol."""

    status = 502
    code = "upstream_error"


class UpstreamAuthError(UpstreamError):
    """Azure OpenAI refused the proxy's credential: never the client's fault."""

    code = "upstream_auth_error"

    def __init__(self, message: str, *, reason: str | None = None, headers: Mapping[str, str] = NO_HEADERS) -> None:
        super().__init__(message, headers=headers)
        self.reason = reason


class UpstreamTimeout(UpstreamError):
    """Azure OpenAI was silent for longer than the limit."""

    status = 504
    code = "upstream_timeout"
