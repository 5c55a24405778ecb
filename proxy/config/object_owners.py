"""Owners of the objects that Azure keeps: what signs their ids, and whose those are that have no owner."""

from dataclasses import dataclass

from proxy.config import table
from proxy.config.environment import Environment, SettingError
from proxy.values import ClientAuth, Secret, StoredObjects


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectOwnerSettings:
    """The keys that sign ids, none if they are in the vault; with `strict` objects without an owner are nobody's."""

    signing_keys: tuple[Secret, ...]
    strict: bool


def read_object_owners(environment: Environment, client_auth: ClientAuth) -> ObjectOwnerSettings | None:
    """Return the settings of owners, None where objects have none; raise `SettingError` if owners cannot be known."""
    if environment.read(table.STORED_OBJECTS) is not StoredObjects.OWNED:
        return None
    if client_auth in (ClientAuth.AZURE_KEY, ClientAuth.RESOURCE_KEY):
        raise SettingError(
            table.STORED_OBJECTS.name,
            f"must not be owned while CLIENT_AUTH is {client_auth.value}: clients have no names then",
        )
    keys = environment.read_optional(table.ID_SIGNING_KEY) or ()
    if not keys and not environment.is_set(table.KEY_VAULT_URL):
        raise SettingError(
            table.ID_SIGNING_KEY.name, "is not set, nor KEY_VAULT_URL, but STORED_OBJECTS is owned: ids must be signed"
        )
    return ObjectOwnerSettings(signing_keys=keys, strict=environment.read(table.STORED_OBJECTS_WITHOUT_OWNER))
