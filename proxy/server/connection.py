"""The connection to one client: who hears that it is lost, and how an answer is broken off.

The server tells of a loss at once, before and after the head of the answer, so that nothing has to watch for it.
"""

from collections.abc import Callable

from proxy.values import Scope

# Where the connection stands in the `extensions` of an ASGI scope.
EXTENSION = "proxy.connection"


class ClientDisconnected(Exception):
    """The client has disconnected in the middle of its own body."""


class Connection:
    """The connection of one request; `close` sends what was written before it closes, `abort` drops it."""

    __slots__ = ("_on_lost", "abort", "close", "is_lost")

    def __init__(self, close: Callable[[], None], abort: Callable[[], None] | None = None) -> None:
        self.close = close
        self.abort = abort or close
        self.is_lost = False
        self._on_lost: Callable[[], None] | None = None

    def on_lost(self, call: Callable[[], None] | None) -> None:
        """Call once when the client has disconnected, at once if it already has; None calls nobody any more."""
        self._on_lost = call
        if self.is_lost and call is not None:
            call()

    def lost(self) -> None:
        """Tell that the client has disconnected."""
        self.is_lost = True
        if self._on_lost is not None:
            self._on_lost()


def connection_of(scope: Scope) -> Connection:
    """Return the connection in a scope; one that is never lost where a server provides none."""
    connection = scope.get("extensions", {}).get(EXTENSION)
    return connection if isinstance(connection, Connection) else Connection(lambda: None)
