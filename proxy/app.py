"""The composition root: environment → Application. It and its parts in `composition` alone know every layer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from proxy.azure_api.headers import common_headers
from proxy.azure_services.identity import Identity
from proxy.azure_services.upstream import Upstream
from proxy.composition.budgets import make_budgets
from proxy.composition.calls import make_calls, make_ledger, make_owners, read_prices
from proxy.composition.clients import make_authenticator
from proxy.composition.telemetry import heard_by, make_telemetry
from proxy.composition.usage import make_costs, make_usage_log
from proxy.config.settings import Settings
from proxy.errors import ConfigurationError
from proxy.openai_api.answers import to_response
from proxy.openai_api.sse import KEEP_ALIVES
from proxy.pipeline.front_page import FrontPage
from proxy.pipeline.handler import Handler, parse_request
from proxy.pipeline.local import LocalOperations
from proxy.pipeline.operator import Operator
from proxy.pipeline.recorder import Record
from proxy.pipeline.usage_answers import UsageAnswers
from proxy.server import access_log
from proxy.server.concurrency import Concurrency, instance_memory
from proxy.server.deadline import Deadline
from proxy.server.response_writer import ResponseWriter
from proxy.server.shutdown import end_on_sigterm
from proxy.values import ModelKind, Receive, Scope, Send

if TYPE_CHECKING:
    from proxy.pipeline.telemetry import Telemetry

logger = logging.getLogger("proxy")
NO_ENVIRON: Mapping[str, str] = MappingProxyType({})
HOST_JSON = Path(__file__).parents[1] / "host.json"


class Application(Protocol):
    """What the entry point calls."""

    @property
    def handle(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return what answers one HTTP request of ASGI."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an application holds at the moment; all but the tasks are 0 when nothing is in flight."""

    slots: int
    tasks: int
    connections: int
    requests: int
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The application: everything that answers requests, and how it starts and stops."""

    handler: Handler
    upstream: Upstream
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    telemetry: "Telemetry | None" = None

    @property
    def handle(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return what answers one HTTP request of ASGI."""
        return self.handler.handle if self.telemetry is None else self.telemetry.traced(self.handler.handle)

    def start(self) -> None:
        """Begin to fetch keys and tokens in the background of the running loop."""
        self.upstream.start()
        self.handler.authenticator.start()
        self.handler.calls.start()

    async def stop(self, grace: float) -> None:
        """Take in nothing more, let what goes on end within `grace` seconds, and close what was opened."""
        await self.handler.concurrency.shut_down(grace)
        await self.closing.aclose()

    def held(self) -> Held:
        """Return what is held at the moment."""
        resources = self.handler.authenticator.resources
        routing = resources.routing if resources is not None else None
        return Held(
            slots=len(self.handler.concurrency),
            tasks=len(asyncio.all_tasks()),
            connections=len(self.upstream),
            requests=routing.budget.requests if routing is not None else 0,
            retries=routing.budget.retries if routing is not None else 0,
        )


class Misconfigured:
    """Answers every request with what is wrong with the settings."""

    def __init__(self, error: ConfigurationError) -> None:
        self._error = error

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 with the message of the setting."""
        request = parse_request(scope, receive)
        writer = ResponseWriter(send, Deadline(), lambda: None, common=common_headers(request.id))
        await writer.write(to_response(self._error), with_body=request.method != "HEAD")


def open_application(environ: Mapping[str, str], host_json: Path) -> Application:
    """Read the settings and build the application; it begins to fetch its keys at once if a loop is running.

    A wrong setting raises nothing: an exception while the app is loaded would leave a host that answers with nothing
    but empty 404s. So every request is answered with what is wrong.
    """
    access_log.configure()
    try:
        settings = read_settings(environ, host_json)
        application = build_application(settings, environ=environ, host_json=host_json)
        _log_defaults(settings)
    except ConfigurationError as error:
        logger.error(error.message)  # noqa: TRY400  the message is all there is to say
        return Misconfigured(error)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return application  # It starts with the first request.
    application.start()
    end_on_sigterm(partial(application.stop, settings.shutdown_grace))
    return application


def _log_defaults(settings: Settings) -> None:
    """Say where a default deployment serves what it may not be able to."""
    for one in settings.resources:
        kinds = [kind.value for kind in ModelKind if kind not in one.default_deployments and kind is not ModelKind.CHAT]
        if one.default_deployment is not None and one.resource_id is None and kinds:
            logger.info(
                "The default deployment of %s serves %s too, because its deployments are not listed. "
                "Name others in AZURE_OPENAI_DEFAULT_DEPLOYMENTS, or set AZURE_OPENAI_RESOURCE_ID.",
                one.name,
                ", ".join(kinds),
            )


def read_settings(environ: Mapping[str, str], host_json: Path) -> Settings:
    """Read the settings of an app whose folder is that of `host_json`; raise `SettingError`."""
    return Settings.from_environ(environ, host_json.read_bytes(), partial(_read_beside, host_json))


def _read_beside(host_json: Path, path: str) -> bytes:
    return host_json.parent.joinpath(path).read_bytes()


def build_application(
    settings: Settings,
    record: Record | None = None,
    *,
    environ: Mapping[str, str] = NO_ENVIRON,
    host_json: Path = HOST_JSON,
) -> Proxy:
    """Put the layers together; `record` hears of every sending to Azure OpenAI, the doctor reads `environ` anew."""
    closing = AsyncExitStack()
    upstream, telemetry = _upstream(settings, closing), make_telemetry(settings, closing)
    record, trace = heard_by(record, telemetry), None if telemetry is None else telemetry.begin_sending
    identity = _identity(settings, closing)
    authenticator, keys = make_authenticator(settings, identity, upstream, closing)
    resources, prices = authenticator.resources, read_prices(settings)
    usage, costs = make_usage_log(settings, identity, resources, closing), make_costs(settings, resources, prices)
    ledger, owners = make_ledger(settings, identity, closing), make_owners(settings, identity, closing)
    budgets = make_budgets(settings, identity, prices, closing)
    read = partial(_read_beside, host_json)
    operator = Operator(authenticator=authenticator, keys=keys, upstream=upstream, environ=environ, read_file=read)
    closing.push_async_callback(operator.close)
    handler = Handler(
        concurrency=Concurrency(settings.instance.max_in_flight, _body_memory(settings)),
        authenticator=authenticator,
        calls=make_calls(settings, upstream, ledger, record, trace, owners, costs, budgets),
        local=LocalOperations(created=int(time.time())),
        usage=UsageAnswers(usage, time.time, budgets),
        count=usage.note,
        operator=operator,
        front_page=_front_page(settings),
        allowed_origins=settings.allowed_origins,
        forward_unknown=settings.forward_unknown_operations,
        store_objects=settings.stored_objects.are_on,
        keep_alive=KEEP_ALIVES.get(settings.stream_keep_alive),
        log=access_log.write_line if telemetry is None else telemetry.write_line,
    )
    return Proxy(handler=handler, upstream=upstream, closing=closing, telemetry=telemetry)


def _upstream(settings: Settings, closing: AsyncExitStack) -> Upstream:
    """Return what sends to Azure; `closing` ends it, and the last that was opened is the first to be closed."""
    upstream = Upstream(
        settings.timeouts, settings.instance.upstream_connections, settings.http_proxies, settings.address_rules
    )
    closing.push_async_callback(upstream.close)
    return upstream


def _identity(settings: Settings, closing: AsyncExitStack) -> Identity:
    """Return the identity of the app, which all that asks Azure for tokens shares; `closing` ends it."""
    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    closing.push_async_callback(identity.close)
    return identity


def _front_page(settings: Settings) -> FrontPage:
    audience = settings.entra.audiences[0] if settings.entra is not None else ""
    return FrontPage(client_auth=settings.client_auth, shown=settings.front_page, audience=audience)


def _body_memory(settings: Settings) -> int:
    """Return what the bodies of all requests may take, in bytes."""
    memory = settings.instance.max_body_memory_bytes or instance_memory() // 8
    return max(memory, settings.instance.max_json_body_bytes)
