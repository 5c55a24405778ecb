"""Who hears that a client has disconnected."""

from proxy.server.connection import EXTENSION, Connection, connection_of
from proxy.values import Scope


class Calls:
    """Counts its calls."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def nothing() -> None:
    """Close nothing."""


def test_who_asks_hears_once_that_the_client_is_lost() -> None:
    connection, lost = Connection(nothing), Calls()
    connection.on_lost(lost)
    assert (lost.count, connection.is_lost) == (0, False)
    connection.lost()
    assert (lost.count, connection.is_lost) == (1, True)


def test_who_asks_too_late_hears_it_at_once() -> None:
    connection, lost = Connection(nothing), Calls()
    connection.lost()
    connection.on_lost(lost)
    assert lost.count == 1


def test_who_no_longer_asks_hears_nothing() -> None:
    connection, lost = Connection(nothing), Calls()
    connection.on_lost(lost)
    connection.on_lost(None)
    connection.lost()
    connection.on_lost(None)
    assert (lost.count, connection.is_lost) == (0, True)


def test_a_scope_has_the_connection_of_its_server() -> None:
    closed = Calls()
    connection = Connection(closed)
    assert connection_of({"extensions": {EXTENSION: connection}}) is connection
    connection.close()
    assert closed.count == 1


def test_a_server_that_tells_nothing_has_connections_that_are_never_lost() -> None:
    scopes: list[Scope] = [{}, {"extensions": {}}, {"extensions": {EXTENSION: "another's"}}]
    for scope in scopes:
        connection, lost = connection_of(scope), Calls()
        connection.on_lost(lost)
        connection.close()
        assert (lost.count, connection.is_lost) == (0, False)
