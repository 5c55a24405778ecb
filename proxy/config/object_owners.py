"""Owners of the objects that Azure keeps: what signs their ids, and whose those are that have no owner."""

from dataclasses import dataclass

from proxy.config import table
from proxy.config.environment import Environment, SettingError
from proxy.values import ClientAuth, Secret, StoredObjects


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectOwners:
    """The keys that sign ids, none if they are in the vault; with `strict` objects without an owner are nobody's."""

    signing_keys: tuple[Secret, ...]
    strict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObjectSettings:
    """Whether Azure may keep objects, and their owners, None where all clients share them."""

    are_on: bool
    owners: ObjectOwners | None


def read_stored_objects(environment: Environment, client_auth: ClientAuth) -> StoredObjectSettings:
    """Return the settings of stored objects; raise `SettingError` if their owners cannot be known."""
    mode, keys = environment.read(table.STORED_OBJECTS), environment.read_optional(table.ID_SIGNING_KEY) or ()
    owners = ObjectOwners(signing_keys=keys, strict=environment.read(table.STORED_OBJECTS_WITHOUT_OWNER))
    if mode is not StoredObjects.OWNED:
        return StoredObjectSettings(are_on=mode is not StoredObjects.OFF, owners=None)
    if client_auth in (ClientAuth.AZURE_KEY, ClientAuth.RESOURCE_KEY):
        raise SettingError(
            table.STORED_OBJECTS.name,
            f"must not be owned while CLIENT_AUTH is {client_auth.value}: clients have no names then",
        )
    if not keys and not environment.is_set(table.KEY_VAULT_URL):
        raise SettingError(
            table.ID_SIGNING_KEY.name, "is not set, nor KEY_VAULT_URL, but STORED_OBJECTS is owned: ids must be signed"
        )
    return StoredObjectSettings(are_on=True, owners=owners)
