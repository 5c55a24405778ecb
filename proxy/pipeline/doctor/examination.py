"""What one run knows of a set-up, and what its steps find out for the later ones."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proxy.azure_services.identity import Identity
from proxy.azure_services.probes import Probed, Probes
from proxy.config.resources import ReadFile, Resource
from proxy.config.settings import Settings
from proxy.diagnosis import clocks, commands
from proxy.diagnosis.commands import Holder
from proxy.diagnosis.findings import Finding, finding
from proxy.diagnosis.seen import Seen
from proxy.values import PASSTHROUGH, AuthMode, ClientKey, Deployed, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How a check has ended: what is wrong, what else was seen, and whether it was skipped."""

    check: str
    found: tuple[Finding, ...] = ()
    detail: str = ""
    skipped: bool = False


@dataclass(slots=True, kw_only=True)
class Examination:
    """One run over `settings`.

    `calls` allows a call of one token to each deployment. `has_identity` and `vault_is_readable` are what the first
    steps have found out, `secrets` the keys of resources that they have read and `keys` those of clients, `deployed`
    the deployments that are there, `skews` how far this clock is from others. `read_file` returns a file of the app.
    """

    environ: Mapping[str, str]
    settings: Settings
    read_file: ReadFile
    identity: Identity
    probes: Probes
    calls: bool
    now: Callable[[], float] = time.time
    holder: Holder = field(default_factory=Holder)
    has_identity: bool = False
    vault_is_readable: bool = False
    secrets: dict[str, Secret] = field(default_factory=dict)
    keys: tuple[ClientKey, ...] = ()
    deployed: dict[str, Deployed | None] = field(default_factory=dict)
    skews: dict[str, float] = field(default_factory=dict)

    def checked(self, check: str, *seen: Seen, detail: str = "", facts: Mapping[str, str] | None = None) -> Checked:
        """Return a check with what was seen to be wrong, in words; `facts` are ids of what it is about."""
        places = {**self.places(), **(facts or {})}
        found = tuple(finding(check, one.code, one.subject, {**places, **one.facts}) for one in seen)
        return Checked(check=check, found=found, detail=detail)

    def places(self) -> Mapping[str, str]:
        """Return the ids of the app, its identity and its vault, for the commands that mend what is wrong."""
        return commands.of_app(self.environ, self.settings, self.holder)

    async def connect(self, url: str) -> Probed:
        """Connect to a server, and remember how far this clock is from its own if it has answered."""
        connected = await self.probes.connect(url)
        skew = clocks.skew_of(connected.headers.get("date", ""), connected.clock)
        if skew is not None:
            self.skews[urlsplit(url).netloc] = skew
        return connected

    @property
    def has_own_credential(self) -> bool:
        """Tell whether the proxy calls with its own credential, and not with the clients'."""
        return self.settings.client_auth not in PASSTHROUGH

    def key_secrets(self) -> Mapping[str, Resource]:
        """Return the secrets of the vault that hold keys, each with a resource that it is for."""
        kept = (one for one in self.settings.resources if one.auth is AuthMode.KEY_VAULT)
        return {one.key_secret: one for one in reversed(tuple(kept))}

    def needs_identity(self) -> bool:
        """Tell whether anything is read or called with the identity of the process."""
        resources = self.settings.resources
        uses = any(one.auth is AuthMode.MANAGED_IDENTITY or one.resource_id is not None for one in resources)
        tables = (self.settings.limits_store, self.settings.usage.store)
        # The emulator on this machine has a key that everybody knows.
        reads = self.settings.key_vault_url is not None or any(one.startswith("https:") for one in tables)
        return self.has_own_credential and (uses or reads)
