"""The keys that sign the ids of objects: a secret of Key Vault, whose version before stays valid."""

from typing import TYPE_CHECKING

from proxy.azure_services.key_vault import MISSING, KeyVault
from proxy.config.environment import SHORTEST_SIGNING_KEY
from proxy.errors import ConfigurationError
from proxy.openai_api.object_owners import SigningKey

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretProperties

SECRET = "id-signing-key"  # noqa: S105  the secret's name
# A key that is replaced must be known on every instance before ids that it has signed come back to another one.
REFRESH_SECONDS = 45.0
SETTING = "the secret id-signing-key, for STORED_OBJECTS=owned"
VERSIONS = 2
WEAK = "id_signing_key_weak"
_NONE = "Key Vault has no enabled version of the secret id-signing-key, which STORED_OBJECTS=owned needs."
_WEAK = "The secret id-signing-key in Key Vault is too short: it needs 32 characters, as `openssl rand -hex 32` makes."

Keys = tuple[SigningKey, ...]


class VaultSigningKeys:
    """Reads the current version of the secret and the one before."""

    def __init__(self, vault: KeyVault) -> None:
        self._vault = vault

    async def read(self) -> Keys:
        """Return the keys, the newest first; raise `ConfigurationError`."""
        listed = await self._vault.list_versions(SECRET, setting=SETTING)
        enabled = sorted((one for one in listed if one.enabled is not False), key=_created, reverse=True)
        if not enabled:
            raise ConfigurationError(_NONE, reason=MISSING)
        return tuple([await self._read(one.version) for one in enabled[:VERSIONS]])

    async def _read(self, version: str | None) -> SigningKey:
        secret = (await self._vault.read(SECRET, setting=SETTING, version=version)).reveal()
        if len(secret) < SHORTEST_SIGNING_KEY:
            raise ConfigurationError(_WEAK, reason=WEAK)
        return SigningKey(secret)


def _created(version: "SecretProperties") -> float:
    return 0.0 if version.created_on is None else version.created_on.timestamp()
