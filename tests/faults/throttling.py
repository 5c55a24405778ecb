"""A target that has too much to do: every spelling of when to come back."""

from tests.faults.fault import Expected, Fault, Outcome
from tests.faults.operations import encode
from tests.faults.raw import Play
from tests.faults.wire import HTML, answer, whole

GROUP = "429, too much to do"
_BODY = encode({"error": {"code": "429", "message": "Requests have exceeded the call rate limit."}})
_SAYS_WHEN = encode({"error": {"code": "429", "message": "Rate limit reached. Please retry after 1 second."}})
_QUOTA = encode({"error": {"code": "insufficient_quota", "type": "insufficient_quota", "message": "Nothing left."}})


def _throttled(
    name: str,
    *headers: str,
    wait: int,
    asked: int = 1,
    body: bytes = _BODY,
    kind: str = "application/json",
    early: bool = False,
    slow: bool = False,
) -> Fault:
    """Return a row; `wait` is what a client is told in seconds when every target says the same."""
    code = "insufficient_quota" if body is _QUOTA else "rate_limit_exceeded"
    expected = Expected(
        outcome=Outcome.ELSEWHERE,
        status=429,
        code=code,
        asked=asked,
        throttled=True,
        waits=body is not _QUOTA,
        wait=wait,
    )
    # The rest of a body that nobody reads is in the way of another request.
    closing = ("connection: close",) if early else ()
    raw = whole("429 Too Many Requests", body, *headers, *closing, kind=kind)
    play = Play(parts=(raw,), early=True) if early else answer(raw)
    if slow:  # The rest of the first target is over when the second one answers.
        play = Play(parts=(b"", raw), pause=0.3, whole=True)
    return Fault(name=name, group=GROUP, expected=expected, play=lambda _: play)


# A wait of at most two seconds is short: then the only target is asked again, once. None is longer than two minutes.
SHORT, MOST, UNSAID = 1, 120, 10
THROTTLING = (
    _throttled("`retry-after: 1`", "retry-after: 1", wait=SHORT, asked=2),
    _throttled("`retry-after: 0.2`", "retry-after: 0.2", wait=SHORT, asked=2),
    _throttled("`retry-after: 0`", "retry-after: 0", wait=SHORT, asked=2),
    _throttled("`retry-after: 30`", "retry-after: 30", wait=30),
    _throttled("`retry-after: -1`", "retry-after: -1", wait=UNSAID),
    _throttled("`retry-after: 1e9`", "retry-after: 1e9", wait=UNSAID),
    _throttled("`retry-after: 1000000000`", "retry-after: 1000000000", wait=MOST),
    _throttled("`retry-after: soon`", "retry-after: soon", wait=UNSAID),
    _throttled("`retry-after` with a date to come", "retry-after: Fri, 01 Jan 2100 00:00:00 GMT", wait=MOST),
    _throttled(
        "`retry-after` with a date long past", "retry-after: Thu, 01 Jan 1970 00:00:00 GMT", wait=SHORT, asked=2
    ),
    _throttled("`retry-after-ms: 50`", "retry-after-ms: 50", wait=SHORT, asked=2),
    _throttled("`retry-after-ms: 50`, after a while", "retry-after-ms: 50", wait=SHORT, asked=2, slow=True),
    _throttled("`x-ms-retry-after-ms: 50`", "x-ms-retry-after-ms: 50", wait=SHORT, asked=2),
    _throttled(
        "`retry-after-ms: 50` beside `retry-after: 60`", "retry-after-ms: 50", "retry-after: 60", wait=SHORT, asked=2
    ),
    _throttled("`x-ratelimit-reset-requests: 30`", "x-ratelimit-reset-requests: 30", wait=30),
    _throttled("`x-ratelimit-reset-tokens: 100ms`", "x-ratelimit-reset-tokens: 100ms", wait=SHORT, asked=2),
    _throttled("a message that says when", wait=SHORT, asked=2, body=_SAYS_WHEN),
    _throttled("not a word about when", wait=UNSAID),
    _throttled("a page of HTML", wait=UNSAID, body=b"<html>Too many requests</html>", kind=HTML),
    _throttled("before the body of the request was read", "retry-after: 30", wait=30, early=True),
    _throttled("no quota left", wait=UNSAID, body=_QUOTA),
)
