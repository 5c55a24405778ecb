"""An error as Azure OpenAI answers it, or sends it as an event of a stream.

Azure answers with `{"error": {...}}`, now and then with a list there, with `{"statusCode": ..., "message": ...}`, or
with plain text of a gateway. https://learn.microsoft.com/azure/ai-foundry/openai/how-to/troubleshoot-errors
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from proxy.translation.azure_fields import UNREADABLE
from proxy.translation.errors.message import Said, clean, cut
from proxy.translation.surrogates import mask

SERVER_ERROR = "The server had an error while processing your request. Please retry your request."
_REFUSED = "Azure OpenAI refused the request and gave no reason that can be shown."
# What is told where Azure says nothing.
_GENERIC: Mapping[int, str] = {
    408: "The request timed out. Please retry your request.",
    413: "The request is too large.",
    424: SERVER_ERROR,
    429: "Too many requests. Please wait a moment and retry your request.",
}
_STATUS = re.compile(r"[45][0-9]{2}")
# The codes and types of errors that come behind a status of 200, without one of their own. The first that is known
# counts; https://platform.openai.com/docs/api-reference/responses/object has those of a failed response.
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
    """An error of Azure; its texts may be shown, except for `raw`, the message as it came, to tell errors apart by.

    `code` is in lower case for comparing, `spelt` as it came; `headers` are those that pass.
    """

    status: int
    message: str
    raw: str = field(repr=False)
    type: str | None = None
    spelt: str | None = None
    param: str | None = None
    inner: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """Return the code in lower case, empty when there is none."""
        return (self.spelt or "").lower()


class _Fields(msgspec.Struct):
    message: object = None
    type: object = None
    code: object = None
    param: object = None
    status: object = None
    innererror: msgspec.Raw = msgspec.Raw(b"")
    inner_error: msgspec.Raw = msgspec.Raw(b"")


class _Failed(msgspec.Struct):
    error: _Fields | None = None


class _Document(_Fields, rename={"status_code": "statusCode"}):
    status_code: object = None
    error: _Fields | list[_Fields] | str | None = None
    response: _Failed | None = None


def parse(status: int | None, headers: Mapping[str, str], body: bytes, said: bytes) -> AzureError:
    """Return the error in a body, or in an event that has no status of its own."""
    try:
        document = msgspec.json.decode(mask(body), type=_Document)
    except UNREADABLE:
        status = status or 500
        return AzureError(status=status, message=_generic(status), raw="", type="server_error", headers=headers)
    return _read(status, headers, document, Said(said))


def parse_texts(body: bytes) -> tuple[str, str, str]:
    """Return message, code and parameter of an error as they came, empty where it has none."""
    try:
        fields = _fields_of(msgspec.json.decode(mask(body), type=_Document))
    except UNREADABLE:
        return "", "", ""
    return _text(fields.message), _text(fields.code), _text(fields.param)


def _read(status: int | None, headers: Mapping[str, str], document: _Document, said: Said) -> AzureError:
    fields = _fields_of(document)
    message, kind, code, param = map(_text, (fields.message, fields.type, fields.code, fields.param))
    status = status or _status_of(document.status_code, fields.status, code, kind)
    return AzureError(
        status=status,
        message=clean(message, said) or _generic(status),
        raw=message,
        type=None if kind == "error" else clean(kind, said) or None,
        spelt=clean(code, said) or None,
        param=clean(param, said) or None,
        inner=_inner_of(fields, said),
        headers=headers,
    )


def _fields_of(document: _Document) -> _Fields:
    error = document.error
    if error is None and document.response is not None:
        error = document.response.error
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, str):
        return _Fields(message=error)
    return document if error is None else error


def _inner_of(fields: _Fields, said: Said) -> bytes | None:
    """Return Azure's own detail as the bytes it came in, unless there is something in it that is not to be told."""
    objects = (raw for raw in map(bytes, (fields.innererror, fields.inner_error)) if raw.startswith(b"{"))
    inner = next(objects, b"")
    text = inner.decode(errors="ignore").replace("\\/", "/")
    is_text = text.encode() == inner.replace(b"\\/", b"/")
    return inner if inner and is_text and clean(text, said) == text else None


def _status_of(*values: object) -> int:
    for text in map(_text, values):
        if _STATUS.fullmatch(text):
            return int(text)
        if text.lower() in _IN_STREAM:
            return _IN_STREAM[text.lower()]
    return 500


def _generic(status: int) -> str:
    return _GENERIC.get(status, _REFUSED if 400 <= status < 500 else SERVER_ERROR)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return cut(str(value))
