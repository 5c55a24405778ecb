"""The side corridor of uploads: what passes while it comes, read only as far as routing needs."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Self

from proxy.edge.inbound import body_parts, told_length
from proxy.edge.spool import Spool
from proxy.errors import ProxyError
from proxy.messages import Request
from proxy.translation.batch_lines import BatchLines
from proxy.translation.form_plan import FormPlan, is_form, plan_form, wanted_parts
from proxy.translation.multipart import FormReader, FormRewriter, LineRewriter, boundary_of
from proxy.translation.operations import Route, Surface
from proxy.translation.request import Serving

# A realtime session holds its instructions and tools.
MAX_FIELD_BYTES = 256 * 1024


class _Untouched:
    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def end(self) -> bytes:
        return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An upload that can be sent: what it is for, its length in bytes if that is known, and its bytes."""

    plan: FormPlan
    length: int | None
    body: AsyncIterator[bytes]


class Upload:
    """One body that passes. `failure` says why it broke off, which the sending side cannot tell."""

    def __init__(self, request: Request, end: float) -> None:
        self._request = request
        self._parts = body_parts(request, end)
        self._spools: list[Spool] = []
        self.failure: ProxyError | None = None
        self.when_sent: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in self._spools:
            spool.close()

    async def prepare(self, route: Route, serving: Serving, surface: Surface) -> Prepared:
        """Read until it is known where the body goes, and return what to send.

        Raises `InvalidRequest` for a form that cannot be read, and what `serving` raises.
        """
        content_type = self._request.headers.get("content-type", "")
        wanted = wanted_parts(route.operation.body)
        told = told_length(self._request)
        spool = self._spool()
        if not wanted or not is_form(content_type):
            return Prepared(plan=FormPlan(replace={}), length=told, body=self._body(spool, _Untouched()))
        boundary = boundary_of(content_type)
        reader = FormReader(boundary, wanted, max_field=MAX_FIELD_BYTES)
        await self._read(reader, spool)
        plan = plan_form(route, reader.fields, serving, surface=surface, boundary=boundary)
        if plan.batch:
            return await self._prepare_batch(plan, spool, boundary, serving)
        rewriter = FormRewriter(boundary, plan.replace, added=plan.added)
        length = None if told is None else told + reader.length_change(plan.replace) + len(plan.added)
        return Prepared(plan=plan, length=length, body=self._body(spool, rewriter))

    async def _prepare_batch(self, plan: FormPlan, spool: Spool, boundary: bytes, serving: Serving) -> Prepared:
        """Map the lines before sending: only then is the length known, which Azure's files want."""
        mapped = self._spool()
        rewriter = FormRewriter(boundary, plan.replace, {"file": BatchLines(serving)})
        async for part in self._body(spool, rewriter):
            mapped.write(part)
        return Prepared(plan=plan, length=mapped.size, body=self._spooled(mapped))

    async def _read(self, reader: FormReader, spool: Spool) -> None:
        async for part in self._parts:
            spool.write(part)
            reader.feed(part)
            if reader.complete:
                return
        reader.end()

    async def _body(self, spool: Spool, rewriter: LineRewriter) -> AsyncIterator[bytes]:
        try:
            for part in spool.chunks():
                if changed := rewriter.feed(part):
                    yield changed
            async for part in self._parts:
                if changed := rewriter.feed(part):
                    yield changed
            if rest := rewriter.end():
                yield rest
        except ProxyError as error:
            self.failure = error
            raise
        self.when_sent()

    async def _spooled(self, spool: Spool) -> AsyncIterator[bytes]:
        for part in spool.chunks():
            yield part
        self.when_sent()

    def _spool(self) -> Spool:
        spool = Spool()
        self._spools.append(spool)
        return spool
