"""The variables that say which resources there are: one by a variable for each of its traits, or several as JSON."""

from dataclasses import replace
from functools import partial

from proxy.settings import endpoints, parse
from proxy.settings.reader import Reader, SettingError
from proxy.settings.resources import KEY_SECRET, ReadFile, Resource, ResourceKind, name_in, parse_resources
from proxy.values import AuthMode, ClientAuth

_SEVERAL = "AZURE_OPENAI_RESOURCES"
_ENDPOINT = "AZURE_OPENAI_ENDPOINT"
# What an entry of several says for itself. AZURE_OPENAI_API_VERSION and AZURE_OPENAI_KEY_SECRET are defaults for all.
_OF_ONE = (
    _ENDPOINT,
    "AZURE_OPENAI_MODEL_MAPPER",
    "AZURE_OPENAI_DEFAULT_DEPLOYMENT",
    "AZURE_OPENAI_AUTH",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_RESOURCE_ID",
)
_NAMELESS = "azure-openai"  # for an address in numbers


def no_file(path: str) -> bytes:
    """Refuse to read any file."""
    raise FileNotFoundError(path)


def read_resources(
    read: Reader, client_auth: ClientAuth, *, api_version: str, read_file: ReadFile
) -> tuple[Resource, ...]:
    """Return the resources, none where every client names its own.

    `api_version` is for what has none of its own. Raises `SettingError`, also when both ways are taken at once.
    """
    found = _found(read, client_auth, api_version, read_file)
    if client_auth is ClientAuth.KEYS:
        return found
    if client_auth is ClientAuth.AZURE_KEY and [one.kind for one in found] != [ResourceKind.AZURE]:
        raise SettingError(
            _SEVERAL, "must have one entry, of kind azure, while CLIENT_AUTH is azure-key: a key is for one resource"
        )
    # Where clients bring keys and choose hosts, ours must not be at hand at all.
    return tuple(replace(one, api_key=None) for one in found)


def _found(read: Reader, client_auth: ClientAuth, api_version: str, read_file: ReadFile) -> tuple[Resource, ...]:
    key_secret = read("AZURE_OPENAI_KEY_SECRET", parse.secret_name, KEY_SECRET)
    if read.has(_SEVERAL):
        _refuse_two_ways(read)
        several = partial(
            parse_resources,
            vault=read.has("KEY_VAULT_URL"),
            read_file=read_file,
            api_version=api_version,
            key_secret=key_secret,
        )
        return read.required(_SEVERAL, several)
    if client_auth is ClientAuth.RESOURCE_KEY and not read.has(_ENDPOINT):
        return ()
    return (_one(read, client_auth, api_version, key_secret),)


def _refuse_two_ways(read: Reader) -> None:
    for name in _OF_ONE:
        if read.has(name):
            raise SettingError(_SEVERAL, f"and {name} must not both be set: each entry says this for itself")


def _one(read: Reader, client_auth: ClientAuth, api_version: str, key_secret: str) -> Resource:
    endpoint = read.required(_ENDPOINT, parse.endpoint)
    auth, key = _auth(read, client_auth), read.optional("AZURE_OPENAI_API_KEY", parse.secret)
    return Resource(
        name=name_in(endpoint) or _NAMELESS,
        endpoint=endpoint,
        auth=auth,
        key_secret=key_secret,
        api_key=key if auth is AuthMode.KEY else None,
        api_version=api_version,
        models=read("AZURE_OPENAI_MODEL_MAPPER", parse.model_mapper, {}),
        default_deployment=read.optional("AZURE_OPENAI_DEFAULT_DEPLOYMENT", parse.deployment),
        resource_id=read.optional("AZURE_OPENAI_RESOURCE_ID", endpoints.resource_id),
    )


def _auth(read: Reader, client_auth: ClientAuth) -> AuthMode:
    vault, key = read.has("KEY_VAULT_URL"), read.has("AZURE_OPENAI_API_KEY")
    default = AuthMode.KEY_VAULT if vault else AuthMode.KEY if key else AuthMode.MANAGED_IDENTITY
    mode = read("AZURE_OPENAI_AUTH", parse.auth_mode, default)
    if client_auth is not ClientAuth.KEYS:
        return mode  # which nothing asks: the clients bring the credential
    if mode is AuthMode.KEY_VAULT and not vault:
        raise SettingError("KEY_VAULT_URL", "is not set, but AZURE_OPENAI_AUTH is key-vault")
    if mode is AuthMode.KEY and not key:
        raise SettingError("AZURE_OPENAI_API_KEY", "is not set, but AZURE_OPENAI_AUTH is key")
    return mode
