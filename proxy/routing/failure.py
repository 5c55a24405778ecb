"""Why an attempt failed."""

from dataclasses import dataclass
from enum import Enum

_NOT_FOUND = frozenset({"deploymentnotfound", "model_not_found"})
_FILTERED = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
REQUEST_TIMEOUT, THROTTLED, UNAUTHORIZED, NOT_FOUND, SERVER_ERROR = 408, 429, 401, 404, 500


class Kind(Enum):
    """How far an attempt came."""

    CONNECT = "no connection, so nothing was sent"
    RESET = "the connection broke before the answer began"
    TIMEOUT = "no answer in time"
    ANSWER = "an error as the answer"
    IN_STREAM = "an error in a stream, or its end, before the first content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How an attempt failed, as far as it matters for the next one.

    `status` is that of the answer or of the error in the stream; `code` is as Azure or OpenAI spells it; `wait` is in
    seconds, None when the target does not say.
    """

    kind: Kind
    status: int | None = None
    code: str = ""
    wait: float | None = None

    @property
    def is_throttled(self) -> bool:
        """Tell whether the target has too much to do."""
        return self.status == THROTTLED

    @property
    def is_missing(self) -> bool:
        """Tell whether the resource has no such deployment."""
        return self.status == NOT_FOUND and self.code.lower() in _NOT_FOUND

    @property
    def is_filtered(self) -> bool:
        """Tell whether a content filter refused, as every other target's would."""
        return self.code.lower() in _FILTERED

    @property
    def is_fault(self) -> bool:
        """Tell whether the target is to blame, so that it counts against its health."""
        if self.is_filtered:
            return False
        return self.status is None or self.status == REQUEST_TIMEOUT or self.status >= SERVER_ERROR
