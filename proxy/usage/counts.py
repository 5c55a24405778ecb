"""How much was used: counts for each minute or hour, client, model and kind of operation.

Counts are whole numbers, so that sums do not depend on their order.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

MINUTE, HOUR, DAY = 60, 3600, 86_400

# The kinds of OpenAI's usage API, and the operations that each counts.
COMPLETIONS, EMBEDDINGS, IMAGES = "completions", "embeddings", "images"
SPEECHES, TRANSCRIPTIONS, VIDEOS = "audio_speeches", "audio_transcriptions", "videos"
_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    COMPLETIONS: (
        *("createChatCompletion", "createCompletion", "createResponse", "Compactconversation"),
        *("createRun", "createThreadAndRun", "submitToolOuputsToRun"),
    ),
    EMBEDDINGS: ("createEmbedding",),
    IMAGES: ("createImage", "createImageEdit"),
    SPEECHES: ("createSpeech",),
    TRANSCRIPTIONS: ("createTranscription", "createTranslation"),
    VIDEOS: ("createVideo", "CreateVideoRemix", "CreateVideoEdit", "CreateVideoExtend"),
}
KINDS: Mapping[str, str] = {name: kind for kind, names in _OPERATIONS.items() for name in names}


class Key(NamedTuple):
    """What counts are of; `start` is that of a minute or an hour, in seconds since 1970 UTC."""

    start: int
    client: str
    model: str
    kind: str


class Counts(msgspec.Struct, array_like=True, gc=False):
    """The sums of some requests.

    Cached tokens are among the input, those of reasoning among the output. `cost` is in micro-dollars, `milliseconds`
    are those that requests took. `units` are images, characters that were spoken, or seconds that were heard.
    """

    requests: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    cost: int = 0
    errors: int = 0
    cancelled: int = 0
    milliseconds: int = 0
    units: int = 0

    def add(self, other: "Counts") -> None:
        """Add the counts of other requests."""
        self.requests += other.requests
        self.input += other.input
        self.cached += other.cached
        self.output += other.output
        self.reasoning += other.reasoning
        self.cost += other.cost
        self.errors += other.errors
        self.cancelled += other.cancelled
        self.milliseconds += other.milliseconds
        self.units += other.units


Line = tuple[Key, Counts]
Lines = dict[Key, Counts]


def add(lines: Lines, key: Key, counts: Counts) -> None:
    """Add counts to those of a key."""
    known = lines.get(key)
    if known is None:
        lines[key] = known = Counts()
    known.add(counts)


def add_all(lines: Lines, more: Iterable[Line]) -> Lines:
    """Add many counts."""
    for key, counts in more:
        add(lines, key, counts)
    return lines


def fold(sums: Lines, lines: Iterable[Line], width: int) -> Lines:
    """Add many counts to the sums for each span of `width` seconds."""
    for key, counts in lines:
        over = key.start % width
        add(sums, Key(key.start - over, key.client, key.model, key.kind) if over else key, counts)
    return sums


def folded(lines: Iterable[Line], width: int) -> Lines:
    """Return the sums for each span of `width` seconds."""
    return fold({}, lines, width)


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(list[tuple[int, str, str, str, Counts]]).decode


def encode_lines(lines: Iterable[Line]) -> bytes:
    """Return counts as JSON."""
    return _ENCODE([(*key, counts) for key, counts in lines])


def decode_lines(content: bytes) -> Iterator[Line]:
    """Return the counts of some JSON; raise ValueError for what is none."""
    return ((Key(start, client, model, kind), counts) for start, client, model, kind, counts in _DECODE(content))
