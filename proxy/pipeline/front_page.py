"""The page at `/` for browsers: it shows how to use the proxy, and has a chat to try it.

Its files are in `proxy/front_page`, complete as they are: the page asks for nothing of any other host, and its policy
forbids it to. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from proxy.azure_api.headers import TEXT
from proxy.errors import UnknownUrl
from proxy.values import ClientAuth, Response

FILES = Path(__file__).parents[1] / "front_page"
INDEX = b"This is an OpenAI-compatible API in front of Azure OpenAI; its base URL is this address followed by /v1\n"
# The answer at `/` depends on it.
_VARY = {"vary": "Accept, Origin"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_NOT_WANTED = re.compile(r"q=0(\.0*)?")
# The files that the page asks for; no other is read.
_PARTS = frozenset({"account.js", "chat.js", "clients.js", "dom.js", "page.css", "page.js", "texts.js"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPage:
    """What is at `/`; a page only where `shown`, which says how clients authenticate.

    `audience` is what tokens of Microsoft Entra ID are for, empty where none are accepted.
    """

    client_auth: ClientAuth
    shown: bool = True
    audience: str = ""

    def index(self, headers: Mapping[str, str]) -> Response:
        """Return the page for a browser, and for a program what this is."""
        if not self.shown:
            return Response(status=200, headers=TEXT, body=INDEX)
        if not _accepts_html(headers.get("accept", "")):
            return Response(status=200, headers=TEXT | _VARY, body=INDEX)
        body = _read("index.html").replace(b"CLIENT_AUTH", self.client_auth.value.encode())
        body = body.replace(b"AUDIENCE", self.audience.encode())
        return Response(status=200, headers=_HEADERS | _VARY | {"content-type": _TYPES[".html"]}, body=body)

    def part(self, name: str) -> Response:
        """Return a file that the page asks for; raise `UnknownUrl`."""
        if not self.shown or name not in _PARTS:
            raise UnknownUrl("Unknown request URL: GET /front-page. Please check the URL for typos.")
        content_type = _TYPES[Path(name).suffix]
        return Response(status=200, headers=_HEADERS | {"content-type": content_type}, body=_read(name))


def _accepts_html(accept: str) -> bool:
    """Tell whether a client names HTML among what it accepts, as browsers do and no SDK does."""
    named = (one.lower().replace(" ", "").partition(";") for one in accept.split(","))
    return any(kind in _HTML and not _NOT_WANTED.fullmatch(quality) for kind, _, quality in named)


@cache
def _read(name: str) -> bytes:
    return (FILES / name).read_bytes()
