"""Command line: `python -m tools.keys new|list|limit|rotate|revoke NAME ...`, against a vault or a local file."""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from proxy.config.client_limits import LIMITS, NOTE
from proxy.config.key_format import RANDOM_BYTES, make_key
from tools.keys.entry import (
    Dates,
    Entry,
    KeyCommandError,
    KeyStore,
    checked_dates,
    checked_name,
    format_date,
    limits_of,
    parse_date,
    state_of,
)
from tools.keys.local import LocalKeys

_HELP = {
    "models": "names separated by commas; * for any characters, @NAME for a set of CLIENT_KEY_MODEL_SETS",
    "rpm": "requests a minute",
    "tpm": "tokens a minute",
    "concurrency": "requests at the same time",
    "max-output-tokens": "the most tokens of one answer",
    "budget-usd": "US dollars that may be spent in a calendar month, UTC",
    "budget": "hard, or soft for a budget that refuses nothing",
    "note": "anything, for you",
}
_ROW = "{:<24} {:<9} {:<21} {}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 1 with the reason when it cannot be done."""
    return asyncio.run(run(arguments))


async def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 1 with the reason when it cannot be done."""
    given = parser().parse_args(arguments)
    try:
        store, failures, explain = _open(given)
        try:
            await _command(store, given)
        except failures as error:
            raise KeyCommandError(explain(error)) from None
        finally:
            await store.close()
    except KeyCommandError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _open(given: argparse.Namespace) -> tuple[KeyStore, tuple[type[Exception], ...], Callable[[Exception], str]]:
    """Return where the keys are, what may go wrong there, and what says why."""
    if given.file is not None:
        return LocalKeys(Path(given.file), is_admin=given.admin), (OSError,), str
    if not given.vault:
        raise KeyCommandError("Say --vault NAME, or --file local.settings.json for your own machine.")
    from proxy.azure_services.identity import Identity  # noqa: PLC0415  slow to import
    from tools.keys.vault import FAILURES, VaultKeys, explain  # noqa: PLC0415

    url = given.vault if "://" in given.vault else f"https://{given.vault}.vault.azure.net"
    identity = Identity(client_id=None, managed="IDENTITY_ENDPOINT" in os.environ)
    return VaultKeys(url, identity, is_admin=given.admin), FAILURES, explain


async def _command(store: KeyStore, given: argparse.Namespace) -> None:
    if given.command == "list":
        print("\n".join(_table(await store.entries())))
        return
    name, dates = checked_name(given.name), _dates(given)
    tags = {tag: text for tag in (*LIMITS, NOTE) if (text := getattr(given, tag.replace("-", "_"), None)) is not None}
    if given.admin and (tags.keys() - {NOTE} or getattr(given, "overlap", None)):
        raise KeyCommandError("The key of an operator has no limits, and no overlap.")
    match given.command:
        case "new":
            _show(key := _make_key(), await store.new(name, key, tags, checked_dates(dates)))
        case "rotate":
            _show(key := _make_key(), await store.rotate(name, key, given.overlap, dates))
        case "limit":
            print(await store.limit(name, tags, dates))
        case _:
            print(await store.revoke(name))


def _make_key() -> str:
    return make_key(secrets.token_bytes(RANDOM_BYTES))


def _show(key: str, line: str) -> None:
    print(line)
    print("The key, which is shown this once:")
    print(key)


def _dates(given: argparse.Namespace) -> Dates:
    starts, expires = getattr(given, "starts", None), getattr(given, "expires", None)
    return Dates(starts=parse_date(starts) if starts else None, expires=parse_date(expires) if expires else None)


def _table(entries: Sequence[Entry]) -> Iterator[str]:
    yield _ROW.format("name", "state", "until", "limits")
    for entry in entries:
        limits = " ".join(f"{tag}={text}" for tag, text in limits_of(entry.tags).items())
        end = format_date(entry.dates.expires) if entry.dates.expires is not None else ""
        remark = f" ({entry.remark})" if entry.remark else ""
        yield _ROW.format(entry.name, state_of(entry), end, f"{limits}{remark}").rstrip()


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(prog="python -m tools.keys", description="Client keys and their limits.")
    _add_store(made, os.environ.get("KEY_VAULT_URL"), None, admin=False)
    commands = made.add_subparsers(dest="command", required=True)
    _add_store(commands.add_parser("list", help="all keys and their limits"))
    for command, text in (
        ("new", "make a key and show it once"),
        ("limit", "change limits; those that are not named stay"),
        ("rotate", "replace a key and show the new one once"),
        ("revoke", "end a key"),
    ):
        one = commands.add_parser(command, help=text)
        one.add_argument("name", metavar="NAME")
        _add_store(one)
        _add_options(one, command)
    return made


def _add_store(
    parser: argparse.ArgumentParser,
    vault: str | None = argparse.SUPPRESS,
    file: str | None = argparse.SUPPRESS,
    admin: bool | str = argparse.SUPPRESS,
) -> None:
    """Let the keys' place be named before the command, which has the defaults, and behind it."""
    parser.add_argument("--vault", default=vault, help="name or URL; default KEY_VAULT_URL")
    parser.add_argument("--file", default=file, help="a local.settings.json in place of a vault")
    parser.add_argument("--admin", action="store_true", default=admin, help="keys of operators in place of clients")


def _add_options(parser: argparse.ArgumentParser, command: str) -> None:
    if command in ("new", "limit"):
        for tag in (*LIMITS, NOTE):
            parser.add_argument(f"--{tag}", help=_HELP[tag])
    if command != "revoke":
        parser.add_argument("--expires", help="until when the key works, as 2027-01-31T00:00:00Z")
        parser.add_argument("--starts", help="since when the key works")
    if command == "rotate":
        parser.add_argument("--overlap", help="how long the key before works too: 24h, 30m, 7d, or disabled")


if __name__ == "__main__":
    sys.exit(main())
