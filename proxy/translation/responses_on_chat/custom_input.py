"""The input of a custom tool, which a chat writes as JSON inside of the JSON of its arguments: `{"input": "..."}`.

It is read while it comes, so that the client sees a patch grow. Arguments that do not begin like this are the input.
"""

import json
import re

_BEGINNING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
# All that may still become a beginning.
_PARTIAL = re.compile(r'\s*(?:\{\s*(?:"(?:i(?:n(?:p(?:u(?:t(?:"\s*(?::\s*)?)?)?)?)?)?)?)?)?')
# Text whose characters are all whole, up to the quote that ends it. The half of a pair of surrogates waits for the
# other one, which comes as the next escape.
_WHOLE = re.compile(
    r'(?s:[^"\\]|\\[^u]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+'
)
_HALF_AT_END = re.compile(r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?\Z")


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class CustomInput:
    """Decodes the arguments of one call; `feed` and then `end` give the input in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._is_inside: bool | None = None
        self._is_over = False

    def feed(self, piece: str) -> str:
        """Return what a piece of the arguments adds to the input."""
        self._held += piece
        if self._is_inside is None:
            self._begin()
        if self._is_inside is None:
            return ""
        if not self._is_inside:
            said, self._held = self._held, ""
            return said
        return self._inside()

    def end(self) -> str:
        """Return what is held when nothing more comes: arguments that never began, or a half of a character."""
        held, self._held = self._held, ""
        return "" if self._is_inside else held

    def _begin(self) -> None:
        beginning = _BEGINNING.match(self._held)
        if beginning is not None:
            self._is_inside, self._held = True, self._held[beginning.end() :]
        elif _PARTIAL.fullmatch(self._held) is None:
            self._is_inside = False

    def _inside(self) -> str:
        said = ""
        while self._held and not self._is_over:
            whole = _WHOLE.match(self._held)
            end = whole.end() if whole is not None else 0
            said += _decoded(self._held[:end])
            self._held = self._held[end:]
            if self._held.startswith('"'):
                self._is_over = True
            elif _HALF_AT_END.fullmatch(self._held) is not None:
                break
            elif self._held:
                # No JSON, as models write it now and then: a backslash, or half of a pair, is what it looks like.
                said += self._held[0]
                self._held = self._held[1:]
        if self._is_over:
            self._held = ""
        return said


def _decoded(written: str) -> str:
    """Return what the inside of a string of JSON says; line ends that are not escaped are allowed."""
    if "\\" not in written:
        return written
    return str(json.loads(f'"{_ESCAPE.sub(_known, written)}"', strict=False))


def _known(escape: re.Match[str]) -> str:
    """Return an escape as JSON has it; models write those of regular expressions as well."""
    return escape[0] if escape[1] in '"\\/bfnrtu' else f"\\{escape[0]}"
