"""Forms (multipart/form-data), split into parts, read and rewritten while they pass.

`FormSplitter` cuts bytes, chunked anywhere, into pieces that together are the same bytes. `FormReader` reads a few text
fields until the call can be routed. `FormRewriter` then replaces or drops some parts; every other byte stays as it
came.

Whoever parses the form behind the proxy must see the same parts with the same names. A form on which parsers are known
to disagree is refused: a delimiter after a bare CR or LF or directly after the headers of a part, a line that only
begins with the boundary, folded headers, a header or parameter that occurs twice, `name*`, a backslash in a name, and a
field that is read but occurs twice, is a file or is encoded.

https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1 and https://www.rfc-editor.org/rfc/rfc7578#section-4
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Protocol

from proxy.errors import InvalidRequest

# A part has two or three short headers; endless headers must not fill the memory.
MAX_HEAD_BYTES = 16 * 1024
MAX_HEAD_LINES = 16
# The largest form of the API is an edit of 16 images with some 20 fields; each part costs a few microseconds.
MAX_PARTS = 128

# RFC 2046 allows fewer characters, but boundaries such as `*****` are in use; 70 is the limit of the RFC.
_BOUNDARY = re.compile(r"[ !#-\[\]-~]{0,69}[!#-\[\]-~]")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105  a token of a header
_HEADER = re.compile(rf"({_TOKEN}):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*+)")
_PARAMETER = re.compile(
    rf';[ \t]*+(?:({_TOKEN})[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|([^\s";,\\]++))[ \t]*+)?+', re.ASCII
)
_IDENTITY_ENCODINGS = frozenset({"7bit", "8bit", "binary"})
_MISPLACED = "Your form has its boundary where no part can begin or end. Every line of it must end in CR LF."


class Kind(Enum):
    """What a piece is; everything that belongs to no part, such as a preamble, counts as a delimiter."""

    HEAD = "the headers of a part, with the blank line"
    CONTENT = "some of the content of a part"
    DELIMITER = "the end of a part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The headers of a part: its name, whether it is a file, and whether its content is encoded."""

    name: str | None
    file: bool
    encoded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    r"""Some bytes of the form, and the part that they belong to.

    A part reaches from the end of its delimiter, `\r\n--boundary`, to the end of the next one, so that the form is
    still complete when any part is left out.
    """

    kind: Kind
    raw: bytes
    part: Part | None


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a form; raise `InvalidRequest` if there is none that every parser understands."""
    media_type, parameters = _parse_value("Content-Type", content_type)
    if media_type != "multipart/form-data":
        raise InvalidRequest("The Content-Type of your request must be multipart/form-data.")
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise InvalidRequest("The Content-Type of your request must have a boundary of 1 to 70 ASCII characters.")
    return boundary.encode()


class FormSplitter:
    """Splits one form; holds no more than a delimiter or the headers of one part."""

    def __init__(self, boundary: bytes) -> None:
        self._dashed = b"--" + boundary
        self._held = bytearray()
        self._searched = 0
        self._parts = 0
        self._part: Part | None = None
        self._step: Callable[[], Piece | None] = self._begin
        self.ended = False

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Take the next bytes; yield the complete pieces, raise `InvalidRequest` if this is not a form."""
        self._held += chunk
        while piece := self._step():
            yield piece

    def end(self) -> None:
        """Raise `InvalidRequest` if the closing delimiter is missing."""
        if not self.ended:
            raise InvalidRequest("The body of your request ended before the closing boundary of its form.")

    def _begin(self) -> Piece | None:
        """Look for a delimiter at the very beginning, where a form may have one and a content may not."""
        if len(self._held) < len(self._dashed):
            return None
        self._step = self._content
        if not self._held.startswith(self._dashed):
            return self._content()
        if self._parts:
            raise InvalidRequest(_MISPLACED)
        return self._delimiter(len(self._dashed))

    def _content(self) -> Piece | None:
        at = self._held.find(b"\n" + self._dashed)
        if self._held.find(b"\r" + self._dashed, 0, None if at < 0 else at) >= 0:
            raise InvalidRequest(_MISPLACED)
        if at < 0:
            # The bytes that are kept may be the beginning of a delimiter.
            return self._take(Kind.CONTENT, len(self._held) - len(self._dashed) - 1)
        if at == 0 or self._held[at - 1] != ord("\r"):
            raise InvalidRequest(_MISPLACED)
        return self._take(Kind.CONTENT, at - 1) or self._delimiter(len(self._dashed) + 2)

    def _delimiter(self, size: int) -> Piece | None:
        piece = self._take(Kind.DELIMITER, size)
        self._part, self._step = None, self._head
        return piece

    def _head(self) -> Piece | None:
        if self._held.startswith(b"--"):
            self.ended, self._step = True, self._closing
            return self._take(Kind.DELIMITER, 2)
        if self._held and self._held[0] not in b" \t\r-":
            raise InvalidRequest(_MISPLACED)
        at = self._held.find(b"\r\n\r\n", max(0, self._searched - 3))
        self._searched = len(self._held) if at < 0 else 0
        if max(at, self._searched) > MAX_HEAD_BYTES:
            raise InvalidRequest(f"A part of your form has more than {MAX_HEAD_BYTES} bytes of headers.")
        if at < 0:
            return None
        return self._open(at)

    def _open(self, end: int) -> Piece | None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"Your form has more than {MAX_PARTS} parts.")
        self._part, self._step = _parse_head(bytes(self._held[:end])), self._begin
        return self._take(Kind.HEAD, end + 4)

    def _closing(self) -> Piece | None:
        rest = self._held.lstrip(b" \t")
        if rest and rest[0] not in b"\r\n":
            raise InvalidRequest(_MISPLACED)
        if rest:
            self._step = self._epilogue
        return self._epilogue()

    def _epilogue(self) -> Piece | None:
        return self._take(Kind.DELIMITER, len(self._held))

    def _take(self, kind: Kind, size: int) -> Piece | None:
        if size <= 0:
            return None
        raw = bytes(self._held[:size])
        del self._held[:size]
        # A preamble is found like content, but belongs to no part.
        return Piece(kind=kind if self._part else Kind.DELIMITER, raw=raw, part=self._part)


def _parse_head(head: bytes) -> Part:
    """Parse what is between the boundary of a part and the blank line, without the last CR LF."""
    padding, *lines = head.decode(errors="surrogateescape").split("\r\n")
    if padding.strip(" \t"):
        raise InvalidRequest(_MISPLACED)
    if len(lines) > MAX_HEAD_LINES:
        raise InvalidRequest(f"A part of your form has more than {MAX_HEAD_LINES} headers.")
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None or header[1].lower() in headers:
            raise InvalidRequest("A part of your form has a header that cannot be read.")
        headers[header[1].lower()] = header[2]
    disposition, parameters = _parse_value("Content-Disposition", headers.get("content-disposition", "form-data"))
    name = parameters.get("name")
    if disposition != "form-data" or (name is not None and "\\" in name):
        raise InvalidRequest("The Content-Disposition of a part of your form cannot be read.")
    return Part(
        name=name,
        file=any(parameter.startswith("filename") for parameter in parameters),
        encoded=headers.get("content-transfer-encoding", "binary").strip(" \t").lower() not in _IDENTITY_ENCODINGS,
    )


def _parse_value(header: str, text: str) -> tuple[str, dict[str, str]]:
    """Split a header into its value and its parameters; names become lower case."""
    value = text.partition(";")[0]
    parameters: dict[str, str] = {}
    position = len(value)
    while position < len(text):
        parameter = _PARAMETER.match(text, position)
        name = parameter[1].lower() if parameter and parameter[1] else ""
        encoded = "*" in name and not name.startswith("filename*")
        if parameter is None or name in parameters or encoded:
            raise InvalidRequest(f"The {header} of your form cannot be read.")
        if name:
            parameters[name] = parameter[2] if parameter[3] is None else parameter[3]
        position = parameter.end()
    return value.strip(" \t").lower(), parameters


# A field that is read is a name or a number, and is held until its part ends.
MAX_FIELD_BYTES = 4 * 1024


class LineRewriter(Protocol):
    """Rewrites bytes while they pass: the content of one part, or a whole form."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return what is finished."""
        ...

    def end(self) -> bytes:
        """Return what is left at the end of the content."""
        ...


_NO_LINES: Mapping[str, LineRewriter] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSize:
    """The size of a part in bytes: of its value, and of everything that is removed when it is dropped."""

    value: int
    part: int

    def change(self, value: bytes | None) -> int:
        """Return how many bytes another value adds, negative if it removes some; None drops the part."""
        return -self.part if value is None else len(value) - self.value


class FormReader:
    """Reads the text values of the wanted parts, wherever they are, and keeps nothing else.

    `fields` and `sizes` have the parts that are complete. Raises `InvalidRequest` if this is not a form, and for a
    wanted part of more than `max_field` bytes.
    """

    def __init__(self, boundary: bytes, wanted: Collection[str], *, max_field: int = MAX_FIELD_BYTES) -> None:
        self._splitter = FormSplitter(boundary)
        self._wanted = _UniqueParts(wanted)
        self._max_field = max_field
        self._value = bytearray()
        self._size = 0
        self.fields: dict[str, str] = {}
        self.sizes: dict[str, PartSize] = {}

    @property
    def ended(self) -> bool:
        """Whether the closing delimiter has come."""
        return self._splitter.ended

    @property
    def complete(self) -> bool:
        """Whether nothing more will be found: every wanted part is complete, or the form has ended."""
        return self.ended or self._wanted.names <= self.fields.keys()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        for piece in self._splitter.feed(chunk):
            name = self._wanted.name(piece)
            if name is not None:
                self._keep(name, piece)

    def end(self) -> None:
        """Raise `InvalidRequest` if the closing delimiter is missing."""
        self._splitter.end()

    def length_change(self, replace: Mapping[str, bytes | None]) -> int:
        """Return how many bytes a `FormRewriter` with the same replacements adds, negative if it removes some.

        Exact if each of the names is in `fields` or the form has ended; a part that is missing changes nothing.
        """
        return sum(self.sizes[name].change(value) for name, value in replace.items() if name in self.sizes)

    def _keep(self, name: str, piece: Piece) -> None:
        self._size += len(piece.raw)
        if piece.kind is Kind.CONTENT:
            if len(self._value) + len(piece.raw) > self._max_field:
                raise InvalidRequest(
                    f"The part '{name}' of your form is larger than {self._max_field} bytes.", param=name
                )
            self._value += piece.raw
        elif piece.kind is Kind.DELIMITER:
            self.fields[name] = _decode_field(name, self._value)
            self.sizes[name] = PartSize(value=len(self._value), part=self._size)
            self._value.clear()
            self._size = 0


class FormRewriter:
    """Passes a form on with the values of some text parts replaced; None drops the whole part.

    The content of a part in `lines`, which may be a file, goes through its rewriter. Each of these names may occur
    once. `added` is a result of `added_part`.
    """

    def __init__(
        self,
        boundary: bytes,
        replace: Mapping[str, bytes | None],
        lines: Mapping[str, LineRewriter] = _NO_LINES,
        added: bytes = b"",
    ) -> None:
        self._splitter = FormSplitter(boundary)
        self._replaced = _UniqueParts(replace)
        self._rewritten = _UniqueParts(lines, files=True)
        self._replace, self._lines, self._added = replace, lines, added

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return the rewritten ones. Raises `InvalidRequest` if this is not a form."""
        return b"".join(map(self._pass, self._splitter.feed(chunk)))

    def end(self) -> bytes:
        """Return what is left, which is nothing; raise `InvalidRequest` if the closing delimiter is missing."""
        self._splitter.end()
        return b""

    def _pass(self, piece: Piece) -> bytes:
        if (name := self._replaced.name(piece)) is not None:
            return _with_value(piece, self._replace[name])
        if (name := self._rewritten.name(piece)) is not None:
            return _with_lines(piece, self._lines[name])
        if piece.kind is Kind.DELIMITER and self._added:
            added, self._added = self._added, b""
            return piece.raw + added
        return piece.raw


def added_part(boundary: bytes, name: str, value: str) -> bytes:
    """Return the bytes of a text part that can be inserted after the first delimiter of a form."""
    head = f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--'
    return head.encode() + boundary


class _UniqueParts:
    """Parts that may occur once in a form, as plain text or, with `files`, as a file."""

    def __init__(self, names: Collection[str], *, files: bool = False) -> None:
        self.names = frozenset(names)
        self._files = files
        self._seen: set[str] = set()

    def name(self, piece: Piece) -> str | None:
        """Return the name of the piece's part if it is one of these; check the part at its beginning."""
        part = piece.part
        if part is None or part.name not in self.names:
            return None
        if piece.kind is Kind.HEAD:
            self._check(part, part.name)
        return part.name

    def _check(self, part: Part, name: str) -> None:
        if name in self._seen:
            raise InvalidRequest(f"Your form has more than one part with the name '{name}'.", param=name)
        if part.encoded:
            raise InvalidRequest(f"The part '{name}' of your form must not be encoded.", param=name)
        if part.file and not self._files:
            raise InvalidRequest(f"The part '{name}' of your form must be a text, not a file.", param=name)
        self._seen.add(name)


def _with_value(piece: Piece, value: bytes | None) -> bytes:
    if value is None or piece.kind is Kind.CONTENT:
        return b""
    return piece.raw + value if piece.kind is Kind.HEAD else piece.raw


def _with_lines(piece: Piece, rewriter: LineRewriter) -> bytes:
    if piece.kind is Kind.CONTENT:
        return rewriter.feed(piece.raw)
    return rewriter.end() + piece.raw if piece.kind is Kind.DELIMITER else piece.raw


def _decode_field(name: str, value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"The part '{name}' of your form is not UTF-8.", param=name) from None
