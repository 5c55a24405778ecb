"""The input file of a batch: one request a line, and in each the model becomes the deployment that serves it.

https://learn.microsoft.com/azure/ai-foundry/openai/how-to/batch: the `model` of every line is a deployment's name.
"""

from collections.abc import Callable

import msgspec

from proxy.errors import InvalidRequest, ModelNotFound
from proxy.translation.json_body import parse_json_body

# A line is one request, images inside it too: as large as the largest request may be that comes alone.
MAX_LINE_BYTES = 32 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BatchLines:
    """Rewrites `body.model` of each line and leaves every other byte; holds one line.

    `serving` returns the deployment of a model. Its `ModelNotFound`, and the `InvalidRequest` for a line that is not a
    JSON object, tell the number of the line.
    """

    def __init__(self, serving: Callable[[str], str]) -> None:
        self._serving = serving
        self._held = bytearray()
        self._number = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; return the lines that are whole now."""
        whole, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self._hold(rest)
            return b""
        lines = (bytes(self._held) + whole).split(b"\n")
        self._held.clear()
        rewritten = b"\n".join([*map(self._rewrite, lines), b""])
        self._hold(rest)
        return rewritten

    def end(self) -> bytes:
        """Return the line that the file ended in without a line end."""
        last = bytes(self._held)
        self._held.clear()
        return self._rewrite(last)

    def _hold(self, rest: bytes) -> None:
        self._held += rest
        if len(self._held) > MAX_LINE_BYTES:
            self.end()  # raises: the line is too long already

    def _rewrite(self, line: bytes) -> bytes:
        self._number += 1
        mark = _BYTE_ORDER_MARK if self._number == 1 and line.startswith(_BYTE_ORDER_MARK) else b""
        try:
            return mark + _map(line[len(mark) :], self._serving)
        except (InvalidRequest, ModelNotFound) as error:
            error.message = f"Line {self._number} of your file: {error.message}"
            error.args, error.param = (error.message,), "file"
            raise


def _map(line: bytes, serving: Callable[[str], str]) -> bytes:
    if not line or line.isspace():
        return line
    if len(line) > MAX_LINE_BYTES:
        raise InvalidRequest(f"The line is longer than {MAX_LINE_BYTES} bytes.")
    request = parse_json_body(line)
    start, end = request.spans.get("body", (0, 0))
    if not line.startswith(b"{", start, end):
        return line
    body = parse_json_body(line[start:end])
    model = body.text("model")
    if not model or (deployment := serving(model)) == model:
        return line
    return request.replace("body", body.replace("model", msgspec.json.encode(deployment)))
