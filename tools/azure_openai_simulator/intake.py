"""Reads a call: its body is counted, hashed, and kept only as far as it is needed."""

import hashlib
from dataclasses import dataclass, field

from aiohttp import web

from tools.azure_openai_simulator.journal import KEPT_BODY, RecordedRequest
from tools.azure_openai_simulator.multipart import Fields, Form, FormReader

# The largest file that Azure OpenAI accepts: https://learn.microsoft.com/azure/ai-foundry/openai/quotas-limits
MAX_BODY = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A call that has been read: what is recorded of it, and its body or, for a form, the parsed form."""

    recorded: RecordedRequest
    body: bytes = field(repr=False)
    form: Form | None


async def read_arrival(request: web.Request) -> Arrival:
    """Read a call; a form is parsed while it arrives and never held whole."""
    reader, body = _form_reader(request), bytearray()
    digest, size = hashlib.sha256(), 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY, size)
        digest.update(chunk)
        if reader is not None:
            reader.feed(chunk)
        if reader is None or size <= KEPT_BODY:
            body += chunk
    recorded = RecordedRequest(
        method=request.method,
        raw_path=request.raw_path.partition("?")[0],
        query=request.query,
        headers=request.headers,
        body=bytes(body) if size <= KEPT_BODY else b"",
        body_size=size,
        body_sha256=digest.hexdigest(),
    )
    if reader is not None:
        return Arrival(recorded=recorded, body=b"", form=reader.form)
    return Arrival(recorded=recorded, body=bytes(body), form=None)


def _form_reader(request: web.Request) -> FormReader | None:
    if request.content_type != "multipart/form-data":
        return None
    boundary = request.headers["Content-Type"].partition("boundary=")[2].partition(";")[0].strip().strip('"')
    path = request.path

    def keeps(fields: Fields) -> bool:
        """Batches are read line by line later, and a part does not tell what its upload is for."""
        return path.endswith("/parts") or (path.endswith("/files") and fields.get("purpose", "batch") == "batch")

    return FormReader(boundary, keeps)
