"""Keys in `CLIENT_KEYS` or `ADMIN_KEYS` of a local.settings.json, for use on one's own machine."""

import json
from collections.abc import Mapping
from pathlib import Path

from proxy.config.client_keys import KEY, parse_client_keys, with_limits
from proxy.config.client_limits import EXPIRES, LIMITS, NOTE, LimitRules
from proxy.config.environment import decode_json, json_object, pairs
from tools.keys.entry import Dates, Entry, KeyCommandError, checked_dates, checked_tags, format_date, parse_date

Members = dict[str, object]


class LocalKeys:
    """The keys of clients in one file, or those of operators."""

    def __init__(self, path: Path, *, is_admin: bool = False) -> None:
        self._path = path
        self._setting = "ADMIN_KEYS" if is_admin else "CLIENT_KEYS"

    async def new(self, name: str, key: str, tags: Mapping[str, str], dates: Dates) -> str:
        """Add a key to the file."""
        keys = self._read()
        if name in keys:
            raise KeyCommandError(f"There is a key {name} already. Rotate it, or choose another name.")
        keys[name] = {KEY: key, **_members(tags, dates)}
        return self._write(keys)

    async def entries(self) -> list[Entry]:
        """Return all keys by their names."""
        return [_entry(name, members) for name, members in sorted(self._read().items())]

    async def limit(self, name: str, tags: Mapping[str, str], dates: Dates) -> str:
        """Change some limits."""
        keys = self._read()
        keys[name] = {**self._existing(keys, name), **_members(tags, dates)}
        return self._write(keys)

    async def rotate(self, name: str, key: str, overlap: str | None, dates: Dates) -> str:
        """Replace the key."""
        if overlap is not None:
            raise KeyCommandError("A local file has one key for each name, so there is no overlap.")
        keys = self._read()
        keys[name] = {**self._existing(keys, name), KEY: key, **_members({}, dates)}
        checked_dates(_entry(name, keys[name]).dates)
        return self._write(keys)

    async def revoke(self, name: str) -> str:
        """Remove the key."""
        keys = self._read()
        self._existing(keys, name)
        del keys[name]
        return self._write(keys)

    async def close(self) -> None:
        """Do nothing: the file is closed."""

    def _read(self) -> dict[str, Members]:
        text = str(self._values(self._document()).get(self._setting) or "").strip()
        try:
            with_limits(parse_client_keys(text), LimitRules()) if "@" not in text else parse_client_keys(text)
            if text.startswith("{"):
                return {name: json_object(members) for name, members in json_object(decode_json(text)).items()}
            return {name: {KEY: key} for _, (name, key) in pairs(text, "name=key")}
        except ValueError as error:
            raise KeyCommandError(f"{self._setting} of {self._path} {error}.") from None

    def _write(self, keys: Mapping[str, Members]) -> str:
        document = self._document()
        self._values(document)[self._setting] = json.dumps(keys)
        self._path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        return f"written to {self._setting} of {self._path}; start the app anew"

    def _document(self) -> Members:
        try:
            return json_object(decode_json(self._path.read_bytes())) if self._path.exists() else {}
        except ValueError as error:
            raise KeyCommandError(f"{self._path} {error}.") from None

    def _values(self, document: Members) -> Members:
        values = document.setdefault("Values", {})
        if not isinstance(values, dict):
            raise KeyCommandError(f"Values of {self._path} must be an object.")
        return values

    def _existing(self, keys: Mapping[str, Members], name: str) -> Members:
        if name not in keys:
            raise KeyCommandError(f"There is no key {name}.")
        return keys[name]


def _members(tags: Mapping[str, str], dates: Dates) -> Members:
    if dates.starts is not None:
        raise KeyCommandError("A key of a local file works at once.")
    members: Members = {name: int(text) if text.isdecimal() else text for name, text in checked_tags(tags).items()}
    return members | ({EXPIRES: format_date(dates.expires)} if dates.expires is not None else {})


def _entry(name: str, members: Members) -> Entry:
    tags = {
        tag: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for tag, value in members.items()
        if tag in LIMITS or tag == NOTE
    }
    expires = members.get(EXPIRES)
    return Entry(name=name, tags=tags, dates=Dates(expires=parse_date(str(expires)) if expires else None))
