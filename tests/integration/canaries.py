"""Words that stand for what nobody else may read, and the search for them in every form that they may have."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

# A part of a word is found that has as many characters: of a key, its prefix `sk-` is no part.
PART = 9


def word(name: str) -> str:
    """Return a word that is nowhere else: letters and digits, always the same for a name."""
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode().lower()[:28]


def forms(secret: str) -> Iterator[str]:
    """Yield the parts of a word as they may be written: its begin, its middle and its end, plain and encoded."""
    for written in {secret, quote(secret, safe=""), secret.encode().hex(), json.dumps(secret)[1:-1]}:
        yield from _parts(written)
    for before in (b"", b"0", b"00"):
        encoded = base64.b64encode(before + secret.encode()).decode()
        # What stands before and behind the word changes the first four characters and the last ones.
        yield from _parts(encoded[4:-4])
    yield from _parts(hashlib.sha256(secret.encode()).hexdigest())


def _parts(written: str) -> Iterator[str]:
    middle = len(written) // 2
    yield from (written[:PART].lower(), written[middle : middle + PART].lower(), written[-PART:].lower())


def found(secrets: Mapping[str, str], places: Iterable[tuple[str, str | bytes]]) -> list[str]:
    """Return which secrets stand in which places, whatever the case of their letters."""
    looked_for = [(name, form) for name, secret in secrets.items() for form in set(forms(secret))]
    hits = []
    for place, content in places:
        text = (content if isinstance(content, str) else content.decode("latin-1")).lower()
        hits += sorted({f"{name} in {place}" for name, form in looked_for if form in text})
    return hits


def unpacked(value: object) -> str:
    """Return a property of a row as text, also one that is compressed."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode("latin-1")
    except zlib.error:
        return value.decode("latin-1")
