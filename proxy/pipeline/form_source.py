"""A body that passes while it comes: forms, and what nobody reads; read only as far as routing needs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from proxy.azure_api import headers
from proxy.azure_api.forms import BatchLines, FormPlan, is_form, plan_form, wanted_parts
from proxy.azure_api.request import Call, Serving
from proxy.azure_api.urls import with_mapped_model
from proxy.errors import ProxyError
from proxy.openai_api.content_encoding import decoder_for
from proxy.openai_api.multipart import FormReader, FormRewriter, LineRewriter, boundary_of
from proxy.openai_api.operations import Body, is_idempotent
from proxy.pipeline.attempt import Built, Refused, RunningCall
from proxy.pipeline.routed_request import RoutedRequest
from proxy.routing.failures import Repeat
from proxy.routing.targets import Target
from proxy.server.request_body import Spool, body_parts, declared_length
from proxy.values import Request, UpstreamRequest

# A realtime session holds its instructions and tools.
MAX_FIELD_BYTES = 256 * 1024
# Audio has at most 25 MB and an image 50; what is larger is sent once. The disk of an instance is small.
MAX_REPEATED_BYTES = 64 * 1024 * 1024


class _Untouched:
    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def end(self) -> bytes:
        return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A body that can be sent: what it is for, its length in bytes if that is known, and its bytes."""

    plan: FormPlan
    length: int | None
    body: AsyncIterator[bytes]


class Upload:
    """One body that passes; `failure` says why it broke off, which the sending side cannot tell.

    `can_repeat` tells that what is sent is also kept, so that it can be sent once more. The exchange closes it.
    """

    def __init__(self, request: Request, running: RunningCall) -> None:
        self._request = request
        self._start = start = running.start
        self._slot = running.slot
        self._parts = body_parts(request, start.end)
        self._exchange = exchange = running.exchange
        self._kept = self._spool()
        self._boundary = b""
        self._reader: FormReader | None = None
        self._reading: asyncio.Future[bytes] | None = None
        # The length of a compressed body says nothing about what is sent.
        self.length = declared_length(request.headers) if decoder_for(request.headers) is None else None
        self.fields: Mapping[str, str] = {}
        self.can_repeat = self.length is not None and self.length <= MAX_REPEATED_BYTES
        self.failure: ProxyError | None = None
        exchange.stack.callback(self._close)

    async def read(self, body: Body, more: tuple[str, ...]) -> None:
        """Read until it is known where the body goes, which `fields` then say; `more` parts are wanted besides.

        Raises `InvalidRequest` for a form that cannot be read.
        """
        content_type = self._request.headers.get("content-type", "")
        wanted = (*wanted_parts(body), *more)
        if wanted and is_form(content_type):
            self._boundary = boundary_of(content_type)
            self._reader = FormReader(self._boundary, wanted, max_field=MAX_FIELD_BYTES)
            await self._read(self._reader)
            self.fields = self._reader.fields

    async def prepare(
        self, routed: RoutedRequest, target: Target, changed: Mapping[str, str], serving: Serving
    ) -> _Prepared:
        """Return what to send to one target, with the parts that are `changed`; `serving` is for the form's model."""
        reader = self._reader
        if reader is None:
            return _Prepared(plan=FormPlan(replace={}), length=self.length, body=self._body(_Untouched()))
        surface = routed.resources.each[target.resource].surfaces.surface_for(routed.route.operation)
        plan = plan_form(
            routed.route,
            self.fields,
            serving,
            surface=surface,
            boundary=self._boundary,
            default=target.deployment,
        )
        replaced = {**plan.replace, **{name: value.encode() for name, value in changed.items()}}
        if plan.batch:
            return await self._prepare_batch(plan, routed, target)
        rewriter = FormRewriter(self._boundary, replaced, added=plan.added)
        length = None if self.length is None else self.length + reader.length_change(replaced) + len(plan.added)
        return _Prepared(plan=plan, length=length, body=self._body(rewriter))

    async def _prepare_batch(self, plan: FormPlan, routed: RoutedRequest, target: Target) -> _Prepared:
        """Map the lines before sending: only then is the length known, which Azure's files want."""
        mapped = self._spool()
        lines = BatchLines(routed.serving_batch(target.resource), routed.bare_lines(target.resource))
        rewriter = FormRewriter(self._boundary, plan.replace, {"file": lines})
        async for part in self._body(rewriter):
            mapped.write(part)
        return _Prepared(plan=plan, length=mapped.size, body=self._spooled(mapped))

    async def _read(self, reader: FormReader) -> None:
        while part := await self._next(keep=True):
            reader.feed(part)
            if reader.complete:
                return
        reader.end()

    async def _body(self, rewriter: LineRewriter) -> AsyncIterator[bytes]:
        try:
            for part in self._kept.chunks():
                self._start.body_moves()
                if changed := rewriter.feed(part):
                    yield changed
            while part := await self._next():
                self._start.body_moves()
                if changed := rewriter.feed(part):
                    yield changed
            if rest := rewriter.end():
                yield rest
        except ProxyError as error:
            self.failure = error
            raise
        self._start.body_sent()

    async def _next(self, *, keep: bool = False) -> bytes:
        """Return the client's next bytes, nothing at the end.

        A target that answers before it has everything ends its reader: the read itself must go on for the next target.
        """
        if self._reading is None:
            self._reading = asyncio.ensure_future(anext(self._parts, b""))
        part = await asyncio.shield(self._reading)
        self._reading = None
        if keep or self.can_repeat:
            self._kept.write(part)
        return part

    async def _spooled(self, spool: Spool) -> AsyncIterator[bytes]:
        for part in spool.chunks():
            self._start.body_moves()
            yield part
        self._start.body_sent()

    def _spool(self) -> Spool:
        spool = Spool(self._slot.take)
        self._exchange.stack.callback(spool.close)
        return spool

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()


class FormSource:
    """Builds the requests of one call whose body passes; `changed` are parts that hold ids, without their tags."""

    __slots__ = ("_changed", "_routed", "_target", "_upload", "repeat")

    def __init__(self, routed: RoutedRequest, upload: Upload, changed: Mapping[str, str]) -> None:
        self._routed = routed
        self._upload = upload
        self._changed = changed
        self._target: Target | None = None
        if not upload.can_repeat:
            self.repeat = Repeat.IF_NOT_SENT
        elif is_idempotent(routed.route.operation, None):
            self.repeat = Repeat.IDEMPOTENT
        else:
            self.repeat = Repeat.IF_NOT_PROCESSED

    def begin(self, target: Target) -> None:
        """Begin with a target; every request is built from the body as it came."""
        self._target = target

    async def build(self, target: Target) -> Built | Refused:
        """Return the request for a target; its body is read while it is sent."""
        routed, upload = self._routed, self._upload
        prepared = await upload.prepare(routed, target, self._changed, routed.serving_from(target))
        call = Call(route=routed.route, model=prepared.plan.model)
        return Built(call=call, message=self._message(target, prepared))

    def repair(self, refused: Refused) -> Refused | None:
        """Return the refusal; raise what broke the client's own body off, which Azure could not know."""
        if self._upload.failure is not None:
            raise self._upload.failure
        return refused

    def succeeded(self) -> None:
        """Remember who has answered."""
        if self._target is not None:
            self._routed.resources.note_answer(self._target)

    def _message(self, target: Target, prepared: _Prepared) -> UpstreamRequest:
        routed, query = self._routed, self._routed.query
        length = {} if prepared.length is None else {"content-length": str(prepared.length)}
        if routed.route.operation.body is Body.SESSION_FORM:
            query = with_mapped_model(query, routed.serving(target.resource))
        surfaces = routed.resources.each[target.resource].surfaces
        return UpstreamRequest(
            method=routed.route.operation.method,
            url=surfaces.url(routed.route, prepared.plan.deployment, query),
            headers=headers.request_to_azure(routed.request.headers, json=False) | length,
            body=prepared.body,
            guarded=surfaces.is_openai,
        )
