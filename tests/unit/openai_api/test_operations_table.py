"""The table as a whole, beside OpenAI's own API document."""

import os
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from proxy.openai_api.operations import OPERATIONS, Body, Operation, Surface
from proxy.openai_api.router import Route, find
from tests import documents
from tests.unit.openai_api.paths import BY_NAME, ROWS, template

# The proxy's own paths and those that only old clients know; OpenAI's document has none of them.
OWN = {"billingSubscription", "billingUsage", "clientUsage", "doctor", "frontPagePart", "health", "index", "ready"} | {
    "realtime"
}
USAGE = {row.name for row in OPERATIONS if row.admin}
# What OpenAI's SDKs call at another path than OpenAI's document says.
OF_SDKS = {"cancelEvalRunOfSdks"}
WILDCARDS = {"organization", "projects"}
# Operations of OpenAI's document without a row, by the beginning of their paths; Azure describes none of them. They
# may be passed on as unknown ones.
WITHOUT_A_ROW = {
    "/audio/voice_consents": "custom voices",
    "/audio/voices": "custom voices",
    "/chatkit/": "ChatKit's hosted sessions",
    "/content_provenance_checks": "provenance of images",
    "/skills": "hosted skills",
}
METHODS = ("get", "post", "put", "patch", "delete")


@cache
def described() -> list[tuple[str, str, str]]:
    """Return id, method and path of each operation of OpenAI's document, beta twins aside: they differ in a query."""
    text = (Path(os.environ[documents.VARIABLE]) / documents.OPENAI).read_text()
    paths = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["paths"]
    return [
        (operation["operationId"], method.upper(), path)
        for path, item in paths.items()
        for method, operation in item.items()
        if method in METHODS and not path.endswith("?beta=true")
    ]


def reason_without_a_row(path: str) -> str | None:
    return next((reason for start, reason in WITHOUT_A_ROW.items() if path.startswith(start)), None)


def test_no_two_rows_share_a_method_and_a_path() -> None:
    assert len({(row.method, template(row.path)) for row in OPERATIONS}) == len(OPERATIONS)


def test_no_two_rows_share_a_name_but_those_for_whole_trees() -> None:
    names = [row.name for row in OPERATIONS if row.name not in WILDCARDS]
    assert len(set(names)) == len(names)


@ROWS
def test_a_row_is_written_as_openai_writes_it(operation: Operation) -> None:
    assert operation.method in ("GET", "POST", "DELETE")
    assert re.fullmatch(r"/|(/[a-z_-]+|/{[a-z_]+}|/\*)+", operation.path)
    assert "*" not in operation.path or operation.name in WILDCARDS
    assert operation.name.isascii()


@ROWS
def test_a_row_without_a_body_never_reads_one(operation: Operation) -> None:
    if operation.method != "POST":
        assert operation.body is Body.NONE


@ROWS
def test_what_azure_does_not_offer_names_what_to_use_instead(operation: Operation) -> None:
    assert bool(operation.substitute) == (operation.surface is Surface.UNSUPPORTED)
    assert not operation.substitute or operation.substitute.endswith(".")


@ROWS
def test_what_a_deployment_answers_has_no_parameter_in_its_path(operation: Operation) -> None:
    if operation.surface is Surface.DEPLOYMENT:
        assert "{" not in operation.path


@ROWS
def test_what_a_deployment_answers_names_a_model(operation: Operation) -> None:
    if operation.surface is Surface.DEPLOYMENT:
        assert operation.body in (Body.MODEL, Body.FORM)


def test_only_health_and_the_front_page_need_no_key_of_a_client() -> None:
    public = {row.path for row in OPERATIONS if row.public and not row.admin}
    assert public == {"/health", "/ready", "/doctor", "/", "/front-page/{part}"}


def test_what_the_proxy_answers_itself_is_little() -> None:
    assert {row.name for row in OPERATIONS if row.surface is Surface.LOCAL} == OWN | USAGE | {
        "listModels",
        "retrieveModel",
    }


@documents.needed
def test_every_operation_of_openais_document_has_its_row_or_a_reason() -> None:
    for name, method, path in described():
        found = find(method, re.sub(r"{\w+}", "id", path))
        known = isinstance(found, Route) or getattr(found, "code", None) == "unsupported_operation"
        assert known != (reason_without_a_row(path) is not None), (name, method, path)


@documents.needed
def test_a_row_has_the_name_of_openais_document() -> None:
    names = {(method, template(path)): name for name, method, path in described()}
    for row in OPERATIONS:
        if row.name not in OWN | WILDCARDS | OF_SDKS:
            assert names[row.method, template(row.path)] == row.name


@documents.needed
def test_an_operation_without_a_row_is_an_unknown_url_and_no_wrong_method() -> None:
    for name, method, path in described():
        if reason_without_a_row(path):
            found = find(method, re.sub(r"{\w+}", "id", path))
            assert getattr(found, "code", None) == "unknown_url", (name, method, path)


@documents.needed
def test_no_reason_is_kept_for_what_is_not_there() -> None:
    paths = [path for _, _, path in described()]
    assert all(any(path.startswith(start) for path in paths) for start in WITHOUT_A_ROW)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("createModeration", "Azure AI Content Safety"),
        ("createImageVariation", "images/edits"),
        ("deleteModel", "Delete the deployment"),
        ("listFineTuningCheckpointPermissions", "Copy the checkpoint"),
        ("organization", "in Azure"),
    ],
)
def test_the_substitute_is_azures_own(name: str, words: str) -> None:
    assert words in BY_NAME[name].substitute
