"""Settings that are written as JSON."""

import re

_MEMBER = re.compile(r"[A-Za-z_]{1,40}")


def decode(document: str | bytes) -> object:
    """Return the plain values of a JSON text; raise ValueError with what is expected, never with a part of it.

    A name that stands twice in one object is refused, because one of the two would be ignored in silence.
    """
    # Not msgspec: it keeps the last of two equal names and does not tell. Imported here, because few set-ups need it.
    import json  # noqa: PLC0415

    repeated: list[str] = []

    def collected(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.append(next(name for name in found if names.count(name) > 1))
        return found

    try:
        value: object = json.loads(document, object_pairs_hook=collected, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"must be JSON: line {error.lineno}, column {error.colno} is wrong") from None
    except (ValueError, RecursionError):
        raise ValueError("must be JSON in UTF-8, with numbers of a common size and few levels") from None
    if repeated:
        raise ValueError(f"must not say {shown(repeated[0])} twice in one object")
    return value


def members(value: object) -> dict[str, object]:
    """Return the members of an object."""
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004  a wrong setting is a ValueError, whatever is wrong
    return value


def text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004
    return value


def number(value: object, largest: float) -> float:
    """Return a number from 0 to `largest`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        raise ValueError(f"must be a number from 0 to {largest:.0f}")
    return float(value)


def shown(name: str) -> str:
    """Return the name of a member for a message, unless it looks like something that does not belong there."""
    return name if _MEMBER.fullmatch(name) else "a member"


def _refuse(constant: str) -> None:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(constant)
