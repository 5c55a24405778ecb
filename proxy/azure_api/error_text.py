"""What a client may read of an error message of Azure: no foreign address, nothing that looks like a key or an id.

Azure links to its own pages, names resources, principals and requests, and repeats what it was sent. What the client
sent itself may stay. Every pattern takes linear time: it begins only at a word, or looks only a few characters ahead.
"""

import re
from itertools import zip_longest

# A longer message is cut; it is a page of HTML or worse.
MAX_MESSAGE = 4096
# A search of a body of 24 MB takes 4 ms for each of three spellings; no message of Azure needs more.
_MOST_SEARCHES = 8

# What is shorter may be a part of any word, and no key of Azure is.
_SHORTEST_SECRET = 8

_LINK = re.compile(r"[a-z][a-z0-9+.-]{0,20}://[^\s\"'`<>|]*", re.IGNORECASE)
_AFTER_LINK = ".,;:!?)]}"
_SENTENCE_END = re.compile(r"((?:(?<=[.!?])|(?<=[.!?]\)))\s+|\n+)")
_HIDDEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/subscriptions/[\w./%~-]*[\w/%~-]", re.IGNORECASE), "[resource]"),
    (re.compile(r"(?<![\w-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![\w-])", re.IGNORECASE), "[id]"),
    (
        re.compile(
            r"(?<![\w.-])(?:[\w-]+\.)*(?:azure\.(?:com|us|cn|net)|azure-api\.net|windows\.net|microsoft\.com)(?![\w-])",
            re.IGNORECASE,
        ),
        "[host]",
    ),
    (re.compile(r"(?<![\w-])(?:sk|key|ak)-[\w-]{16,}", re.ASCII), "[key]"),
    # A token of Entra, and a key in base64.
    (re.compile(r"(?<![\w-])eyJ[\w-]{10,}(?:\.[\w-]*){1,4}", re.ASCII), "[key]"),
    (re.compile(r"(?<![\w+/-])[A-Za-z0-9+/]{40,}={1,2}(?![\w=])"), "[key]"),
    # Ids of OpenAI's objects are as long, but have a prefix with `_` or `-`.
    (re.compile(r"(?<![\w-])[A-Za-z0-9]{32,}(?![\w-])"), "[key]"),
)


class ClientText:
    """What the client sent, and so may read; after a number of searches, nothing counts as sent."""

    __slots__ = ("_body", "_searches")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._searches = _MOST_SEARCHES if body else 0

    def __contains__(self, text: str) -> bool:
        if not self._searches:
            return False
        self._searches -= 1
        plain = text.encode()
        # In JSON, PHP escapes slashes, Go and .NET escape ampersands.
        spellings = {plain, plain.replace(b"/", b"\\/"), plain.replace(b"&", b"\\u0026")}
        return any(spelling in self._body for spelling in spellings)


def cut(text: str) -> str:
    """Return a message cut to its maximum length, without a partial word at its end, which no pattern would match."""
    if len(text) <= MAX_MESSAGE:
        return text
    return text[:MAX_MESSAGE].rpartition(" ")[0] or text[:MAX_MESSAGE]


def clean(text: str, client_text: ClientText, secret: str = "") -> str:
    """Return the text without sentences that have foreign links, and with placeholders for what must not be shown.

    `secret` is the credential of the call, which is hidden also where the client sent it.
    """
    if len(secret) >= _SHORTEST_SECRET:
        text = text.replace(secret, "[key]")
    if "://" in text:
        text = _without_links(text, client_text)
    for pattern, word in _HIDDEN:
        text = _hide(text, pattern, word, client_text)
    return text


def _hide(text: str, pattern: re.Pattern[str], word: str, client_text: ClientText) -> str:
    return pattern.sub(lambda found: found[0] if found[0] in client_text else word, text)


def _without_links(text: str, client_text: ClientText) -> str:
    """Remove each sentence with a link that the client did not send, and a following remark in brackets."""
    parts = _SENTENCE_END.split(text)
    kept, dropped = [], False
    for sentence, gap in zip_longest(parts[::2], parts[1::2], fillvalue=""):
        dropped = _is_foreign(sentence, client_text) or (dropped and sentence.startswith("("))
        if not dropped:
            kept.append(sentence + gap)
    return "".join(kept).strip()


def _is_foreign(sentence: str, client_text: ClientText) -> bool:
    return any(link.rstrip(_AFTER_LINK) not in client_text for link in _LINK.findall(sentence))
