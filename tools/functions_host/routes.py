"""Route templates, and which function answers a method and a path."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tools.functions_host.channel import Function

RESERVED = ("admin", "runtime")
_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)(\?)?(?::[^}?]*)?(\?)?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The function that answers, and the values of its route parameters."""

    function: str
    params: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One function's template, ready to match."""

    function: Function
    pattern: re.Pattern[str]
    precedence: tuple[int, ...]


class Routes:
    """All routes of an app: literals go before parameters, parameters before a catch-all."""

    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        self._routes = sorted((route(one, prefix) for one in functions), key=lambda one: one.precedence)

    def find(self, method: str, path: str) -> Match | None:
        """Find the function for `method` and a decoded `path`; an unlisted method finds none."""
        if path.startswith("//"):
            return None
        for one in self._routes:
            if not one.function.methods or method in one.function.methods:
                found = one.pattern.fullmatch(path)
                if found:
                    params = {name: value for name, value in found.groupdict().items() if value}
                    return Match(function=one.function.name, params=params)
        return None


def is_reserved(function: Function) -> bool:
    """Tell whether the host refuses the function for its own route, whatever the route prefix."""
    return function.route.strip("/").lower().startswith(RESERVED)


def route(function: Function, prefix: str) -> Route:
    """Compile the template of `function` under the app's route prefix."""
    template = "/".join(part for part in (prefix.strip("/"), function.route.strip("/")) if part)
    first, *others = template.split("/")
    pattern = "/" + _pattern(first) + "".join(_later(segment) for segment in others) + "/?"
    precedence = tuple(_rank(segment) for segment in template.split("/"))
    return Route(function=function, pattern=re.compile(pattern, re.IGNORECASE | re.DOTALL), precedence=precedence)


def _later(segment: str) -> str:
    """Build a segment with its slash; an optional parameter and a catch-all may be absent with it."""
    pattern = "/" + _pattern(segment)
    return f"(?:{pattern})?" if segment.startswith("{*") or segment.endswith("?}") else pattern


def _pattern(segment: str) -> str:
    return "".join(_piece(piece) for piece in re.split(r"(\{[^}]*\})", segment))


def _piece(piece: str) -> str:
    parameter = _PARAMETER.fullmatch(piece)
    if not parameter:
        return re.escape(piece)
    stars, name, early, late = parameter.groups()
    if stars:
        return f"(?P<{name}>.*)"
    return f"(?P<{name}>[^/]{'*' if early or late else '+'})"


def _rank(segment: str) -> int:
    if segment.startswith("{*"):
        return 2
    return 1 if "{" in segment else 0
