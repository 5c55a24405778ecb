"""The workbook and the alerts ask for what the log has, and are made when they are wanted."""

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import msgspec
import pytest

from proxy.server.access_log import FailedAttempt, LogLine
from tests.infra import world
from tests.infra.queries import QUERIES, asked

RULES, GROUPS, WORKBOOKS = (
    f"Microsoft.Insights/{kind}" for kind in ("scheduledQueryRules", "actionGroups", "workbooks")
)
ALERTS = {"alertEmails": ["team@example.com", "night@example.com"]}
# What converts a value of the log, by the types that it fits.
CONVERSIONS: dict[str, set[Any]] = {"tostring": {str, int}, "tolong": {int}, "todouble": {float, int}, "tobool": {bool}}
queries = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)


def schema() -> dict[str, dict[str, set[Any]]]:
    """Return the types of the fields of a line, and of an attempt that failed, by the names that the queries use."""
    of: dict[str, type[msgspec.Struct]] = {"line": LogLine, "failure": FailedAttempt}
    return {
        name: {field.encode_name: types(field.type) for field in msgspec.structs.fields(struct)}
        for name, struct in of.items()
    }


def types(annotation: Any) -> set[Any]:
    """Return the types that a value may have."""
    found = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return {get_origin(one) or one for one in found} - {NoneType}


@queries
def test_a_query_asks_for_fields_that_the_line_of_a_request_has(query: Path) -> None:
    known = schema()
    fields = list(asked(query.read_text("utf-8")))
    assert fields
    for conversion, owner, name in fields:
        assert name in known[owner]
        if conversion == "isnotnull":
            continue
        if known[owner][name] == {list}:
            assert conversion == ""
        else:
            assert known[owner][name] & CONVERSIONS[conversion], f"{conversion}({owner}.{name})"


@queries
def test_a_query_reads_the_lines_as_the_guide_says_where_they_are(query: Path) -> None:
    text = query.read_text("utf-8")
    first = msgspec.structs.fields(LogLine)[0].encode_name
    assert '| where customDimensions.Category == "Host.Function.Console"' in text
    assert f'message startswith "{{\\"{first}\\""' in text
    assert "`Host.Function.Console`" in (world.ROOT / "docs" / "monitoring.md").read_text("utf-8")


def made(given: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return what is deployed of a type."""
    return [one.body for one in world.deployed(given).resources if one.type == kind]


def alerts(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of each alert by its name, without the name of the app before it."""
    return {one["name"].split("-", 3)[3]: one["properties"] for one in made(given, RULES)}


def query_of(alert: dict[str, Any]) -> str:
    """Return the query of an alert."""
    return str(alert["criteria"]["allOf"][0]["query"])


def test_every_query_is_in_the_workbook_or_an_alert() -> None:
    (workbook,) = made({}, WORKBOOKS)
    items = json.loads(workbook["properties"]["serializedData"])["items"]
    used = [one["content"]["query"] for one in items if one["type"] == 3]
    used += [query_of(one) for one in alerts(ALERTS).values()]
    assert sorted(used) == sorted(query.read_text("utf-8") for query in QUERIES)


def test_the_workbook_belongs_to_the_component_with_the_log() -> None:
    (workbook,) = made({}, WORKBOOKS)
    (component,) = [one for one in world.deployed({}).resources if one.type == "Microsoft.Insights/components"]
    properties = workbook["properties"]
    assert properties["sourceId"] == component.id
    items = json.loads(properties["serializedData"])["items"]
    assert {tuple(one["content"].get("crossComponentResources", [component.id])) for one in items} == {(component.id,)}


def test_nobody_is_alerted_where_no_address_is_given() -> None:
    assert made({"proxyBudgetUsd": 100}, RULES) == made({}, RULES) == []
    assert made({}, GROUPS) == []


def test_alerts_go_to_every_address() -> None:
    (group,) = made(ALERTS, GROUPS)
    receivers = group["properties"]["emailReceivers"]
    assert [one["emailAddress"] for one in receivers] == ALERTS["alertEmails"]
    assert len({one["name"] for one in receivers}) == 2
    assert len(group["properties"]["groupShortName"]) <= 12
    assert {one["actions"]["actionGroups"][0].rpartition("/")[2] for one in alerts(ALERTS).values()} == {group["name"]}


def test_a_budget_is_watched_wherever_it_is_set() -> None:
    assert alerts(ALERTS).keys() == alerts({**ALERTS, "proxyBudgetUsd": 250}).keys()
    assert alerts(ALERTS).keys() == {"errors", "resource-down", "budget"}
    assert alerts(ALERTS)["budget"]["windowSize"] == "P2D"  # no query of an alert looks back longer


def test_the_budget_of_the_template_is_the_apps_and_stops_nothing_unless_it_is_asked_to() -> None:
    assert "PROXY_BUDGET" not in world.settings(world.deployed({}))
    assert world.settings(world.deployed({"proxyBudgetUsd": 250}))["PROXY_BUDGET"] == "250 soft"
    hard = {"proxyBudgetUsd": 250, "extraSettings": {"PROXY_BUDGET": "250"}}
    assert world.settings(world.deployed(hard))["PROXY_BUDGET"] == "250"


def test_an_alert_comes_for_each_resource_that_is_down() -> None:
    (condition,) = alerts(ALERTS)["resource-down"]["criteria"]["allOf"]
    (dimension,) = condition["dimensions"]
    assert (dimension["name"], dimension["values"]) == ("target", ["*"])
    assert condition["query"].rstrip().endswith("down >= 5m")
    assert " by target\n" in condition["query"]
