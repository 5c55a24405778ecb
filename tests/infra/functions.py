"""The template functions that infra/ uses, as Azure Resource Manager evaluates them.

https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
"""

import hashlib
import ipaddress
import json
import uuid
from collections.abc import Callable
from typing import Any

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
Function = Callable[..., Any]


def unique_string(*parts: str) -> str:
    """Return 13 small letters and digits, other ones for other parts; which ones is Azure's secret."""
    digest = hashlib.sha256("-".join(parts).encode()).digest()
    return "".join(_LETTERS[byte % 32] for byte in digest[:13])


def guid(*parts: str) -> str:
    """Return a GUID, another one for other parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "-".join(parts)))


def _format(text: str, *values: object) -> str:
    return text.format(*(_string(value) for value in values))


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":")) if not isinstance(value, bool) else str(value)


def _union(*parts: Any) -> Any:
    if isinstance(parts[0], dict):
        return {key: value for part in parts for key, value in part.items()}
    return list(dict.fromkeys(item for part in parts for item in part))


def _concat(*parts: Any) -> Any:
    return [item for part in parts for item in part] if isinstance(parts[0], list) else "".join(parts)


def _items(value: dict[str, object]) -> list[dict[str, object]]:
    """Return an object's members in the order of their names."""
    return [{"key": key, "value": value[key]} for key in sorted(value, key=str.lower)]


def _try_get(value: Any, *keys: Any) -> Any:
    for key in keys:
        there = key < len(value) if isinstance(value, list) else key in (value or {})
        value = value[key] if there else None
    return value


def _contains(container: Any, item: Any) -> bool:
    return item in container


def _cidr_subnet(network: str, prefix: int, index: int) -> str:
    return str(list(ipaddress.ip_network(network).subnets(new_prefix=prefix))[index])


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def _split(text: str, separator: str) -> list[str]:
    """Split a text as ARM does, which refuses the empty one even where nobody looks at the parts."""
    assert text, "split of an empty text"
    return text.split(separator)


PURE: dict[str, Function] = {
    "add": lambda left, right: left + right,
    "and": lambda *values: all(values),
    "cidrSubnet": _cidr_subnet,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "concat": _concat,
    "contains": _contains,
    "createArray": lambda *items: list(items),
    "createObject": lambda *entries: dict(zip(entries[::2], entries[1::2], strict=True)),
    "empty": lambda value: not value,
    "equals": _same,
    "false": lambda: False,
    "format": _format,
    "greater": lambda left, right: left > right,
    "guid": guid,
    "items": _items,
    "join": lambda items, separator: separator.join(items),
    "last": lambda items: items[-1],
    "length": len,
    "not": lambda value: not value,
    "null": lambda: None,
    "or": lambda *values: any(values),
    "range": lambda start, count: list(range(start, start + count)),
    "replace": lambda text, old, new: text.replace(old, new),
    "split": _split,
    "string": _string,
    "sub": lambda left, right: left - right,
    "toLower": str.lower,
    "true": lambda: True,
    "tryGet": _try_get,
    "union": _union,
    "uniqueString": unique_string,
}
