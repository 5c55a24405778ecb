"""The paths that the host answers itself: a function sees none of them.

The methods are those that were tried on the host; with others a path goes on to the functions, as all that is not here.
"""

import re

from tools.functions_host.answer import HostResponse, empty

UNAUTHORIZED = 401
_BOTH = frozenset({"GET", "POST"})
_GET = frozenset({"GET"})
_POST = frozenset({"POST"})
_PING = re.compile(r"/admin/host/ping/?", re.IGNORECASE)
_VFS = re.compile(r"/admin/vfs(/.*)?", re.IGNORECASE)
_NEEDS_KEY = tuple(
    (methods, re.compile(f"/{pattern}/?", re.IGNORECASE))
    for methods, pattern in (
        (_GET, "admin/host/(status|drain/status|keys|systemkeys|functionkeys|config)"),
        (_POST, "admin/host/(drain|resume|synctriggers|log|scale/status)"),
        (_BOTH, "admin/host/((system|function)?keys/[^/]+|extensions)"),
        (_GET, "admin/instance/info"),
        (_POST, "admin/instance/assign"),
        (_GET, "admin/functions(/[^/]+/(status|keys))?"),
        (_BOTH, "admin/functions/[^/]+"),
        (_BOTH | {"PUT", "DELETE", "OPTIONS"}, "runtime/webhooks/[^/]+(/.*)?"),
    )
)


def answer_of_host(method: str, path: str) -> HostResponse | None:
    """Return the host's own answer to a client without a key of the host; None for what may be a function's."""
    if method in _BOTH and _PING.fullmatch(path):
        return empty(200, {"Cache-Control": "no-store,no-cache", "Pragma": "no-cache"})
    if method in _BOTH and _VFS.fullmatch(path):
        return empty(UNAUTHORIZED)
    if any(method in methods and pattern.fullmatch(path) for methods, pattern in _NEEDS_KEY):
        return empty(UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
    return None
