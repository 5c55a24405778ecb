"""Microsoft's Bicep compiler as a process that answers one request after the other.

Starting it costs a second or two, a request some tenths: https://github.com/Azure/bicep/tree/main/src/Bicep.Cli/Rpc
"""

import atexit
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tools import bicep


class Server:
    """A running compiler."""

    def __init__(self, compiler: bicep.Compiler) -> None:
        command = [str(compiler.path), "jsonrpc", "--stdio"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._sent = 0

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a request; raise `BicepError` with the compiler's words if it is refused."""
        self._send({"jsonrpc": "2.0", "id": self._sent, "method": f"bicep/{method}", "params": parameters})
        answer = self._receive()
        if "error" in answer:
            raise bicep.BicepError(f"{method} of {parameters.get('path')}: {answer['error']['message']}")
        return dict(answer["result"])

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps(message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()
        self._sent += 1

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not length:
            raise bicep.BicepError("the Bicep compiler has ended")
        return dict(json.loads(self._process.stdout.read(length)))


@cache
def server() -> Server:
    """Return the compiler of this process, started when it is first needed."""
    compiler = bicep.find()
    assert compiler is not None, "tests/infra/conftest.py leaves these tests out without a compiler"
    started = Server(compiler)
    atexit.register(started.stop)
    return started


@cache
def compiled(path: Path) -> dict[str, Any]:
    """Return the answer to compiling a Bicep file: success, diagnostics (the linter's too) and contents."""
    return server().ask("compile", path=str(path))


def formatted(path: Path) -> str:
    """Return a Bicep file as `bicep format` writes it."""
    return str(server().ask("format", path=str(path))["contents"])
