"""Errors as the answer, by their status."""

from tests.faults.fault import Expected, Fault, Outcome
from tests.faults.operations import Operation, encode
from tests.faults.raw import End, Play
from tests.faults.wire import HTML, JSON, answer, good, head, whole

CLIENTS, AZURES, KEYS = "The client's error", "Azure's error", "The proxy's credential"
_FILTERED = {"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"jailbreak": {}}}}


def _error(code: str, **members: object) -> bytes:
    return encode({"error": {"code": code, "message": "Azure says no."} | members})


_BROKEN = _error("InternalServerError")
_NO_KEY = answer(whole("401 No", _error("401")))


def _refused(name: str, status: int, told: str | None = None, body: bytes = b"") -> Fault:
    """Return a row for what no other target would answer otherwise."""
    raw = whole(f"{status} No", body or _error(str(status)))
    expected = Expected(outcome=Outcome.NOWHERE, status=status, code=told)
    return Fault(name=name, group=CLIENTS, expected=expected, play=lambda _: answer(raw))


def _asked_on_v1_too(operation: Operation) -> int:
    return 2 if operation.path.endswith("/chat/completions") else 1


def _path_refused(name: str) -> Fault:
    """Return a row for a path that Azure does not know; a chat is then tried once on v1, for models of other makers."""

    def expected(operation: Operation) -> Expected:
        asked = _asked_on_v1_too(operation)
        return Expected(outcome=Outcome.NOWHERE, status=404, code="unknown_url", asked=asked)

    raw = whole("404 No", _error("404"))
    return Fault(name=name, group=CLIENTS, expected=expected, play=lambda _: answer(raw))


def _failed(name: str, status: int, *headers: str, body: bytes = _BROKEN, kind: str = JSON, asked: int = 1) -> Fault:
    raw = whole(f"{status} No", body, *headers, kind=kind)
    expected = Expected(outcome=Outcome.ELSEWHERE, status=status, asked=asked, waits=status == 503)
    return Fault(name=name, group=AZURES, expected=expected, play=lambda _: answer(raw))


def _ours(name: str, status: int, code: str, asked: int = 1) -> Fault:
    expected = Expected(outcome=Outcome.NOWHERE, status=502, code="upstream_auth_error", asked=asked, lasting=True)
    play = answer(whole(f"{status} No", _error(code)))
    return Fault(
        name=name, group=KEYS, expected=expected, play=lambda _: play, second=(lambda _: play) if asked > 1 else None
    )


def _elsewhere(name: str, message: str, told: str) -> Fault:
    """Return a row for a 403 that is about the resource, and is told also where all resources say the same."""
    expected = Expected(outcome=Outcome.ELSEWHERE, status=502, code=told, same=True, lasting=True)
    play = answer(whole("403 No", _error("403", message=message)))
    return Fault(name=name, group=AZURES, expected=expected, play=lambda _: play)


REFUSALS = (
    _refused("400", 400),
    _refused("400 of the content filter", 400, "content_filter", _error("content_filter", **_FILTERED)),
    _path_refused("404 of an unknown operation"),
    _refused("409", 409),
    _refused("413", 413),
    _refused("415", 415),
    _refused("422", 422),
    _ours("401 to a key that cannot be renewed", 401, "401"),
    _ours("401 to the old key and to the new one", 401, "401", asked=2),
    Fault(
        name="401 to the old key, not to the new one",
        group=KEYS,
        expected=Expected(outcome=Outcome.COMPLETE, asked=2),
        play=lambda _: _NO_KEY,
        second=lambda operation: answer(good(operation)),
    ),
    _ours("403", 403, "PermissionDenied"),
    _elsewhere("403 of a resource that is blocked", "Your resource has been temporarily blocked.", "upstream_refused"),
    _elsewhere("403 of a suspended subscription", "The subscription is suspended.", "upstream_refused"),
    _elsewhere("403 of a quota of a gateway", "Out of call volume quota.", "upstream_refused"),
    _elsewhere("403 of the network's rules", "Public access is disabled.", "upstream_auth_error"),
    _elsewhere("403 without a known reason", "Azure says no.", "upstream_refused"),
    Fault(
        name="404 `DeploymentNotFound`",
        group=AZURES,
        expected=Expected(outcome=Outcome.ELSEWHERE, status=404, code="model_not_found", same=True),
        play=lambda _: answer(whole("404 No", _error("DeploymentNotFound"))),
    ),
    Fault(
        name="400 `unknown_model`",
        group=AZURES,
        expected=lambda operation: Expected(
            outcome=Outcome.ELSEWHERE,
            status=404,
            code="model_not_found",
            same=True,
            asked=_asked_on_v1_too(operation),
            sendings=_asked_on_v1_too(operation),
        ),
        play=lambda _: answer(whole("400 No", _error("unknown_model"))),
    ),
    Fault(
        name="400 `unavailable_model`",
        group=AZURES,
        expected=Expected(outcome=Outcome.ELSEWHERE, status=404, code="model_not_found", same=True),
        play=lambda _: answer(whole("400 No", _error("unavailable_model"))),
    ),
    _failed("408", 408),
    _failed("500", 500),
    _failed("500 with nothing in it", 500, body=b""),
    _failed("502 as a page of HTML", 502, body=b"<html>Bad gateway</html>", kind=HTML),
    _failed("503", 503),
    _failed("503 with `retry-after: 1`", 503, "retry-after: 1", asked=3),
    _failed("503 with `retry-after: 30`", 503, "retry-after: 30"),
    _failed("504", 504),
    _failed("529", 529),
    Fault(
        name="500 that breaks off",
        group=AZURES,
        expected=Expected(outcome=Outcome.ELSEWHERE, status=502),
        play=lambda _: Play(parts=(head("500 No", "content-length: 99") + b'{"err',), end=End.CLOSE),
    ),
)
