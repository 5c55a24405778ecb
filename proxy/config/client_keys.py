"""The client keys of the settings: names and keys alone, or JSON with limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from proxy.config.client_limits import EXPIRES, NOTE, LimitRules, tags_of
from proxy.config.environment import SECRET_NAME, VISIBLE, decode_json, json_object, json_text, pairs
from proxy.config.key_format import digest_of, is_weak
from proxy.values import Client, ClientKey

KEY = "key"
_NAME_AND_KEY = "must have a name of letters, digits and '-' and a key without spaces in entry {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredKey:
    """A client key of the settings, and its limits as tags."""

    key: ClientKey
    tags: Mapping[str, str] = field(default_factory=dict)


def parse_client_keys(text: str) -> tuple[ConfiguredKey, ...]:
    """Return the client keys from `name=key,name=key`, or from a JSON object with a key and limits for each name."""
    entries = _json_entries(text) if text.lstrip().startswith("{") else _plain_entries(text)
    digests: set[str] = set()
    names: set[str] = set()
    for number, one in enumerate(entries, start=1):
        name, digest = one.key.client.name, one.key.digest
        if name in names or digest in digests:
            raise ValueError(f"uses the name or the key of entry {number} twice")
        names.add(name)
        digests.add(digest)
    return entries


def with_limits(entries: tuple[ConfiguredKey, ...], rules: LimitRules) -> tuple[ClientKey, ...]:
    """Return the client keys with their limits; raise ValueError for limits that are wrong."""
    return tuple(_with_limits(number, one, rules) for number, one in enumerate(entries, start=1))


def _with_limits(number: int, one: ConfiguredKey, rules: LimitRules) -> ClientKey:
    try:
        limits = rules.read(one.tags)
    except ValueError as error:
        raise ValueError(f"{error}, in entry {number}") from None
    return replace(one.key, client=replace(one.key.client, limits=limits))


def _plain_entries(text: str) -> tuple[ConfiguredKey, ...]:
    return tuple(_entry(number, name, key) for number, (name, key) in pairs(text, "name=key"))


def _json_entries(text: str) -> tuple[ConfiguredKey, ...]:
    members = json_object(decode_json(text)).items()
    return tuple(_json_entry(number, name, value) for number, (name, value) in enumerate(members, start=1))


def _json_entry(number: int, name: str, value: object) -> ConfiguredKey:
    try:
        members = json_object(value)
        key, expires = json_text(members.pop(KEY, None)), members.pop(EXPIRES, None)
        json_text(members.pop(NOTE, ""))
        tags, end = tags_of(members), None if expires is None else parse_time(json_text(expires))
    except ValueError as error:
        raise ValueError(f"{error}, in entry {number}") from None
    return replace(_entry(number, name, key, end), tags=tags)


def _entry(number: int, name: str, key: str, expires: float | None = None) -> ConfiguredKey:
    if not SECRET_NAME.fullmatch(name) or not VISIBLE.fullmatch(key):
        raise ValueError(_NAME_AND_KEY.format(number))
    client = Client(name=name, expires=expires)
    return ConfiguredKey(key=ClientKey(client=client, digest=digest_of(key), weak=is_weak(key)))


def parse_time(text: str) -> float:
    """Return a time of ISO 8601 with its zone, in seconds since 1970 UTC."""
    expected = "must be a time with its zone, as 2027-01-31T00:00:00Z"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(expected) from None
    if time.tzinfo is None:
        raise ValueError(expected)
    return time.timestamp()
