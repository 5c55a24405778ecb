"""The application in this process, put together as ever, and a client that calls it as the server does."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from proxy.app import Proxy, build_application
from proxy.azure_services.credentials import Header
from proxy.config.settings import Settings
from proxy.pipeline.authentication import ClientKeyAuthenticator
from proxy.pipeline.resources import Resources
from proxy.server.connection import EXTENSION, Connection
from proxy.server.response_writer import AT_ONCE
from proxy.values import Message, Scope, SendingRecord
from tests.faults.operations import AZURE_KEY, CLIENT_KEY, Operation
from tests.faults.seen import Seen

SECOND_KEY = "CANARY-second-key-0123456789"


class TwoKeys:
    """A credential that gives a second key when the first one is refused."""

    problem: str | None = None

    def __init__(self) -> None:
        self._key = AZURE_KEY

    def start(self) -> None:
        """Do nothing: the keys are here."""

    async def header(self) -> Header:
        """Return the key of the moment."""
        return ("api-key", self._key)

    async def renew(self, refused: Header) -> bool:
        """Go over to the second key; there is no third."""
        self._key = SECOND_KEY
        return refused[1] != SECOND_KEY

    async def close(self) -> None:
        """Do nothing."""


def open_application(
    environ: Mapping[str, str],
    log: Callable[[str], None],
    record: Callable[[SendingRecord], None] | None = None,
    *,
    renews: bool = False,
) -> Proxy:
    """Return an application that knows nothing of any other."""
    application = build_application(Settings.from_environ(environ), record)
    handler = replace(application.handler, log=log, break_delay=AT_ONCE)
    authenticator = handler.authenticator
    if renews and isinstance(authenticator, ClientKeyAuthenticator):
        known = authenticator.resources
        resources = [replace(resource, credential=TwoKeys()) for resource in known.each]
        renewing = Resources(resources, fallbacks={}, routing=known.routing, tags=known.tags)
        handler = replace(handler, authenticator=replace(authenticator, resources=renewing))
    return replace(application, handler=handler)


class Answer:
    """What a client reads of one answer; `heard` is called when there is an event."""

    def __init__(self, heard: Callable[[], None] = lambda: None) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended = False
        self._heard = heard
        self._parts: list[bytes] = []

    @property
    def body(self) -> bytes:
        """Return all that has come of the body."""
        return b"".join(self._parts)

    async def send(self, message: Message) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            return
        self._parts.append(message.get("body", b""))
        self.ended = not message.get("more_body", False)
        if b"data: " in self._parts[-1]:
            self._heard()


def scope_of(path: str, headers: Mapping[str, str], method: str = "POST") -> Scope:
    """Return the scope of a request as the server makes it."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "extensions": {EXTENSION: Connection(lambda: None)},
    }


async def ask(application: Proxy, scope: Scope, body: bytes, answer: Answer) -> None:
    """Send a request whose body comes at once, and read its answer to the end."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    await application.handle(scope, receive, answer.send)


async def call(application: Proxy, operation: Operation, heard: Callable[[], None] = lambda: None) -> Seen:
    """Make a call and read the answer to its end; `heard` is called when there is an event."""
    headers = {
        "authorization": f"Bearer {CLIENT_KEY}",
        "content-type": operation.content_type,
        "content-length": str(len(operation.body)),
        "x-ms-invocation-id": "a-request",
    }
    answer = Answer(heard)
    await ask(application, scope_of(operation.path, headers), operation.body, answer)
    return Seen(
        operation=operation,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        aborted=not answer.ended,
    )
