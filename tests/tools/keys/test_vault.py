"""The commands against a vault, as a process, and the proxy's own view of what they have written."""

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp.connector
import pytest

from proxy.auth.keys import KeyRing
from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.vault_client_keys import VaultClientKeys
from proxy.config.key_format import digest_of, is_mistyped
from proxy.errors import Unauthenticated
from proxy.values import Client, Limits
from tests.fakes.identity import FakeIdentity
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault
from tests.processes import REPOSITORY
from tools.keys.__main__ import run

# No key of these tests ends before they are run.
END, END_SECONDS = "2999-01-31", 32_474_736_000.0
OLD = "canary-old-0123456789abcdef"
OLDER = "canary-older-0123456789abc"
LIMITS = ("--models", "gpt-5*,o3", "--rpm", "60", "--note", "web shop")


@dataclass(frozen=True, kw_only=True)
class World:
    """A vault, and what runs a command against it."""

    vault: FakeKeyVault
    keys: VaultClientKeys

    async def run(self, *arguments: str) -> tuple[int, str]:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            status = await run(["--vault", self.vault.url, *arguments])
        return status, printed.getvalue()

    async def made(self, *arguments: str) -> str:
        """Return the key that a command has made, which is its last line."""
        status, printed = await self.run(*arguments)
        assert status == 0, printed
        return printed.splitlines()[-1]

    async def client(self, key: str) -> Client | None:
        """Return whom the proxy takes for the holder of a key."""
        try:
            return KeyRing(await self.keys.read(), b"pepper").identify({"api-key": key}, 1_700_000_000.0)
        except Unauthenticated:
            return None

    async def operator(self, key: str) -> str | None:
        """Return the name of the operator whose key it is."""
        try:
            return KeyRing(await self.keys.read(), b"pepper").identify_admin({"api-key": key}, 1_700_000_000.0).name
        except Unauthenticated:
            return None

    def tags(self, name: str) -> Mapping[str, str]:
        return self.vault.secrets[f"client-{name}"][-1].tags


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with FakeIdentity() as identity, FakeKeyVault() as vault:
        monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", vault.client_context())
        for name, value in identity.environ().items():
            monkeypatch.setenv(name, value)
        own = Identity(client_id=None, managed=True)
        opened = KeyVault(vault.url, own)
        yield World(vault=vault, keys=VaultClientKeys(opened))
        await opened.close()
        await own.close()


async def test_a_new_key_is_shown_once_and_opens_with_its_limits(world: World) -> None:
    status, printed = await world.run("new", "alice", *LIMITS, "--expires", END)
    key = printed.splitlines()[-1]
    assert (status, is_mistyped(key), printed.count(key)) == (0, False, 1)
    assert printed.startswith(f"az keyvault secret set --vault-name 127 --name client-alice --expires {END}T00:00:00Z")
    assert '--value "$KEY"' in printed
    assert "'models=gpt-5*,o3'" in printed
    assert await world.client(key) == Client(
        name="alice", expires=END_SECONDS, limits=Limits(models=("gpt-5*", "o3"), rpm=60)
    )
    assert not any(call.startswith("get") for call in world.vault.calls)


async def test_a_name_in_use_is_refused(world: World) -> None:
    world.vault.put("client-alice", OLD)
    status, printed = await world.run("new", "alice")
    assert (status, "already" in printed) == (1, True)
    assert len(world.vault.secrets["client-alice"]) == 1


@pytest.mark.parametrize(
    "arguments",
    [("new", "a_b"), ("new", "a", "--rpm", "0"), ("new", "a", "--models", "x" * 300), ("limit", "nobody", "--rpm", "1"),
     ("rotate", "nobody"), ("revoke", "nobody"), ("new", "a", "--expires", "tomorrow")],
)  # fmt: skip
async def test_what_cannot_be_done_is_told_in_a_line_and_changes_nothing(
    world: World, arguments: tuple[str, ...]
) -> None:
    status, printed = await world.run(*arguments)
    assert (status, printed.count("\n")) == (1, 1)
    assert world.vault.secrets == {}


async def test_limits_change_one_by_one_and_a_key_without_a_digest_gets_one(world: World) -> None:
    world.vault.put("client-alice", OLD, tags={"rpm": "60", "env": "test"}, age=1000)
    status, printed = await world.run("limit", "alice", "--tpm", "100000", "--rpm", "unlimited")
    assert (status, "set-attributes" in printed) == (0, True)
    assert OLD not in printed
    assert world.tags("alice") == {"rpm": "unlimited", "env": "test", "tpm": "100000", "sha256": digest_of(OLD)}
    assert await world.client(OLD) == Client(name="alice", limits=Limits(tpm=100_000))


async def test_limits_of_the_version_before_are_written_down_and_its_key_goes_on(world: World) -> None:
    world.vault.put("client-alice", OLDER, tags={"rpm": "60"}, age=2000)
    world.vault.put("client-alice", OLD, age=1000)
    assert "(without a digest: run limit; the key before it works until disabled)" in (await world.run("list"))[1]
    await world.run("limit", "alice", "--concurrency", "2")
    assert world.tags("alice") == {
        "rpm": "60",
        "concurrency": "2",
        "sha256": digest_of(OLD),
        "previous-sha256": digest_of(OLDER),
        "previous-until": "disabled",
    }
    limits = Limits(rpm=60, concurrency=2)
    assert [await world.client(key) for key in (OLDER, OLD)] == [Client(name="alice", limits=limits)] * 2
    world.vault.enable("client-alice", enabled=False, version=1)
    assert await world.client(OLDER) is None


async def test_a_misspelt_limit_is_taken_out(world: World) -> None:
    world.vault.put("client-alice", OLD, tags={"rmp": "60"}, age=1000)
    assert await world.client(OLD) is None
    assert (await world.run("limit", "alice", "--rpm", "60"))[0] == 0
    assert await world.client(OLD) == Client(name="alice", limits=Limits(rpm=60))


async def test_a_key_is_rotated_with_its_limits_and_its_end(world: World) -> None:
    first = await world.made("new", "alice", *LIMITS, "--expires", f"{END}T00:00:00Z")
    second = await world.made("rotate", "alice")
    limits = Limits(models=("gpt-5*", "o3"), rpm=60)
    assert await world.client(first) is None
    assert await world.client(second) == Client(name="alice", expires=END_SECONDS, limits=limits)
    assert world.tags("alice")["note"] == "web shop"


async def test_an_ended_key_is_rotated_with_a_new_end_alone(world: World) -> None:
    world.vault.put("client-alice", OLD, exp=1_000_000_000)
    status, printed = await world.run("rotate", "alice")
    assert (status, "--expires" in printed, len(world.vault.secrets["client-alice"])) == (1, True, 1)
    assert await world.client(await world.made("rotate", "alice", "--expires", "2999-01-01")) is not None


@pytest.mark.parametrize("overlap", ["disabled", "24h"])
async def test_both_keys_work_during_an_overlap(world: World, overlap: str) -> None:
    world.vault.put("client-alice", OLD, tags={"rpm": "60"}, age=1000)
    second = await world.made("rotate", "alice", "--overlap", overlap)
    found = [await world.client(key) for key in (OLD, second)]
    assert [client.limits if client else None for client in found] == [Limits(rpm=60)] * 2
    world.vault.enable("client-alice", enabled=False, version=1)
    assert await world.client(OLD) is None
    third = await world.made("rotate", "alice")
    assert await world.client(third) is not None
    assert "previous-until" not in world.tags("alice")


async def test_a_revoked_key_opens_nothing(world: World) -> None:
    key = await world.made("new", "alice")
    assert (await world.run("revoke", "alice"))[0] == 0
    assert await world.client(key) is None
    assert world.tags("alice")["sha256"] == digest_of(key)


async def test_the_list_has_limits_ends_and_what_is_wrong_and_no_key(world: World) -> None:
    key = await world.made("new", "alice", *LIMITS, "--expires", END)
    world.vault.put("client-bob", OLD, tags={"rmp": "1"})
    world.vault.put("client-carol", OLD, tags={"models": "@small"})
    world.vault.enable("client-carol", enabled=False)
    world.vault.put("client-dave", OLD, nbf=32_000_000_000)
    world.vault.put("azure-openai-key", OLD)
    status, printed = await world.run("list")
    lines = {line.split()[0]: line for line in printed.splitlines()[1:]}
    assert (status, set(lines)) == (0, {"alice", "bob", "carol", "dave"})
    assert f"{END}T00:00:00Z  models=gpt-5*,o3 rpm=60 note=web shop" in lines["alice"]
    assert "(locked: it has a tag `rmp`" in lines["bob"]
    assert lines["carol"].split()[1:] == ["disabled", "models=@small"]
    assert lines["dave"].split()[1:3] == ["early", "(without"]
    assert not any(word in printed for word in (key, OLD, digest_of(key)))


async def test_a_vault_that_refuses_is_told_in_a_line(world: World) -> None:
    world.vault.fault = Fault(status=403)
    status, printed = await world.run("list")
    assert (status, "Key Vault Secrets Officer" in printed, "Traceback" in printed) == (1, True, False)


async def test_the_command_line_finds_its_vault_in_the_environment() -> None:
    async with FakeIdentity() as identity, FakeKeyVault() as vault:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tools.keys", "new", "alice"),
            cwd=REPOSITORY,
            env=os.environ | vault.environ() | identity.environ(),
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0
        assert vault.secrets["client-alice"][-1].value == printed.decode().splitlines()[-1]


async def test_without_a_vault_or_a_file_the_options_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KEY_VAULT_URL", raising=False)
    assert await run(["list"]) == 1
    assert capsys.readouterr().err == "Say --vault NAME, or --file local.settings.json for your own machine.\n"


async def test_the_key_of_an_operator_is_made_listed_rotated_and_revoked(world: World) -> None:
    world.vault.put("client-alice", OLD)
    status, printed = await world.run("new", "alice", "--admin", "--expires", "2999-01-01", "--note", "for the doctor")
    first = printed.splitlines()[-1]
    assert status == 0
    assert printed.startswith("az keyvault secret set --vault-name 127 --name admin-alice")
    assert [await world.operator(key) for key in (first, OLD)] == ["alice", None]
    assert await world.client(first) is None
    assert (await world.run("list", "--admin"))[1].splitlines()[1].split()[:2] == ["alice", "enabled"]
    second = await world.made("rotate", "alice", "--admin")
    assert [await world.operator(key) for key in (first, second)] == [None, "alice"]
    assert (await world.run("revoke", "alice", "--admin"))[0] == 0
    assert await world.operator(second) is None
    assert await world.client(OLD) is not None


async def test_the_key_of_an_operator_that_was_made_by_hand_gets_a_digest_and_no_overlap(world: World) -> None:
    world.vault.put("admin-eve", OLDER, age=2000)
    world.vault.put("admin-eve", OLD, age=1000)
    assert (await world.run("list", "--admin"))[1].split()[4:] == ["eve", "enabled"]
    assert (await world.run("limit", "eve", "--admin", "--expires", "2999-01-01"))[0] == 0
    assert world.vault.secrets["admin-eve"][-1].tags == {"sha256": digest_of(OLD)}
    assert [await world.operator(key) for key in (OLD, OLDER)] == ["eve", None]


@pytest.mark.parametrize("arguments", [("new", "a", "--rpm", "1"), ("rotate", "a", "--overlap", "24h")])
async def test_the_key_of_an_operator_has_no_limits_and_no_overlap(world: World, arguments: tuple[str, ...]) -> None:
    status, printed = await world.run(*arguments, "--admin")
    assert (status, printed) == (1, "The key of an operator has no limits, and no overlap.\n")
    assert world.vault.secrets == {}
