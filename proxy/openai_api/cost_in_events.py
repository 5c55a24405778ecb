"""The cost of a stream in the usage of its last event, for clients that ask for it: `usage.cost_usd`, as a text."""

from collections.abc import Callable
from functools import partial

import msgspec

from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, rewrite
from proxy.openai_api.sse import encode_event, parse_event

_MARK, _SEPARATOR = b'"usage"', b"\n\n"
_USAGE, _RESPONSE, _COST = "usage", "response", "cost_usd"

CostOf = Callable[[bytes], str | None]


def add_costs(events: bytes, cost_of: CostOf) -> bytes:
    """Return whole events in which each usage has its cost; `cost_of` takes the JSON object with the usage."""
    if _MARK not in events:
        return events
    *blocks, rest = events.split(_SEPARATOR)
    return b"".join([*(_with_cost(block, cost_of) + _SEPARATOR for block in blocks), rest])


def _with_cost(block: bytes, cost_of: CostOf) -> bytes:
    if _MARK not in block:
        return block
    event = parse_event(block)
    data = event.data or b""
    try:
        changed = rewrite(data, partial(_in_data, cost_of=cost_of))
    except UNREADABLE:
        return block
    return block if changed == data else encode_event(changed, event.name).removesuffix(_SEPARATOR)


def _in_data(data: bytes, cost_of: CostOf) -> bytes:
    members = DECODE(data)
    response = members.get(_RESPONSE)
    if response is None:
        return ENCODE(members) if _add(members, data, cost_of) else data
    inner = DECODE(response)
    if not _add(inner, response, cost_of):
        return data
    members[_RESPONSE] = msgspec.Raw(ENCODE(inner))
    return ENCODE(members)


def _add(holder: Members, content: bytes | msgspec.Raw, cost_of: CostOf) -> bool:
    """Add the cost to the usage of an object; tell whether there is a usage with a cost."""
    usage = holder.get(_USAGE)
    cost = None if usage is None or not bytes(usage).startswith(b"{") else cost_of(bytes(content))
    if usage is None or cost is None:
        return False
    holder[_USAGE] = msgspec.Raw(ENCODE({**DECODE(usage), _COST: cost}))
    return True
