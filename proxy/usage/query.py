"""What a query of OpenAI's usage API asks for.

https://platform.openai.com/docs/api-reference/usage
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from proxy.errors import InvalidRequest
from proxy.usage.counts import COMPLETIONS, DAY, EMBEDDINGS, HOUR, IMAGES, MINUTE, SPEECHES, TRANSCRIPTIONS

COSTS = "costs"
_PAGE = "page_"
# A parameter of the proxy, which OpenAI does not have.
DETAILS = "details"
_LONGEST_NUMBER = 12
_USUAL_GROUPS = ("project_id", "user_id", "api_key_id", "model")
# What may group the results of each endpoint.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    COMPLETIONS: (*_USUAL_GROUPS, "batch", "service_tier", "api_source"),
    EMBEDDINGS: _USUAL_GROUPS,
    IMAGES: (*_USUAL_GROUPS, "size", "source"),
    SPEECHES: _USUAL_GROUPS,
    TRANSCRIPTIONS: _USUAL_GROUPS,
    COSTS: ("project_id", "line_item", "api_key_id"),
}
ENDPOINTS = tuple(_GROUPS)
# What rows do not have, so that nothing can be chosen by it.
_NOT_KEPT = ("sizes", "sources")


class _Width(NamedTuple):
    """A width of buckets in seconds, and how many a page has by default and at most."""

    seconds: int
    default: int
    most: int


_WIDTHS = {"1m": _Width(MINUTE, 60, 1440), "1h": _Width(HOUR, 24, 168), "1d": _Width(DAY, 7, 31)}
_COST_WIDTHS = {"1d": _Width(DAY, 7, 180)}


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page of buckets: `width` seconds each from `first` on, up to `last` of all pages.

    `clients` and `models` are those that count, None for all. A query for what no row has is `empty`. One for `details`
    also gets what OpenAI does not tell: errors, time, and what was refused before a model was called.
    """

    endpoint: str
    width: int
    first: int
    last: int
    limit: int
    group_by: tuple[str, ...] = ()
    clients: frozenset[str] | None = None
    models: frozenset[str] | None = None
    empty: bool = False
    details: bool = False

    @property
    def end(self) -> int:
        """Return the end of the page's last bucket."""
        return min(self.first + self.width * self.limit, self.last)

    @property
    def next_page(self) -> str | None:
        """Return the cursor of the next page, None behind the last one."""
        return f"{_PAGE}{self.end}" if self.end < self.last else None


def parse_query(endpoint: str, query: str, now: float) -> UsageQuery:
    """Return what a query asks for; raise `InvalidRequest`. `now` is in seconds since 1970 UTC."""
    given = _read(query)
    for name in _NOT_KEPT:
        if name in given:
            raise InvalidRequest(f"'{name}' cannot be chosen: the proxy does not keep it.", param=name)
    width = _width(endpoint, given)
    first = _required(given, "start_time")
    end = _number(given, "end_time", int(now) + 1)
    if end <= first:
        wrong = "'end_time' must be later than 'start_time'." if "end_time" in given else "'start_time' is yet to come."
        raise InvalidRequest(wrong, param="end_time" if "end_time" in given else "start_time")
    first -= first % width.seconds
    limit = _number(given, "limit", width.default)
    if not 1 <= limit <= width.most:
        raise InvalidRequest(f"'limit' must be from 1 to {width.most} for this 'bucket_width'.", param="limit")
    return UsageQuery(
        endpoint=endpoint,
        width=width.seconds,
        first=_page(given, first, width.seconds),
        last=end + -end % width.seconds,
        limit=limit,
        group_by=_group_by(endpoint, given),
        clients=_names(given, "api_key_ids"),
        models=_names(given, "models"),
        empty="project_ids" in given or "user_ids" in given or given.get("batch") == ["true"],
        details=given.get(DETAILS) == ["true"],
    )


def _read(query: str) -> dict[str, list[str]]:
    """Return the values of each parameter; the SDKs write those of a list with brackets."""
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name.removesuffix("[]"), []).append(value)
    return given


def _width(endpoint: str, given: Mapping[str, Sequence[str]]) -> _Width:
    widths = _COST_WIDTHS if endpoint == COSTS else _WIDTHS
    name = given.get("bucket_width", ["1d"])[-1]
    if name not in widths:
        raise InvalidRequest(f"'bucket_width' must be one of {', '.join(widths)}.", param="bucket_width")
    return widths[name]


def _group_by(endpoint: str, given: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for text in given.get("group_by", ()) for name in text.split(",")))
    if not set(names) <= set(_GROUPS[endpoint]):
        raise InvalidRequest(f"'group_by' must be some of {', '.join(_GROUPS[endpoint])}.", param="group_by")
    return names


def _page(given: Mapping[str, Sequence[str]], first: int, width: int) -> int:
    if "page" not in given:
        return first
    number = given["page"][-1].removeprefix(_PAGE)
    if not _is_number(number) or int(number) < first or int(number) % width:
        raise InvalidRequest("'page' must be the 'next_page' of an answer to the same query.", param="page")
    return int(number)


def _names(given: Mapping[str, Sequence[str]], name: str) -> frozenset[str] | None:
    return frozenset(given[name]) if name in given else None


def _required(given: Mapping[str, Sequence[str]], name: str) -> int:
    if name not in given:
        raise InvalidRequest(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    return _number(given, name, 0)


def _number(given: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    if name not in given:
        return default
    text = given[name][-1]
    if not _is_number(text):
        raise InvalidRequest(f"'{name}' must be a whole number.", param=name)
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
