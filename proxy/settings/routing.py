"""The numbers of failover that are chosen otherwise than their defaults."""

from collections.abc import Mapping

from proxy.settings import json_text

LARGEST = 86_400.0  # seconds: a day; no count or share is larger


def parse_routing(text: str) -> Mapping[str, float | bool]:
    """Return numbers and switches by name, from a JSON object; a whole number stays one.

    Which names there are is not known here.
    """
    return {_name(name): _value(name, value) for name, value in json_text.members(json_text.decode(text)).items()}


def _name(name: str) -> str:
    if not (name.isascii() and name.isidentifier()):
        raise ValueError("must have nothing but names of letters, digits and '_' on the left")
    return name


def _value(name: str, value: object) -> float | bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or not 0 <= value <= LARGEST:
        raise ValueError(f"must have a number from 0 to {LARGEST:.0f}, true or false for {json_text.shown(name)}")
    return value
