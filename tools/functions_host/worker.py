"""The worker process: drive Microsoft's `azure_functions_runtime` as Azure's Python worker does.

Run by the host as `python -m tools.functions_host.worker FD APP`; FD is the socket of `channel`. Standard output and
standard error belong to the app.
"""

import asyncio
import io
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import azure_functions_runtime as runtime

from tools.functions_host.channel import (
    LINE_LIMIT,
    Failed,
    Function,
    Invoke,
    Ready,
    Returned,
    encode,
    parse_invoke,
)
from tools.functions_host.protos import PROTOS, ParameterBinding, RpcHttp, StatusResult, TypedData

KILL_AFTER = 10.0  # seconds that an app has to end by itself once the host is gone
NO_EXTENSION = (
    "The app imports no web extension, and only apps with HTTP streaming are supported here: import "
    "azurefunctions.extensions.http.fastapi, or an extension of your own, in function_app.py."
)


def worker_request(name: str, **fields: object) -> SimpleNamespace:
    """Build a request as the worker's dispatcher hands it to the runtime."""
    return SimpleNamespace(
        name=name, request=SimpleNamespace(**fields), properties={"protos": PROTOS, "host": "127.0.0.1"}
    )


class Worker:
    """One app, its functions and the channel to the host."""

    def __init__(self, app: Path, writer: asyncio.StreamWriter) -> None:
        self._app = app
        self._writer = writer
        self._functions: dict[str, tuple[str, str]] = {}  # name: function id, name of the trigger parameter
        self._running: set[asyncio.Task[None]] = set()

    async def start(self) -> Ready | Failed:
        """Index the app, load its functions, wait until its web server listens."""
        if not (self._app / os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")).exists():
            return Failed(message=f"There is no function_app.py in {self._app}.", stack_trace="")
        runtime.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=str(self._app))
        started = await runtime.worker_init_request(worker_request("WorkerInitRequest", worker_init_request=init))
        if started.result.status != StatusResult.Success:
            exception = started.result.exception
            return Failed(message=exception.message, stack_trace=exception.stack_trace)
        uri = started.capabilities.get("HttpUri")
        if not uri:
            return Failed(message=NO_EXTENSION, stack_trace="")
        functions = await self._load()
        await listening(uri)
        return Ready(uri=uri, functions=functions)

    async def _load(self) -> tuple[Function, ...]:
        indexed = await runtime.functions_metadata_request(worker_request("WorkerMetadataRequest"))
        functions: list[Function] = []
        for metadata in indexed.function_metadata_results or ():
            load = SimpleNamespace(function_id=metadata.function_id, metadata=metadata)
            await runtime.function_load_request(worker_request("FunctionLoadRequest", function_load_request=load))
            for binding in map(json.loads, metadata.raw_bindings):
                if binding["type"].lower() == "httptrigger":
                    self._functions[metadata.name] = metadata.function_id, binding["name"]
                    methods = tuple(str(method).upper() for method in binding.get("methods") or ())
                    route = binding.get("route", metadata.name)
                    functions.append(Function(name=metadata.name, route=route, methods=methods))
        return tuple(functions)

    def invoke(self, message: Invoke) -> None:
        """Run a function, and report its return to the host."""
        task = asyncio.create_task(self._invoke(message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _invoke(self, message: Invoke) -> None:
        function_id, parameter = self._functions[message.function]
        data = TypedData(http=RpcHttp(params=message.params))
        invocation = SimpleNamespace(
            invocation_id=message.invocation_id,
            function_id=function_id,
            trigger_metadata={},
            input_data=[ParameterBinding(name=parameter, data=data)],
            trace_context=SimpleNamespace(trace_parent=message.trace_parent, trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        request = worker_request("FunctionInvocationRequest", invocation_request=invocation)
        result = (await runtime.invocation_request(request)).result
        error = None
        if result.status != StatusResult.Success:
            error = result.exception.stack_trace or result.exception.message
        self._writer.write(encode(Returned(invocation_id=message.invocation_id, error=error)))


async def listening(uri: str) -> None:
    """Wait until the app's web server, which starts on its own, takes connections."""
    address = urlsplit(uri)
    while True:
        try:
            _, writer = await asyncio.open_connection(address.hostname, address.port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


async def serve(channel: socket.socket, app: Path) -> None:
    """Take the host's messages until it is gone."""
    reader, writer = await asyncio.open_unix_connection(sock=channel, limit=LINE_LIMIT)
    worker = Worker(app, writer)
    started = await worker.start()
    writer.write(encode(started))
    await writer.drain()
    if isinstance(started, Failed):
        return
    while line := await reader.readline():
        worker.invoke(parse_invoke(line))
    asyncio.get_running_loop().call_later(KILL_AFTER, os._exit, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.Event().wait()  # the app's web server may handle the signal and end in its own time


def main() -> None:
    """Become the worker that the host asked for."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    app = Path(sys.argv[2])
    os.chdir(app)
    sys.path.insert(0, str(app))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    asyncio.run(serve(channel, app))


if __name__ == "__main__":
    main()
