"""The limits of a client key, as the tags of its secret or the members of its JSON say them.

A limit that is written wrongly must not count as none: what looks like a limit and is not one is refused, so that the
key can be locked. Other tags are somebody else's, and pass.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from proxy.config.environment import decode_json, is_model_name, json_object, json_text, matching, parse_count
from proxy.values import NO_LIMITS, Budget, Limits

MODELS, EXPIRES = "models", "expires"
# Tags, and the fields of `Limits` that they set.
LIMITS: Mapping[str, str] = {
    MODELS: "models",
    "rpm": "rpm",
    "tpm": "tpm",
    "concurrency": "concurrency",
    "max-output-tokens": "max_output_tokens",
    "budget-usd": "budget",
    "budget": "budget_kind",
}
_BUDGET, _KIND = "budget-usd", "budget"
_SOFT = "soft"
_HARD = "hard"
NOTE = "note"
# Dollars and cents, down to a micro-dollar.
_DOLLARS = re.compile(r"(\d{1,9})(?:\.(\d{1,6}))?")
UNLIMITED, ANY_MODEL, SET_MARK = "unlimited", "*", "@"
# What people write who mean one of the limits; an expiry is an attribute of the secret.
_MEANT = frozenset(
    {
        *("max-tokens", "max-output", "max-completion-tokens", "output-tokens", "requests-per-minute"),
        *("tokens-per-minute", "parallel", "rate", "rate-limit", "limit", "limits", "quota", "expiry", EXPIRES),
    }
)
_SEPARATORS = re.compile(r"[\s_.]+")
_SHOWN = re.compile(r"[\w .-]{1,40}")
_MOST_MODELS = 200
# A name of this length may differ in one character, a longer one in two.
_SHORT_NAME = 6
ModelSets = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRules:
    """How tags become limits: what holds where a key says nothing, and the sets of models that it may name."""

    defaults: Limits = NO_LIMITS
    model_sets: ModelSets = field(default_factory=dict)

    def read(self, tags: Mapping[str, str]) -> Limits | None:
        """Return the limits, None where there are none; raise ValueError for a limit that is wrong or misspelt."""
        for name in tags:
            if name not in LIMITS and resembles_limit(name):
                raise ValueError(f"has a tag {_shown(name)}, which is no limit: the limits are {', '.join(LIMITS)}")
        given = {LIMITS[name]: self._read(name, text) for name, text in tags.items() if name in LIMITS}
        kind = given.pop("budget_kind", None)
        limits = replace(self.defaults, **given)  # type: ignore[arg-type]
        if kind is not None:
            limits = replace(limits, budget=_of_kind(limits.budget, is_hard=kind != _SOFT))
        return None if limits == NO_LIMITS else limits

    def _read(self, name: str, text: str) -> object:
        try:
            if name == MODELS:
                return self._models(text)
            if name == _KIND:
                return parse_budget_kind(text.strip())
            parse = parse_budget if name == _BUDGET else parse_count
            return None if text.strip() == UNLIMITED else parse(text.strip())
        except ValueError as error:
            raise ValueError(f"has a tag {name} that {error}") from None

    def _models(self, text: str) -> tuple[str, ...] | None:
        names = [name.strip() for name in text.split(",") if name.strip()]
        models = tuple(dict.fromkeys(model for name in names for model in self._named(name)))
        if not models or len(models) > _MOST_MODELS or not all(map(is_model_name, models)):
            raise ValueError(f"must have 1 to {_MOST_MODELS} names of models, separated by commas")
        return None if ANY_MODEL in models else models

    def _named(self, name: str) -> tuple[str, ...]:
        if not name.startswith(SET_MARK):
            return (name,)
        if name[1:] not in self.model_sets:
            raise ValueError("names a set that CLIENT_KEY_MODEL_SETS does not have")
        return self.model_sets[name[1:]]


def parse_budget(text: str) -> Budget:
    """Return a hard budget of so many dollars a month; raise ValueError."""
    match = _DOLLARS.fullmatch(text)
    micro_dollars = int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0")) if match and text.isascii() else 0
    if not micro_dollars:
        raise ValueError("must be dollars a month, such as 25 or 2.50, more than 0")
    return Budget(micro_dollars=micro_dollars)


def parse_budget_kind(text: str) -> str:
    """Return whether a budget is hard or soft; raise ValueError."""
    if text not in {_HARD, _SOFT}:
        raise ValueError("must be hard or soft")
    return _SOFT if text == _SOFT else _HARD


def _of_kind(budget: Budget | None, *, is_hard: bool) -> Budget:
    if budget is None:
        raise ValueError(f"has a tag {_KIND} without a tag {_BUDGET}")
    return replace(budget, is_hard=is_hard)


def parse_whole_budget(text: str) -> Budget | None:
    """Return the budget of the whole proxy, `25` or `25 soft`, None for an empty text; raise ValueError."""
    amount, _, kind = text.strip().partition(" ")
    if not amount:
        return None
    return replace(parse_budget(amount), is_hard=parse_budget_kind(kind.strip() or _HARD) == _HARD)


def has_limits(tags: Mapping[str, str]) -> bool:
    """Tell whether any tag is a limit, or is meant to be one."""
    return any(name in LIMITS or resembles_limit(name) for name in tags)


def resembles_limit(name: str) -> bool:
    """Tell whether the name of a tag is close to that of a limit."""
    plain = _SEPARATORS.sub("-", name.strip().lower())
    if plain in _MEANT or plain in LIMITS:
        return True
    return any(_is_near(plain, limit, 1 if len(limit) <= _SHORT_NAME else 2) for limit in LIMITS)


def _is_near(one: str, other: str, most: int) -> bool:
    """Tell whether two names differ in at most so many characters: others, more, fewer, or two that changed places."""
    if abs(len(one) - len(other)) > most:
        return False
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        above, row = row, [i]
        for j, b in enumerate(other, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1] <= most or _is_swapped(one, other)


def _is_swapped(one: str, other: str) -> bool:
    return any(one[:i] + one[i + 1 : i + 2] + one[i : i + 1] + one[i + 2 :] == other for i in range(len(one)))


def _shown(name: str) -> str:
    return f"`{name}`" if _SHOWN.fullmatch(name) else "with a strange name"


def tags_of(members: Mapping[str, object]) -> dict[str, str]:
    """Return the members of a JSON object as the tags that say the same; raise ValueError for other members."""
    return {name: _text_of(name, value) for name, value in members.items()}


def _text_of(name: str, value: object) -> str:
    if name not in LIMITS:
        raise ValueError(f"has a member that is none of {', '.join(LIMITS)}")
    if name == MODELS and isinstance(value, list):
        if not all(isinstance(one, str) and "," not in one for one in value):
            raise ValueError("must have a list of names without commas as models")
        return ",".join(value)
    is_number = isinstance(value, (int, float) if name == _BUDGET else int) and not isinstance(value, bool)
    return str(value) if is_number else json_text(value)


def parse_limit_defaults(text: str) -> Mapping[str, str]:
    """Return the limits of keys that say nothing, as tags, from JSON."""
    return tags_of(json_object(decode_json(text))) if text else {}


def parse_model_sets(text: str) -> ModelSets:
    """Return sets of models by their names, from JSON."""
    sets = json_object(decode_json(text)) if text else {}
    return {_set_name(name): tuple(_members(value)) for name, value in sets.items()}


_set_name: Callable[[str], str] = matching(r"[A-Za-z0-9._-]{1,64}", "must have names of letters, digits, '.', '_', '-'")


def _members(value: object) -> Iterable[str]:
    if not isinstance(value, list) or not all(map(is_model_name, value)):
        raise ValueError("must have a list of names of models for each set")
    return value
