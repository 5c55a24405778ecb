"""Forms with files: a few text fields are read, replaced or dropped, every other byte stays as it came.

`FormReader` sees the body until the call can be routed, `FormRewriter` then sees all of it. Both refuse a field that
stands twice, is a file or is encoded: readers disagree about its value.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from proxy.errors import InvalidRequest
from proxy.translation.form_parts import FormSplitter, Kind, Part, Piece, boundary_of

__all__ = ["FormReader", "FormRewriter", "LineRewriter", "PartSize", "added_part", "boundary_of"]

# A field that is read is a name or a number, and is held until its part is over.
MAX_FIELD_BYTES = 4 * 1024


class LineRewriter(Protocol):
    """Rewrites bytes as they pass: the content of one part, or a whole form."""

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; return what is finished."""
        ...

    def end(self) -> bytes:
        """Return what is left when the content is over."""
        ...


_NO_LINES: Mapping[str, LineRewriter] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSize:
    """What a part takes of the body, in bytes: its value, and all that goes when the part is dropped."""

    value: int
    part: int

    def change(self, value: bytes | None) -> int:
        """Return how many bytes another value adds, negative when it removes some; None drops the part."""
        return -self.part if value is None else len(value) - self.value


class FormReader:
    """Reads the text values of the wanted parts wherever they stand, and keeps nothing else.

    `fields` and `sizes` hold the parts that are whole. Raises `InvalidRequest` for what is not a form, and for a wanted
    part of more than `max_field` bytes.
    """

    def __init__(self, boundary: bytes, wanted: Collection[str], *, max_field: int = MAX_FIELD_BYTES) -> None:
        self._splitter = FormSplitter(boundary)
        self._wanted = _Sole(wanted)
        self._max_field = max_field
        self._value = bytearray()
        self._size = 0
        self.fields: dict[str, str] = {}
        self.sizes: dict[str, PartSize] = {}

    @property
    def ended(self) -> bool:
        """Whether the closing delimiter was seen."""
        return self._splitter.ended

    @property
    def complete(self) -> bool:
        """Whether nothing more will be found: every wanted part is whole, or the form has ended."""
        return self.ended or self._wanted.names <= self.fields.keys()

    def feed(self, chunk: bytes) -> None:
        """Take bytes as they came."""
        for piece in self._splitter.feed(chunk):
            name = self._wanted.name(piece)
            if name is not None:
                self._keep(name, piece)

    def end(self) -> None:
        """Raise `InvalidRequest` when the body is over before the closing delimiter."""
        self._splitter.end()

    def length_change(self, replace: Mapping[str, bytes | None]) -> int:
        """Return how many bytes a `FormRewriter` with the same replacements adds; negative when it removes some.

        Exact when each of the names is in `fields` or the form has ended: a part that is not there changes nothing.
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
            self.fields[name] = _decode(name, self._value)
            self.sizes[name] = PartSize(value=len(self._value), part=self._size)
            self._value.clear()
            self._size = 0


class FormRewriter:
    """Passes a form on with the values of some text parts replaced, or the whole parts dropped where that is None.

    The content of a part in `lines`, which may be a file, goes through its rewriter. Each name may stand once. `added`
    is what `added_part` gives.
    """

    def __init__(
        self,
        boundary: bytes,
        replace: Mapping[str, bytes | None],
        lines: Mapping[str, LineRewriter] = _NO_LINES,
        added: bytes = b"",
    ) -> None:
        self._splitter = FormSplitter(boundary)
        self._replaced = _Sole(replace)
        self._rewritten = _Sole(lines, files=True)
        self._replace, self._lines, self._added = replace, lines, added

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; return what follows. Raises `InvalidRequest` for what is not a form."""
        return b"".join(map(self._pass, self._splitter.feed(chunk)))

    def end(self) -> bytes:
        """Return what is left, which is nothing; raise `InvalidRequest` when the body was cut off."""
        self._splitter.end()
        return b""

    def _pass(self, piece: Piece) -> bytes:
        if (name := self._replaced.name(piece)) is not None:
            return _replaced(piece, self._replace[name])
        if (name := self._rewritten.name(piece)) is not None:
            return _rewritten(piece, self._lines[name])
        if piece.kind is Kind.DELIMITER and self._added:
            added, self._added = self._added, b""
            return piece.raw + added
        return piece.raw


def added_part(boundary: bytes, name: str, value: str) -> bytes:
    """Return the bytes of a text part to add behind the first delimiter of a form."""
    head = f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--'
    return head.encode() + boundary


class _Sole:
    """The names that may stand once in a form, as a plain text or, where `files` says so, as a file."""

    def __init__(self, names: Collection[str], *, files: bool = False) -> None:
        self.names = frozenset(names)
        self._files = files
        self._seen: set[str] = set()

    def name(self, piece: Piece) -> str | None:
        """Return the name of the piece's part when it is one of these; check the part where it begins."""
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


def _replaced(piece: Piece, value: bytes | None) -> bytes:
    if value is None or piece.kind is Kind.CONTENT:
        return b""
    return piece.raw + value if piece.kind is Kind.HEAD else piece.raw


def _rewritten(piece: Piece, rewriter: LineRewriter) -> bytes:
    if piece.kind is Kind.CONTENT:
        return rewriter.feed(piece.raw)
    return rewriter.end() + piece.raw if piece.kind is Kind.DELIMITER else piece.raw


def _decode(name: str, value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"The part '{name}' of your form is not UTF-8.", param=name) from None
