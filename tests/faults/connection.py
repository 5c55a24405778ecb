"""No connection, or one on which nobody speaks HTTP."""

from tests.faults.fault import Address, Expected, Fault, Outcome
from tests.faults.operations import Operation
from tests.faults.raw import End, Play
from tests.faults.wire import good, head

UNREACHABLE = Expected(outcome=Outcome.ELSEWHERE, status=502, code="upstream_error", asked=3)
BROKEN = Expected(outcome=Outcome.ELSEWHERE, status=502, code="upstream_error")
_AT_ONCE = Play(at_once=True)


def _connect(name: str, address: Address, play: Play = _AT_ONCE, *, times_out: bool = False) -> Fault:
    environ = {"UPSTREAM_CONNECT_TIMEOUT": "1"} if times_out else {}
    return Fault(
        name=name, group="No connection", expected=UNREACHABLE, address=address, play=lambda _: play, environ=environ
    )


def _broken(name: str, *parts: bytes, end: End = End.CLOSE, at_once: bool = False) -> Fault:
    play = Play(parts=parts, end=end, at_once=at_once)
    return Fault(name=name, group="No answer of HTTP", expected=BROKEN, play=lambda _: play)


def _before(operation: Operation, headers: bytes) -> Play:
    """Return the good answer with something before its own headers."""
    line, _, rest = good(operation).partition(b"\r\n")
    return Play(parts=(line + b"\r\n" + headers + rest,))


CONNECTION = (
    _connect("refused", Address.REFUSES),
    _connect("no answer to the connection in time", Address.UNROUTABLE, times_out=True),
    _connect("garbage in place of TLS", Address.TLS, Play(parts=(b"HTTP/1.0 400 No\r\n\r\n",), at_once=True)),
    _connect("TLS that does not go on", Address.TLS, times_out=True),
    _connect("a certificate that nobody trusts", Address.STRANGER),
    _broken("reset when the connection stands", end=End.RESET, at_once=True),
    _broken("closed when the connection stands", at_once=True),
    _broken("reset before the headers", end=End.RESET),
    _broken("closed before the headers", end=End.CLOSE),
    _broken("half a status line, then closed", b"HTTP/1.1 20"),
    _broken("half the headers, then reset", b"HTTP/1.1 200 OK\r\ncontent-ty", end=End.RESET),
    _broken("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n", end=End.STAY),
    _broken("a status that is no number", head("2x0 OK"), end=End.STAY),
    Fault(
        name="a header of 1 MB",
        group="No answer of HTTP",
        expected=BROKEN,
        play=lambda operation: _before(operation, b"x-long: " + b"x" * 1024 * 1024 + b"\r\n"),
    ),
    Fault(
        name="two lengths that differ",
        group="No answer of HTTP",
        expected=BROKEN,
        play=lambda operation: _before(operation, b"content-length: 5\r\ncontent-length: 7\r\n"),
    ),
    Fault(
        name="a chunk whose size is no number",
        group="No answer of HTTP",
        expected=BROKEN,
        play=lambda _: Play(parts=(head("200 OK", "transfer-encoding: chunked"), b"zz\r\n{}\r\n")),
    ),
)
