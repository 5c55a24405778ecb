"""The door: one HTTP function that takes every request in, and hands it to the gateway as a message.

https://learn.microsoft.com/azure/azure-functions/functions-reference-python
"""

import os
from contextlib import aclosing
from pathlib import Path

import azure.functions as func
from starlette.types import Receive, Scope, Send

from proxy import bootstrap, values
from proxy.edge.delivery import Delivery
from proxy.edge.inbound import Departure
from proxy.edge.request_log import CLIENT_LEFT, write_surprise
from proxy.http_extension import Request, Response, StreamingResponse
from proxy.openai_api import answers

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")

gateway = bootstrap.open_gateway(os.environ, Path(__file__).with_name("host.json"))
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name("proxy")
@app.route(route="{*path}", methods=METHODS)
async def proxy(req: Request) -> Response:
    """Answer one request of a client."""
    answer = None
    async with Departure(req.receive) as departure:
        answer = await _answer(_to_message(req, departure))
    if answer is None:
        return Response(status_code=CLIENT_LEFT)
    if isinstance(answer.body, bytes):
        # The host ends the answer to HEAD itself, but makes the next request wait until a stream is over.
        return Response(b"" if req.method == "HEAD" else answer.body, answer.status, answer.headers)
    return _Stream(answer, answer.body)


async def _answer(request: values.Request) -> values.Response:
    try:
        return await gateway.handle(request)
    except Exception as error:  # noqa: BLE001  the wall: behind it are only the host's empty 500s
        return answers.to_response(write_surprise(error))


def _to_message(req: Request, departure: Departure) -> values.Request:
    headers: dict[str, str] = {}
    for name, value in req.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return values.Request(
        id=headers.get("x-ms-invocation-id", ""),
        method=req.method,
        path=req.scope["path"],
        query=req.scope["query_string"].decode("latin-1"),
        headers=headers,
        body=departure.watched(req.stream()),
        stop=departure.stop,
    )


class _Stream(StreamingResponse):
    """A stream that ends, and closes its source, the moment its client is gone.

    Starlette's own way is a group of two tasks for each stream, and leaves the source to the garbage collector.
    """

    def __init__(self, answer: values.Response, body: values.BodyStream) -> None:
        super().__init__((), answer.status, answer.headers)
        self._body = body
        self._keep_alive = answer.keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the head and the chunks."""
        async with Departure(receive) as departure, aclosing(self._body):
            departure.watch()
            await Delivery(send, silence=self._keep_alive).run(self.status_code, self.raw_headers, self._body)
