"""Reads environment variables, with one parser for each kind of setting.

A parser takes the text of a variable and returns its value, or raises ValueError with what is expected. The text itself
never stands in a message: it may be a secret that was put into the wrong variable.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from proxy.errors import ConfigurationError
from proxy.values import DEPLOYMENT_NAME, Api, AuthMode, ClientAuth, KeepAlive, ModelKind, Secret, StoredObjects

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_MODEL_NAME = 256  # characters; OpenAI's longest names, those of fine-tuned models, have about 100
SECRET_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")
VISIBLE = re.compile(r"[\x21-\x7e]+")
_MEMBER_NAME = re.compile(r"[A-Za-z_]{1,40}")
_APIS: Mapping[str, Api | None] = {"auto": None, **{api.value: api for api in Api}}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Setting(Generic[T_co]):
    """One environment variable.

    `default` is what the variable would say, empty when there is no default; `description` is Markdown.
    """

    name: str
    parse: Callable[[str], T_co]
    default: str
    description: str


class SettingError(ConfigurationError):
    """A setting is wrong; the message names the variable and what is expected, never the value."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name


class Environment:
    """The environment variables of the process; an empty one counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def is_set(self, setting: Setting[object]) -> bool:
        """Tell whether the variable is set to something."""
        return bool(self._text(setting))

    def read(self, setting: Setting[T]) -> T:
        """Return the value of the variable or of its default; raise `SettingError` for a wrong or missing one."""
        text = self._text(setting)
        try:
            return setting.parse(text or setting.default)
        except ValueError as error:
            raise SettingError(setting.name, str(error) if text else f"is not set: it {error}") from None

    def read_optional(self, setting: Setting[T]) -> T | None:
        """Return the value of the variable, or None when it is unset."""
        return self.read(setting) if self.is_set(setting) else None

    def _text(self, setting: Setting[object]) -> str:
        return self._environ.get(setting.name, "").strip()


def matching(pattern: str | re.Pattern[str], expected: str) -> Callable[[str], str]:
    """Return a parser for texts of one form."""
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(expected)
        return text

    return parse


def one_of(choices: Mapping[str, T]) -> Callable[[str], T]:
    """Return a parser for one of several words."""
    *others, last = choices

    def parse(text: str) -> T:
        if text not in choices:
            raise ValueError(f"must be {', '.join(others)} or {last}")
        return choices[text]

    return parse


parse_api_version = matching(
    r"v1|[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?", "must be a date, as 2025-04-01-preview, or v1"
)
parse_deployment = matching(
    DEPLOYMENT_NAME, "must be a deployment's name: at most 64 letters, digits, '.', '_' and '-'"
)
parse_secret_name = matching(SECRET_NAME, "must be a secret's name: letters, digits and '-'")
parse_client_id = matching(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "must be the client id of a user-assigned identity, a GUID"
)
parse_template_version = matching(r"v?[0-9A-Za-z.+-]{1,64}", "must be a version, as v1.2.3")
parse_auth_mode = one_of({mode.value: mode for mode in AuthMode if mode is not AuthMode.NONE})
parse_client_auth = one_of({mode.value: mode for mode in ClientAuth})
parse_stored_objects = one_of({one.value: one for one in StoredObjects})
parse_unowned_objects = one_of({"nobody": True, "everybody": False})
parse_content_filter_results = one_of({"strip": False, "keep": True})
parse_keep_alive = one_of({kind.value: kind for kind in KeepAlive})

_visible = matching(VISIBLE, "must have no spaces and no characters outside of ASCII")


def parse_token_scope(text: str) -> str:
    """Return the scope of an Entra token."""
    if not (text.startswith("https://") and text.endswith("/.default")):
        raise ValueError("must start with https:// and end with /.default")
    return text


def parse_secret(text: str) -> Secret:
    """Return a secret of visible ASCII characters, so that it fits into a header."""
    return Secret(_visible(text))


# Characters: as hexadecimal digits they are 128 bits, which nobody guesses.
SHORTEST_SIGNING_KEY = 32
_MOST_SIGNING_KEYS = 2


def parse_signing_keys(text: str) -> tuple[Secret, ...]:
    """Return the key that signs ids, and behind a comma the one before, which is still valid."""
    keys = [_visible(key.strip()) for key in text.split(",")]
    if len(keys) > _MOST_SIGNING_KEYS or min(map(len, keys)) < SHORTEST_SIGNING_KEY:
        raise ValueError(f"must be one or two keys of {SHORTEST_SIGNING_KEY} characters or more, with a comma between")
    return tuple(map(Secret, keys))


def parse_flag(text: str) -> bool:
    """Return whether something is switched on."""
    if text.lower() not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[text.lower()]


def parse_seconds(text: str) -> float:
    """Return a positive number of seconds."""
    expected = "must be a number of seconds above 0"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(expected) from None
    if not 0 < value <= 86_400:
        raise ValueError(expected + " and at most 86400")
    return value


def parse_count(text: str) -> int:
    """Return a positive whole number."""
    if not (text.isascii() and text.isdigit() and int(text[:18]) > 0 and len(text) <= 18):
        raise ValueError("must be a whole number above 0")
    return int(text)


def parse_size(text: str) -> int:
    """Return a number of bytes, which may be 0."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("must be a whole number, 0 or above")
    return int(text)


def parse_model_mapper(text: str) -> Mapping[str, str]:
    """Return model names and the deployments that serve them, from `model=deployment,model=deployment`."""
    mapper: dict[str, str] = {}
    for number, (model, name) in pairs(text, "model=deployment"):
        if not DEPLOYMENT_NAME.fullmatch(name):
            raise ValueError(f"has no deployment's name in entry {number}")
        if model in mapper:
            raise ValueError(f"names the model of entry {number} twice")
        mapper[model] = name
    return mapper


def parse_default_deployments(text: str) -> Mapping[ModelKind, str]:
    """Return the default deployment of each kind of model, from JSON."""
    return json_default_deployments(decode_json(text), parse_deployment) if text else {}


def json_default_deployments(value: object, parse: Callable[[str], str]) -> Mapping[ModelKind, str]:
    """Return the default deployment of each kind of model; `parse` reads a deployment's name."""
    found = json_object(value)
    kinds = {kind.value: kind for kind in ModelKind}
    if not found.keys() <= kinds.keys():
        raise ValueError(f"must have nothing but {', '.join(kinds)} on the left")
    return {kinds[name]: parse(json_text(deployment)) for name, deployment in found.items()}


def parse_deployment_apis(text: str) -> Mapping[str, Api]:
    """Return the only API to call of single deployments, from `deployment=chat,deployment=responses`."""
    chosen: dict[str, str] = {}
    for number, (deployment, api) in pairs(text, "deployment=chat, =responses or =auto"):
        if not DEPLOYMENT_NAME.fullmatch(deployment):
            raise ValueError(f"has no deployment's name in entry {number}")
        if api not in _APIS:
            raise ValueError(f"must say chat, responses or auto in entry {number}")
        if deployment in chosen:
            raise ValueError(f"names the deployment of entry {number} twice")
        chosen[deployment] = api
    return _without_auto(chosen)


def json_deployment_apis(value: object, parse: Callable[[str], str]) -> Mapping[str, Api]:
    """Return the only API to call of single deployments; `parse` reads a deployment's name."""
    found = {parse(name): json_text(api) for name, api in json_object(value).items()}
    if not _APIS.keys() >= set(found.values()):
        raise ValueError("must have nothing but chat, responses or auto on the right")
    return _without_auto(found)


def _without_auto(chosen: Mapping[str, str]) -> Mapping[str, Api]:
    return {deployment: api for deployment, name in chosen.items() if (api := _APIS[name]) is not None}


def parse_operation_surfaces(text: str) -> Mapping[str, str]:
    """Return the surface of single operations, from `operation=v1,operation=classic`."""
    surfaces: dict[str, str] = {}
    for number, (operation, surface) in pairs(text, "operation=v1 or operation=classic"):
        if surface not in ("v1", "classic"):
            raise ValueError(f"must say v1 or classic in entry {number}")
        if operation in surfaces:
            raise ValueError(f"names the operation of entry {number} twice")
        surfaces[operation] = surface
    return surfaces


def pairs(text: str, shape: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield the two sides of each entry of `left=right,left=right`, with the number of the entry."""
    for number, entry in enumerate((part for part in text.split(",") if part.strip()), start=1):
        left, equals, right = entry.partition("=")
        if not (equals and left.strip() and right.strip()):
            raise ValueError(f"must be a list of {shape}, separated by commas: entry {number} is not")
        yield number, (left.strip(), right.strip())


def decode_json(document: str | bytes) -> object:
    """Return the plain values of a JSON text; raise ValueError with what is expected, never with a part of it.

    A name that occurs twice in one object is refused, because one of the two would be ignored silently.
    """
    # Not msgspec: it keeps the last of two equal names and does not tell. Imported here, because few set-ups need it.
    import json  # noqa: PLC0415

    repeated: list[str] = []

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.append(next(name for name in members if names.count(name) > 1))
        return members

    try:
        value: object = json.loads(document, object_pairs_hook=collect, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"must be JSON: line {error.lineno}, column {error.colno} is wrong") from None
    except (ValueError, RecursionError):
        raise ValueError("must be JSON in UTF-8, with numbers of a common size and few levels") from None
    if repeated:
        raise ValueError(f"must not say {printable_member(repeated[0])} twice in one object")
    return value


def _refuse_constant(constant: str) -> None:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(constant)


def json_object(value: object) -> dict[str, object]:
    """Return a value of JSON that must be an object."""
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004  a wrong setting is a ValueError, whatever is wrong
    return value


def json_text(value: object) -> str:
    """Return a value of JSON that must be a text."""
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004
    return value


def json_number(value: object, largest: float) -> float:
    """Return a value of JSON that must be a number from 0 to `largest`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        raise ValueError(f"must be a number from 0 to {largest:.0f}")
    return float(value)


def printable_member(name: str) -> str:
    """Return the name of a member for a message, unless it may be a secret in the wrong place."""
    return name if _MEMBER_NAME.fullmatch(name) else "a member"


def is_model_name(name: object) -> bool:
    """Tell whether a value of JSON can be the name of a model."""
    return isinstance(name, str) and 0 < len(name) <= MAX_MODEL_NAME and name.isprintable() and name == name.strip()
