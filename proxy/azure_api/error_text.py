"""What of Azure's words may reach a client: no address that is not its own, nothing that looks like a key or an id.

Azure sends its readers to pages of its own, names resources, principals and requests, and repeats what it was sent.
Every pattern is linear: it begins only where a word does, or looks only some characters ahead.
"""

import re
from itertools import zip_longest

# A message of Azure longer than this is cut: it is a page of HTML or worse.
MAX_MESSAGE = 4096
# A body of 24 MB is searched in 4 ms, in up to three spellings; nothing that Azure says by itself names more.
_MOST_SEARCHES = 8

_LINK = re.compile(r"[a-z][a-z0-9+.-]{0,20}://[^\s\"'`<>|]*", re.IGNORECASE)
_BEHIND_A_LINK = ".,;:!?)]}"
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
    # The ids of OpenAI's objects are as long, but have a prefix with `_` or `-`.
    (re.compile(r"(?<![\w-])[A-Za-z0-9]{32,}(?![\w-])"), "[key]"),
)


class ClientText:
    """What the client itself sent: it may read that again. After some searches, everything counts as not in it."""

    __slots__ = ("_body", "_searches")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._searches = _MOST_SEARCHES if body else 0

    def __contains__(self, text: str) -> bool:
        if not self._searches:
            return False
        self._searches -= 1
        plain = text.encode()
        # PHP escapes slashes in JSON, Go and .NET ampersands.
        spellings = {plain, plain.replace(b"/", b"\\/"), plain.replace(b"&", b"\\u0026")}
        return any(spelling in self._body for spelling in spellings)


def cut(text: str) -> str:
    """Return a message that is not too long, without the half word at its end, which no pattern would know."""
    if len(text) <= MAX_MESSAGE:
        return text
    return text[:MAX_MESSAGE].rpartition(" ")[0] or text[:MAX_MESSAGE]


def clean(text: str, client_text: ClientText) -> str:
    """Return the text without sentences about foreign links, and with a word in the place of what is not told."""
    if "://" in text:
        text = _without_links(text, client_text)
    for pattern, word in _HIDDEN:
        text = _hide(text, pattern, word, client_text)
    return text


def _hide(text: str, pattern: re.Pattern[str], word: str, client_text: ClientText) -> str:
    return pattern.sub(lambda found: found[0] if found[0] in client_text else word, text)


def _without_links(text: str, client_text: ClientText) -> str:
    """Drop each sentence with a link that the client did not send, and what Azure adds to it in brackets."""
    parts = _SENTENCE_END.split(text)
    kept, dropped = [], False
    for sentence, gap in zip_longest(parts[::2], parts[1::2], fillvalue=""):
        dropped = _is_foreign(sentence, client_text) or (dropped and sentence.startswith("("))
        if not dropped:
            kept.append(sentence + gap)
    return "".join(kept).strip()


def _is_foreign(sentence: str, client_text: ClientText) -> bool:
    return any(link.rstrip(_BEHIND_A_LINK) not in client_text for link in _LINK.findall(sentence))
