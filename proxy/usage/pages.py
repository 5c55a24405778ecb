"""Usage as OpenAI's usage and costs endpoints answer it: a page of buckets.

A client of the proxy stands for an API key: `api_key_id` is its name. There are no projects and users.
https://platform.openai.com/docs/api-reference/usage
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from proxy.usage.counts import COMPLETIONS, EMBEDDINGS, IMAGES, SPEECHES, TRANSCRIPTIONS, Counts, Key, Line
from proxy.usage.query import COSTS, UsageQuery

_MILLION = 1_000_000
_Result = dict[str, object]
_Group = tuple[object, ...]


def encode_page(query: UsageQuery, lines: Iterable[Line]) -> bytes:
    """Return the page that a query asks for."""
    sums = _sums(query, () if query.empty else lines)
    starts = range(query.first, query.end, query.width)
    buckets = [_bucket(query, start, sums.get(start, {})) for start in starts]
    page = {"object": "page", "data": buckets, "has_more": query.next_page is not None, "next_page": query.next_page}
    return msgspec.json.encode(page)


def _sums(query: UsageQuery, lines: Iterable[Line]) -> dict[int, dict[_Group, Counts]]:
    """Return the sums of each bucket and group."""
    sums: dict[int, dict[_Group, Counts]] = {}
    for key, counts in lines:
        if _counts(query, key):
            groups = sums.setdefault(key.start - key.start % query.width, {})
            group = tuple(_GROUPERS[name](key) for name in query.group_by)
            groups.setdefault(group, Counts()).add(counts)
    return sums


def _counts(query: UsageQuery, key: Key) -> bool:
    """Tell whether a line is among what a query asks for; without a model it is of what was refused before a call."""
    return (
        query.first <= key.start < query.end
        and (key.model != "" or query.details)
        and query.endpoint in (key.kind, COSTS)
        and (query.clients is None or key.client in query.clients)
        and (query.models is None or key.model in query.models)
    )


def _bucket(query: UsageQuery, start: int, groups: Mapping[_Group, Counts]) -> _Result:
    return {
        "object": "bucket",
        "start_time": start,
        "end_time": start + query.width,
        "results": [_result(query, group, counts) for group, counts in sorted(groups.items(), key=_order)],
    }


def _order(item: tuple[_Group, Counts]) -> tuple[int, str]:
    """Order groups by what they used, the largest first."""
    group, counts = item
    return -counts.requests, repr(group)


def _result(query: UsageQuery, group: _Group, counts: Counts) -> _Result:
    named = dict(zip(query.group_by, group, strict=True))
    result = _RESULTS[query.endpoint](counts)
    kind = "organization.costs.result" if query.endpoint == COSTS else f"organization.usage.{query.endpoint}.result"
    details = _details(counts) if query.details and query.endpoint != COSTS else {}
    return {"object": kind, **result, **dict.fromkeys(_FIELDS[query.endpoint]), **named, **details}


def _completions(counts: Counts) -> _Result:
    return {
        "input_tokens": counts.input,
        "input_cached_tokens": counts.cached,
        "input_uncached_tokens": max(0, counts.input - counts.cached),
        "output_tokens": counts.output,
        "num_model_requests": counts.requests,
    }


def _embeddings(counts: Counts) -> _Result:
    return {"input_tokens": counts.input, "num_model_requests": counts.requests}


def _details(counts: Counts) -> _Result:
    """Return what OpenAI does not tell."""
    return {
        "output_reasoning_tokens": counts.reasoning,
        "num_errors": counts.errors,
        "num_cancelled": counts.cancelled,
        "milliseconds": counts.milliseconds,
    }


def _units(name: str) -> Callable[[Counts], _Result]:
    return lambda counts: {name: counts.units, "num_model_requests": counts.requests}


def _costs(counts: Counts) -> _Result:
    return {"amount": {"value": counts.cost / _MILLION, "currency": "usd"}}


_RESULTS: Mapping[str, Callable[[Counts], _Result]] = {
    COMPLETIONS: _completions,
    EMBEDDINGS: _embeddings,
    IMAGES: _units("images"),
    SPEECHES: _units("characters"),
    TRANSCRIPTIONS: _units("seconds"),
    COSTS: _costs,
}
# What a group is named by; of most of it the proxy knows nothing.
_GROUPERS: Mapping[str, Callable[[Key], object]] = {
    **dict.fromkeys(("project_id", "user_id", "service_tier", "api_source", "size", "source"), lambda _: None),
    "api_key_id": lambda key: key.client,
    "model": lambda key: key.model,
    "line_item": lambda key: key.model,
    "batch": lambda _: False,
}
_USUAL = ("project_id", "user_id", "api_key_id", "model")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    COMPLETIONS: (*_USUAL, "batch", "service_tier"),
    EMBEDDINGS: _USUAL,
    IMAGES: (*_USUAL, "size", "source"),
    SPEECHES: _USUAL,
    TRANSCRIPTIONS: _USUAL,
    COSTS: ("line_item", "project_id", "api_key_id", "quantity"),
}
