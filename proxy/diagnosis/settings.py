"""Judges the settings one by one, so that every wrong one is named and not the first alone."""

from collections.abc import Iterator, Mapping

from proxy.config import table
from proxy.config.environment import Environment, Setting, SettingError
from proxy.config.resources import ReadFile
from proxy.config.settings import Settings
from proxy.diagnosis.seen import Seen

# A variable that begins so and is not in the table is a misspelt setting.
_PREFIXES = ("AZURE_OPENAI_", "CLIENT_KEY", "UPSTREAM_", "TRANSLATE_")


def judge_settings(
    environ: Mapping[str, str], host_json: bytes, read_file: ReadFile
) -> tuple[Settings | None, tuple[Seen, ...]]:
    """Return the settings, None if they are wrong, and what is wrong with each of them."""
    environment = Environment(environ)
    wrong = [error for one in _table() if (error := _error_of(environment, one)) is not None]
    unknown = tuple(Seen(code="setting_unknown", subject=name) for name in _unknown(environ))
    if not wrong:
        try:
            return Settings.from_environ(environ, host_json, read_file), unknown
        except SettingError as error:
            wrong = [error]
    return None, (*map(_seen, wrong), *unknown)


def _table() -> Iterator[Setting[object]]:
    return (one for section in table.SECTIONS.values() for one in section)


def _error_of(environment: Environment, setting: Setting[object]) -> SettingError | None:
    try:
        environment.read_optional(setting)
    except SettingError as error:
        return error
    return None


def _seen(error: SettingError) -> Seen:
    problem = error.message.removeprefix(error.name).strip()
    return Seen(code="setting_wrong", subject=error.name, facts={"problem": problem})


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    known = {one.name for one in _table()}
    return (name for name in sorted(environ) if name.startswith(_PREFIXES) and name not in known)
