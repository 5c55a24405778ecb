"""The side corridor of uploads: what passes while it comes, read only as far as routing needs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Self

from proxy.azure_api.forms import BatchLines, FormPlan, is_form, plan_form, wanted_parts
from proxy.azure_api.request import Serving
from proxy.edge.inbound import body_parts, told_length
from proxy.edge.spool import Spool
from proxy.errors import ProxyError
from proxy.openai_api.multipart import FormReader, FormRewriter, LineRewriter, boundary_of
from proxy.openai_api.operations import Body, Surface
from proxy.openai_api.router import Route
from proxy.values import Request

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
class Prepared:
    """An upload that can be sent: what it is for, its length in bytes if that is known, and its bytes."""

    plan: FormPlan
    length: int | None
    body: AsyncIterator[bytes]


class Upload:
    """One body that passes. `failure` says why it broke off, which the sending side cannot tell.

    `can_repeat` tells that what is sent is also kept, so that it can be sent once more.
    """

    def __init__(self, request: Request, end: float) -> None:
        self._request = request
        self._parts = body_parts(request, end)
        self._spools: list[Spool] = []
        self._kept = self._spool()
        self._told = told_length(request)
        self._boundary = b""
        self._fields: Mapping[str, str] = {}
        self._reader: FormReader | None = None
        self._reading: asyncio.Future[bytes] | None = None
        self.can_repeat = self._told is not None and self._told <= MAX_REPEATED_BYTES
        self.failure: ProxyError | None = None
        self.when_moving: Callable[[], None] = lambda: None
        self.when_sent: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
        for spool in self._spools:
            spool.close()

    async def read(self, body: Body, more: tuple[str, ...]) -> Mapping[str, str]:
        """Read until it is known where the body goes, and return the parts that say it; `more` are wanted besides.

        Raises `InvalidRequest` for a form that cannot be read.
        """
        content_type = self._request.headers.get("content-type", "")
        wanted = (*wanted_parts(body), *more)
        if wanted and is_form(content_type):
            self._boundary = boundary_of(content_type)
            self._reader = FormReader(self._boundary, wanted, max_field=MAX_FIELD_BYTES)
            await self._read(self._reader)
            self._fields = self._reader.fields
        return self._fields

    async def prepare(
        self, route: Route, surface: Surface, changed: Mapping[str, str], serving: Serving, lines: Serving
    ) -> Prepared:
        """Return what to send to one target, with the parts that are `changed`.

        `serving` finds the deployment for the form, `lines` that for each line of a batch. Raises what they raise.
        """
        reader = self._reader
        if reader is None:
            return Prepared(plan=FormPlan(replace={}), length=self._told, body=self._body(_Untouched()))
        plan = plan_form(route, self._fields, serving, surface=surface, boundary=self._boundary)
        replaced = {**plan.replace, **{name: value.encode() for name, value in changed.items()}}
        if plan.batch:
            return await self._prepare_batch(plan, lines)
        rewriter = FormRewriter(self._boundary, replaced, added=plan.added)
        length = None if self._told is None else self._told + reader.length_change(replaced) + len(plan.added)
        return Prepared(plan=plan, length=length, body=self._body(rewriter))

    async def _prepare_batch(self, plan: FormPlan, serving: Serving) -> Prepared:
        """Map the lines before sending: only then is the length known, which Azure's files want."""
        mapped = self._spool()
        rewriter = FormRewriter(self._boundary, plan.replace, {"file": BatchLines(serving)})
        async for part in self._body(rewriter):
            mapped.write(part)
        return Prepared(plan=plan, length=mapped.size, body=self._spooled(mapped))

    async def _read(self, reader: FormReader) -> None:
        while part := await self._next(keep=True):
            reader.feed(part)
            if reader.complete:
                return
        reader.end()

    async def _body(self, rewriter: LineRewriter) -> AsyncIterator[bytes]:
        try:
            for part in self._kept.chunks():
                self.when_moving()
                if changed := rewriter.feed(part):
                    yield changed
            while part := await self._next():
                self.when_moving()
                if changed := rewriter.feed(part):
                    yield changed
            if rest := rewriter.end():
                yield rest
        except ProxyError as error:
            self.failure = error
            raise
        self.when_sent()

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
            self.when_moving()
            yield part
        self.when_sent()

    def _spool(self) -> Spool:
        spool = Spool()
        self._spools.append(spool)
        return spool
