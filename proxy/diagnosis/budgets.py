"""Judges what hard budgets rest on: a store that all instances share, and prices that are known, verified and young."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from proxy.config.entra import EntraAccess
from proxy.config.price_table import PriceTable, age_of, is_old
from proxy.diagnosis.seen import Seen
from proxy.values import Budget, ClientKey, Deployed, Limits

# The name of the setting with the budget of all clients.
WHOLE = "PROXY_BUDGET"
_TOKENS = "CLIENT_ENTRA_LIMITS"
_UNVERIFIED = "unverified_price"


def hard_budgets(keys: Iterable[ClientKey], access: EntraAccess | None, whole: Budget | None) -> tuple[str, ...]:
    """Return who has a hard budget: names of client keys, and the settings that give one to others, each once."""
    found = [WHOLE] if whole is not None and whole.is_hard else []
    if access is not None and any(map(_is_hard, (*access.roles.values(), *access.groups.values(), access.others))):
        found.append(_TOKENS)
    return tuple(dict.fromkeys((*found, *(key.client.name for key in keys if _is_hard(key.client.limits)))))


def _is_hard(limits: Limits | None) -> bool:
    return limits is not None and limits.budget is not None and limits.budget.is_hard


def judge_budgets(hard: tuple[str, ...], prices: PriceTable, today: date, *, is_shared: bool) -> Iterator[Seen]:
    """Yield what is wrong with the budgets, and with the age of the prices, whoever uses them."""
    if hard and not is_shared:
        yield Seen(code="budget_without_store", subject=_first(hard))
    if is_old(prices, today):
        yield Seen(code="prices_old", subject="prices", facts={"days": str(age_of(prices, today).days)})


def judge_price(deployment: str, deployed: Deployed | None, doubt: str, hard: tuple[str, ...]) -> Seen:
    """Return that hard budgets refuse the calls of a deployment, for a doubt about its price."""
    facts = {"deployment": deployment, "doubt": doubt, "holders": _first(hard), **_model(deployed)}
    if deployed is None:
        return Seen(code="budget_model_unknown", subject=deployment, facts=facts)
    code = "budget_price_unverified" if doubt == _UNVERIFIED else "budget_price_missing"
    return Seen(code=code, subject=deployment, facts=facts)


def softened(hard: tuple[str, ...], places: Mapping[str, str]) -> str:
    """Return the command that makes a hard budget soft, that of a client key if there is one."""
    key = next((name for name in hard if name not in (WHOLE, _TOKENS)), None)
    if key is not None:
        return f"python -m tools.keys {places['keys']} limit {key} --budget soft"
    return f'{places["set"]} {hard[0]}=VALUE, with "soft" in it'


def _model(deployed: Deployed | None) -> Mapping[str, str]:
    if deployed is None:
        return {}
    version = f"@{deployed.version}" if deployed.version else ""
    return {"model": f"{deployed.model}{version}", "sku": deployed.sku or "a SKU that is not known"}


def _first(names: tuple[str, ...]) -> str:
    """Return the first of some names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
