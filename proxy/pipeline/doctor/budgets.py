"""Checks what hard budgets rest on: where they are kept, and the prices of the deployments that they pay for."""

from datetime import UTC, date, datetime

from proxy.config.addresses import IN_MEMORY
from proxy.config.price_table import PriceTable, decode_price_table, merged
from proxy.diagnosis.budgets import hard_budgets, judge_budgets, judge_price, softened
from proxy.diagnosis.seen import Seen
from proxy.pipeline.doctor.examination import Checked, Examination
from proxy.prices.bounds import tiers_of
from proxy.prices.choice import Doubt, choose

BUDGETS = "budgets"
# The project's own prices, beside function_app.py.
TABLE = "proxy/prices/table.json"


async def check_budgets(run: Examination) -> Checked:
    """Look who has a hard budget, whether it can be kept, and whether each deployment has a price that it takes."""
    if not run.has_own_credential:
        return Checked(check=BUDGETS, skipped=True, detail="clients bring keys of Azure OpenAI")
    settings, today = run.settings, datetime.fromtimestamp(run.now(), UTC).date()
    prices = merged(settings.usage.own_prices, decode_price_table(run.read_file(TABLE)))
    access = None if settings.entra is None else settings.entra.access
    hard = hard_budgets(run.keys, access, settings.usage.budget)
    is_shared = settings.limits_store != IN_MEMORY or not settings.has_managed_identity
    seen = [*judge_budgets(hard, prices, today, is_shared=is_shared), *(_prices(run, hard, prices, today))]
    detail = f"hard budgets: {', '.join(hard)}" if hard else "nobody has a hard budget"
    facts = {"soften": softened(hard, run.places())} if hard else {}
    return run.checked(BUDGETS, *seen, detail=detail, facts=facts)


def _prices(run: Examination, hard: tuple[str, ...], prices: PriceTable, today: date) -> list[Seen]:
    """Return the deployments whose calls hard budgets refuse, where a client leaves the service tier to Azure."""
    seen = []
    for name, deployed in run.deployed.items() if hard else ():
        choice = choose(prices, deployed, tiers_of(None), today, hard=True)
        if isinstance(choice, Doubt):
            seen.append(judge_price(name, deployed, choice.value, hard))
    return seen
