"""Stop sequences, which Responses does not have: the text is cut where the first of them is complete.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-stop
"""

from collections.abc import Sequence

import msgspec

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.json_members import UNREADABLE, Members, decode

# Both are OpenAI's documented limit and one of our own: each character may be looked at again with every event.
MAX_SEQUENCES = 4
MAX_CHARACTERS = 1024
_TOKEN = msgspec.json.Decoder(str).decode
_STOP = msgspec.json.Decoder(str | list[str] | None).decode


def parse_stop(document: JsonBody) -> tuple[str, ...]:
    """Return the stop sequences of a request; raise `InvalidRequest` for what can be none."""
    given = document.member("stop")
    if given is None:
        return ()
    try:
        value = decode(given, _STOP)
    except UNREADABLE:
        message = "Invalid type for 'stop': expected a string or a list of strings."
        raise InvalidRequest(message, param="stop", code="invalid_type") from None
    sequences = tuple(filter(None, [value] if isinstance(value, str) else value or []))
    if len(sequences) > MAX_SEQUENCES or any(len(sequence) > MAX_CHARACTERS for sequence in sequences):
        message = f"'stop' may have {MAX_SEQUENCES} sequences of {MAX_CHARACTERS} characters."
        raise InvalidRequest(message, param="stop", code="invalid_value")
    return sequences


class StopSequences:
    """Lets a text through, piece by piece, up to the stop sequence that is complete first.

    What may be the beginning of one is held back. `cut` tells that one has come, and nothing leaves behind it.
    """

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = sequences
        self._longest = max(map(len, sequences), default=0)
        self._held = ""
        self.cut = False

    def feed(self, text: str) -> str:
        """Take a piece of the text; return what may leave now."""
        text = self._held + text
        found = [(at + len(one), at) for one in self._sequences if (at := text.find(one)) >= 0]
        if found:
            self.cut, self._held = True, ""
            return text[: min(found)[1]]
        start = self._beginning(text)
        self._held = text[start:]
        return text[:start]

    def flush(self) -> str:
        """Return what was held back, at the end of the text."""
        held, self._held = self._held, ""
        return held

    def _beginning(self, text: str) -> int:
        """Return where the longest end of the text starts that some sequence begins with."""
        first = max(0, len(text) - self._longest + 1)
        return min((self._begins(text, first, one) for one in self._sequences), default=len(text))

    @staticmethod
    def _begins(text: str, first: int, sequence: str) -> int:
        at = text.find(sequence[0], first)
        while at >= 0:
            if sequence.startswith(text[at:]):
                return at
            at = text.find(sequence[0], at + 1)
        return len(text)


class HeldTokens:
    """Lets the tokens of a text through with it: those that are whole in what has left."""

    def __init__(self) -> None:
        self._held: list[Members] = []
        self._room = 0

    def feed(self, tokens: Sequence[Members], characters: int) -> list[Members]:
        """Take the tokens of a piece, of which so many characters leave; return those that leave with them."""
        self._held += tokens
        self._room += characters
        leaving = within(self._held, self._room)
        del self._held[: len(leaving)]
        self._room -= sum(map(_length, leaving))
        return leaving

    def flush(self) -> list[Members]:
        """Return what was held back, at the end of the text."""
        held, self._held, self._room = self._held, [], 0
        return held


def within(tokens: Sequence[Members], characters: int) -> list[Members]:
    """Return the first tokens that are whole in so many characters."""
    kept = []
    for token in tokens:
        characters -= _length(token)
        if characters < 0:
            break
        kept.append(token)
    return kept


def _length(token: Members) -> int:
    return len(_TOKEN(token["token"])) if "token" in token else 0
