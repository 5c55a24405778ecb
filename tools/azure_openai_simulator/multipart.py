"""multipart/form-data, read as it comes: a large file is counted and hashed, not kept.

RFC 7578: parts stand between lines `--boundary`, the last one is `--boundary--`; each has headers and a blank line.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value

from tools.azure_openai_simulator.state import KEPT_BYTES, Content

Fields = Mapping[str, str]
Keeps = Callable[[Fields], bool]

MAX_HEAD = 16 * 1024  # headers of a part are short; what has longer ones is no form
_END_OF_HEADERS = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a form."""

    name: str
    filename: str
    content: Content


@dataclass(frozen=True, slots=True)
class Form:
    """What a form says: the last field of each name, and the files in their order."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[Part] = field(default_factory=list)

    def file(self, name: str) -> Part | None:
        """Return the first file of this name, an array's brackets aside."""
        return next((part for part in self.files if part.name.removesuffix("[]") == name), None)


class _Growing:
    """A part whose end has not come; the bytes of a large one are let go unless they are kept `whole`."""

    def __init__(self, head: bytes, *, whole: bool) -> None:
        disposition = Message()
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            if name.strip():
                disposition[name.strip()] = value.strip()
        self.name = str(disposition.get_param("name", "", "content-disposition"))
        filename = disposition.get_param("filename", None, "content-disposition")
        self.filename = None if filename is None else collapse_rfc2231_value(filename)
        self._media_type = disposition.get("content-type", "application/octet-stream")
        self._whole = whole
        self._size = 0
        self._digest = hashlib.sha256()
        self._data: bytearray | None = bytearray()

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        self._digest.update(data)
        if self._data is not None:
            self._data += data
            if not self._whole and self._size > KEPT_BYTES:
                self._data = None

    def content(self) -> Content:
        data = None if self._data is None else bytes(self._data)
        return Content(size=self._size, sha256=self._digest.hexdigest(), media_type=self._media_type, data=data)


class FormReader:
    """Takes a form in chunks of any size; `keeps` tells from the fields so far whether a file is kept whole."""

    def __init__(self, boundary: str, keeps: Keeps) -> None:
        self.form = Form()
        self._delimiter = b"\r\n--" + boundary.encode()
        self._keeps = keeps
        self._buffer = bytearray(b"\r\n")  # the first delimiter has no line before it
        self._part: _Growing | None = None
        self._in_head = False
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body; what follows the last delimiter is not read."""
        if self._ended:
            return
        self._buffer += data
        while self._take_head() if self._in_head else self._take_body():
            pass

    def _take_body(self) -> bool:
        """Pass on what belongs to the part; True when its end was found."""
        end = self._buffer.find(self._delimiter)
        sure = end if end >= 0 else max(0, len(self._buffer) - len(self._delimiter) + 1)
        if self._part is not None:
            self._part.feed(bytes(self._buffer[:sure]))
        if end < 0:
            del self._buffer[:sure]
            return False
        del self._buffer[: end + len(self._delimiter)]
        self._finish()
        self._in_head = True
        return True

    def _take_head(self) -> bool:
        """Open the next part when its headers are complete; the last delimiter has none."""
        end = self._buffer.find(_END_OF_HEADERS)
        size = len(self._buffer) if end < 0 else end
        self._ended = self._buffer.startswith(b"--") or size > MAX_HEAD
        if end < 0 or self._ended:
            return False
        self._part = _Growing(bytes(self._buffer[:end]), whole=self._keeps(self.form.fields))
        del self._buffer[: end + len(_END_OF_HEADERS)]
        self._in_head = False
        return True

    def _finish(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        content = part.content()
        if part.filename is None:
            self.form.fields[part.name] = (content.data or b"").decode("utf-8", "replace")
        else:
            self.form.files.append(Part(name=part.name, filename=part.filename, content=content))
