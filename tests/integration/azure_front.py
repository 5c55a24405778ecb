"""A front with the shape of Azure OpenAI for mocks of API documents, whose paths stand without `/openai`.

What arrives is judged by every document of Azure's that describes it, and by OpenAI's where none of Azure's does: the
service takes more than its documents list, in OpenAI's words.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from tests.documents import AZURE_DATED, AZURE_V1, OPENAI

V1, DEPLOYMENTS, CLASSIC = "/openai/v1", "/openai/deployments/", "/openai"
_HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "api-key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a document says to a request; `path` is the document's own, `streamed` whether a stream was asked for."""

    document: str
    method: str
    path: str
    streamed: bool
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    verdict: Verdict
    status: int
    media: str
    body: bytes


class AzureFront:
    """Takes requests as Azure OpenAI does and has them judged; `mocks` are the URLs by document."""

    def __init__(self, mocks: Mapping[str, str]) -> None:
        self.verdicts: list[Verdict] = []
        self.url = ""
        self._mocks = mocks

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["AzureFront"]:
        """Serve on a free port."""
        application = web.Application(client_max_size=2**30)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as self._session:
                yield self
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        documents, path = _judges(request.raw_path.partition("?")[0])
        body = await request.read()
        answers = [answer for name in documents if (answer := await self._ask(name, path, request, body))]
        if not answers:
            bare = (
                path.removeprefix("/deployments/").partition("/")[2] if path.startswith("/deployments/") else path[1:]
            )
            answers = [answer for answer in [await self._ask(OPENAI, f"/{bare}", request, body)] if answer]
        self.verdicts += [answer.verdict for answer in answers]
        if not answers:
            return web.json_response({"error": {"code": "404", "message": "Resource not found"}}, status=404)
        return web.Response(status=answers[0].status, content_type=answers[0].media, body=answers[0].body)

    async def _ask(self, document: str, path: str, request: web.Request, body: bytes) -> _Answer | None:
        """Return the answer of a mock, None when its document does not describe the operation."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        query = dict(request.query)
        if document == OPENAI:
            query.pop("api-version", None)
            headers["authorization"] = f"Bearer {request.headers['api-key']}"
        else:
            headers["api-key"] = request.headers["api-key"]
        url = self._mocks[document] + path
        async with self._session.request(
            request.method, url, params=query, headers=headers, data=body or None, skip_auto_headers=["content-type"]
        ) as answer:
            matched = answer.headers.get("x-steady-matched-path")
            if matched is None:
                return None
            faults = tuple(_faults(answer.headers))
            return _Answer(
                verdict=Verdict(
                    document=document,
                    method=request.method,
                    path=matched,
                    streamed=b'"stream' in body,
                    faults=faults,
                ),
                status=answer.status,
                media=answer.content_type,
                body=await answer.read(),
            )


def _judges(path: str) -> tuple[Sequence[str], str]:
    """Return the documents of Azure's that may describe a path, and the path as they write it."""
    if path.startswith(f"{V1}/"):
        return (AZURE_V1,), path.removeprefix(V1)
    return AZURE_DATED, path.removeprefix(CLASSIC)


def _faults(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield what a mock found, which it tells in headers."""
    for number in range(1, int(headers.get("x-steady-error-count", "0")) + 1):
        fault = f"x-steady-error-{number}"
        yield f"{headers[f'{fault}-path']}: {headers[f'{fault}-message']}"
