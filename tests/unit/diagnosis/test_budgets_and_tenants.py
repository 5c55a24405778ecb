"""What hard budgets and tokens of Microsoft Entra ID need, as codes."""

from datetime import date

import pytest

from proxy.config.entra import EntraAccess
from proxy.config.price_table import Price, PriceTable, Source
from proxy.config.resources import Resource, ResourceKind
from proxy.diagnosis import resource as judge
from proxy.diagnosis.budgets import hard_budgets, judge_budgets, judge_price, softened
from proxy.diagnosis.entra import judge_access, judge_document
from proxy.diagnosis.findings import finding
from proxy.diagnosis.keys import judge_keys
from proxy.values import Budget, Client, ClientKey, Deployed, Limits

HARD, SOFT = Budget(micro_dollars=1), Budget(micro_dollars=1, is_hard=False)
PLACES = {"keys": "--vault kv-1", "set": "export"}
PRICES = PriceTable(
    sources={"list": Source(title="l", url="u", date=date(2026, 1, 1))},
    prices=[Price(model="m", sku="Standard", source="list", input=1)],
)
YOUNG, OLD = date(2026, 6, 30), date(2026, 7, 1)


def key(name: str, budget: Budget | None) -> ClientKey:
    return ClientKey(client=Client(name=name, limits=Limits(budget=budget)), digest=name)


def test_hard_budgets_are_those_of_keys_roles_groups_others_and_the_whole_proxy() -> None:
    keys = (
        key("a", HARD),
        key("b", SOFT),
        key("c", None),
        ClientKey(client=Client(name="d"), digest="d"),
        key("a", HARD),
    )
    assert hard_budgets(keys, None, None) == ("a",)
    assert hard_budgets((), None, SOFT) == ()
    assert hard_budgets(keys, EntraAccess(), HARD) == ("PROXY_BUDGET", "a")
    hard = Limits(budget=HARD)
    for access in (
        EntraAccess(roles={"r": hard}),
        EntraAccess(groups={"g": hard, "h": None}),
        EntraAccess(others=hard),
    ):
        assert hard_budgets((), access, None) == ("CLIENT_ENTRA_LIMITS",)


@pytest.mark.parametrize(
    ("hard", "is_shared", "today", "expected"),
    [
        ((), False, YOUNG, []),
        (("a",), True, YOUNG, []),
        (("a",), False, YOUNG, [("budget_without_store", "a")]),
        (("a", "b", "c"), False, OLD, [("budget_without_store", "a and 2 more"), ("prices_old", "prices")]),
    ],
)
def test_hard_budgets_need_a_store_and_prices_get_old(
    hard: tuple[str, ...], is_shared: bool, today: date, expected: list[tuple[str, str]]
) -> None:
    seen = judge_budgets(hard, PRICES, today, is_shared=is_shared)
    assert [(one.code, one.subject) for one in seen] == expected


@pytest.mark.parametrize(
    ("deployed", "doubt", "code", "words"),
    [
        (None, "unknown_model", "budget_model_unknown", "Nobody says which model the deployment chat is of."),
        (
            Deployed(name="chat", model="own", version="1", sku="Standard"),
            "unknown_model",
            "budget_price_missing",
            "own@1 at Standard (unknown_model)",
        ),
        (Deployed(name="chat", model="own"), "unverified_price", "budget_price_unverified", "own at a SKU that is not"),
    ],
)
def test_a_deployment_without_a_certain_price_is_named_with_its_model(
    deployed: Deployed | None, doubt: str, code: str, words: str
) -> None:
    seen = judge_price("chat", deployed, doubt, ("alice", "bob"))
    assert seen.code == code
    found = finding("budgets", seen.code, seen.subject, seen.facts)
    assert words in found.what
    assert "(alice and 1 more)" in found.why


def test_a_hard_budget_is_made_soft_where_it_is() -> None:
    assert softened(("PROXY_BUDGET", "a"), PLACES) == "python -m tools.keys --vault kv-1 limit a --budget soft"
    assert softened(("PROXY_BUDGET",), PLACES) == 'export PROXY_BUDGET=VALUE, with "soft" in it'


def test_a_tenant_that_is_not_there_and_one_that_does_not_answer_are_told_apart() -> None:
    found = [judge_document(status) for status in (200, 400, 404, 503)]
    assert found == [None, "entra_keys_unusable", "entra_keys_unusable", "entra_keys_unreachable"]


def test_somebody_must_be_let_in() -> None:
    nobody = EntraAccess(admits_others=False)
    seen = judge_access(nobody)
    assert seen is not None
    assert seen.code == "entra_admits_nobody"
    assert judge_access(EntraAccess()) is None
    assert judge_access(EntraAccess(admits_others=False, roles={"r": None})) is None
    assert judge_access(EntraAccess(admits_others=False, groups={"g": None})) is None


def test_without_keys_clients_may_have_tokens() -> None:
    assert judge_keys((), 0.0, is_needed=False) == ()


def test_a_server_that_is_not_azures_has_findings_of_its_own() -> None:
    azure = Resource(name="a", endpoint="https://a.openai.azure.com")
    server = Resource(name="s", endpoint="https://s.example/v1", kind=ResourceKind.OPENAI)
    assert judge.code_for(azure, "upstream_credential") == "upstream_credential"
    assert judge.code_for(server, "upstream_credential") == "server_credential"
    assert judge.code_for(server, "connection_failed") == "connection_failed"


def test_ollama_lists_a_name_as_its_latest_version() -> None:
    assert [judge.lists(("a", "b:latest"), name) for name in ("a", "b", "c")] == [True, True, False]
