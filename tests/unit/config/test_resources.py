"""A list of resources becomes values, or is refused with entry and member."""

import json
from dataclasses import replace

import pytest

from proxy.config.address_rules import AddressRules
from proxy.config.resources import (
    DATED_API_VERSION,
    JsonEntry,
    Resource,
    ResourceKind,
    is_at_openai,
    parse_resources,
    read_no_file,
)
from proxy.values import Api, AuthMode, Deployed, ModelKind, Secret
from tests.unit.config.resource_samples import (
    CANARY,
    ENDPOINT,
    RESOURCE_ID,
    RIGHT,
    RIGHT_WITH_VAULT,
    WRONG,
    azure,
    openai,
)


def parse(entries: object, *, vault: bool = False) -> tuple[Resource, ...]:
    return parse_resources(json.dumps(entries), vault=vault, read_file=read_no_file)


def refuses(text: str, *, vault: bool = False) -> str:
    with pytest.raises(ValueError, match=r"must|is wrong in entry") as caught:
        parse_resources(text, vault=vault, read_file=read_no_file)
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_an_endpoint_is_enough() -> None:
    assert parse(azure()) == (
        Resource(
            name="contoso",
            endpoint=ENDPOINT,
            kind=ResourceKind.AZURE,
            auth=AuthMode.MANAGED_IDENTITY,
            key_secret="azure-openai-key",
            api_key=None,
            api_version=DATED_API_VERSION,
            priority=0,
            weight=1.0,
            models={},
            default_deployment=None,
            resource_id=None,
        ),
    )
    assert parse(azure()) == (Resource(name="contoso", endpoint=ENDPOINT),)


def test_each_member_has_its_place() -> None:
    assert parse(RIGHT["all of azure"]) == (
        Resource(
            name="main-1",
            endpoint=ENDPOINT,
            auth=AuthMode.KEY,
            api_key=Secret("k"),
            api_version="v1",
            priority=3,
            weight=0.5,
            models={"gpt-4o": "my.gpt_4-o"},
            default_deployment="d",
            default_deployments={ModelKind.IMAGES: "i", ModelKind.CHAT: "c"},
            deployment_apis={"codex": Api.RESPONSES, "deepseek": Api.CHAT},
            deployment_models={
                "codex": Deployed(name="codex", model="gpt-5-codex", version="2025-09-15", sku="GlobalStandard")
            },
            resource_id=RESOURCE_ID,
        ),
    )


def test_openai_has_a_key_models_and_v1() -> None:
    assert parse(RIGHT["all of openai"]) == (
        Resource(
            name="openai",
            endpoint="https://api.openai.com/v1",
            kind=ResourceKind.OPENAI,
            auth=AuthMode.KEY,
            api_key=Secret("k"),
            api_version="v1",
            priority=1000,
            weight=1_000_000.0,
            models={"gpt-4o": "ft:gpt-4o:org::x"},
            default_deployment="gpt-4o-mini",
        ),
    )


@pytest.mark.parametrize("sample", RIGHT, ids=str)
def test_a_right_list_is_accepted(sample: str) -> None:
    assert parse(RIGHT[sample])


@pytest.mark.parametrize("sample", RIGHT_WITH_VAULT, ids=str)
def test_a_right_list_for_a_vault_is_accepted_with_one_alone(sample: str) -> None:
    (resource,) = parse(RIGHT_WITH_VAULT[sample], vault=True)
    if resource.auth is AuthMode.KEY_VAULT:
        assert "KEY_VAULT_URL" in refuses(json.dumps(RIGHT_WITH_VAULT[sample])) or resource.kind is ResourceKind.OPENAI


@pytest.mark.parametrize("vault", [False, True], ids=["without a vault", "with a vault"])
@pytest.mark.parametrize("sample", WRONG, ids=str)
def test_a_wrong_list_is_refused_with_entry_and_member_and_no_value(sample: str, vault: bool) -> None:
    entries, member = WRONG[sample]
    problem = refuses(json.dumps(entries), vault=vault)
    assert problem.startswith(
        f"is wrong in entry {len(entries)}: " if member and isinstance(entries, list) else "must be"
    )
    # Some mistakes are two, and with a vault another of them comes first.
    assert member is None or vault or f": {member} " in problem


@pytest.mark.parametrize(
    ("members", "vault", "auth"),
    [
        ({}, False, AuthMode.MANAGED_IDENTITY),
        ({}, True, AuthMode.KEY_VAULT),
        ({"api_key": "k"}, False, AuthMode.KEY),
        ({"auth": "managed-identity"}, True, AuthMode.MANAGED_IDENTITY),
        ({"key_secret": "s"}, True, AuthMode.KEY_VAULT),
    ],
)
def test_the_credential_comes_from_where_there_is_one(members: dict[str, object], vault: bool, auth: AuthMode) -> None:
    (resource,) = parse(azure(**members), vault=vault)
    assert resource.auth is auth


@pytest.mark.parametrize("entries", [azure(api_key=CANARY), azure(auth="key", api_key=CANARY), openai(api_key=CANARY)])
def test_where_there_is_a_vault_a_key_among_the_settings_is_refused(entries: list[object]) -> None:
    problem = refuses(json.dumps([*azure(), *entries]), vault=True)
    assert problem.startswith("is wrong in entry 2: api_key is for local use")


def test_another_server_needs_no_key_and_keeps_its_path() -> None:
    (resource,) = parse(RIGHT["another server at a longer path"])
    assert (resource.endpoint, resource.auth) == ("https://contoso.com/openai/v1", AuthMode.NONE)
    assert resource.api_key is None


INSIDE = AddressRules(loopback=True, private=True)


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("http://localhost:11434/v1", "must not be this machine"),
        ("http://10.0.0.4:8000/v1", "UPSTREAM_PRIVATE_ADDRESSES"),
        ("http://vllm.internal:8000", "https"),
    ],
)
def test_where_another_server_may_be_depends_on_the_settings(endpoint: str, problem: str) -> None:
    text = json.dumps([{"endpoint": endpoint, "kind": "openai", "name": "a"}])
    assert problem in refuses(text)
    (resource,) = parse_resources(text, vault=False, read_file=read_no_file, rules=INSIDE)
    assert resource.endpoint.startswith(endpoint)
    # Azure's own resources are not checked beyond their form.
    assert parse([{"endpoint": "https://10.0.0.4", "name": "a"}, {"endpoint": "http://localhost:1", "name": "b"}])


@pytest.mark.parametrize(
    ("endpoint", "own"),
    [
        ("https://api.openai.com/v1", True),
        ("https://openai.com", True),
        ("https://notopenai.com/v1", False),
        ("https://api.openai.com.evil.com", False),
        ("https://", False),
    ],
)
def test_openai_s_own_api_is_known_by_its_host(endpoint: str, own: bool) -> None:
    assert is_at_openai(endpoint) is own


def test_openai_without_a_key_is_refused() -> None:
    entry = {"endpoint": "https://api.openai.com", "kind": "openai"}
    assert refuses(json.dumps([entry])) == "is wrong in entry 1: api_key is missing"
    assert parse([entry], vault=True)[0].auth is AuthMode.KEY_VAULT


def test_what_an_entry_leaves_out_comes_from_the_settings_for_all() -> None:
    text = json.dumps([*azure(), *openai(api_key="k"), *azure(name="own", api_version="2024-10-21")])
    found = parse_resources(text, vault=False, read_file=read_no_file, api_version="v1", key_secret="other")
    assert [one.api_version for one in found] == ["v1", "v1", "2024-10-21"]
    assert {one.key_secret for one in found} == {"other"}


@pytest.mark.parametrize(
    "entries",
    [
        [*azure(), *azure()],
        [*azure(), *azure(name="CONTOSO")],
        [*azure(name="a"), {"endpoint": "https://a.openai.azure.com"}],
        [{"endpoint": "http://127.0.0.1:1"}, {"endpoint": "http://127.0.0.1:2"}],
    ],
)
def test_no_two_resources_have_one_name(entries: list[object]) -> None:
    assert refuses(json.dumps(entries)).startswith("is wrong in entry 2: name is that of another entry")


def test_a_host_without_a_name_needs_one() -> None:
    assert "name is missing" in refuses('[{"endpoint": "https://[2001:db8::1]"}]')


def test_the_order_of_the_list_stays() -> None:
    entries = [{"endpoint": f"https://{name}.openai.azure.com"} for name in "cab"]
    assert [one.name for one in parse(entries)] == ["c", "a", "b"]


def test_a_member_may_not_stand_twice() -> None:
    assert refuses('[{"endpoint": "https://canary.com", "endpoint": "https://b.com"}]') == (
        "must not say endpoint twice in one object"
    )


def test_a_path_leads_to_a_file() -> None:
    files = {"resources.json": b"\xef\xbb\xbf " + json.dumps(azure()).encode()}
    found = parse_resources("resources.json", vault=False, read_file=files.__getitem__)
    assert found == parse(azure())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"other.json", b'"other.json"', b"\xff"])
def test_a_file_holds_the_list_itself(content: bytes) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_resources("resources.json", vault=False, read_file=lambda _: content)


@pytest.mark.parametrize("error", [FileNotFoundError(CANARY), PermissionError(CANARY), ValueError(CANARY)])
def test_a_file_that_cannot_be_read_is_refused_without_its_path(error: Exception) -> None:
    def fails(path: str) -> bytes:
        raise error

    with pytest.raises(ValueError, match="the path of a file") as caught:
        parse_resources(CANARY, vault=False, read_file=fails)
    assert CANARY not in str(caught.value)


def test_a_key_is_not_shown() -> None:
    (resource,) = parse(azure(api_key=CANARY))
    assert CANARY not in repr(resource)
    assert replace(resource, name="b").api_key == Secret(CANARY)


KNOWN = ("name", "weight")


def test_a_member_is_read_or_its_default_is_taken() -> None:
    entry = JsonEntry(1, {"name": "7"}, KNOWN)
    assert entry.read_text("name", int, 0) == 7
    assert entry.read_text("weight", int, 3) == 3
    assert entry.read("name", repr, "") == "'7'"
    assert (entry.has("name"), entry.has("weight")) == (True, False)


def test_what_is_wrong_is_told_with_the_entry_and_the_member() -> None:
    entry = JsonEntry(3, {"name": "x", "weight": 1}, KNOWN)

    def refuse(value: object) -> None:
        raise ValueError("must be better")

    with pytest.raises(ValueError, match=r"^is wrong in entry 3: name must be better$"):
        entry.read("name", refuse, None)
    with pytest.raises(ValueError, match=r"^is wrong in entry 3: weight must be a text$"):
        entry.read_text("weight", str, "")


@pytest.mark.parametrize("other", [None, [], "text", 1, True])
def test_an_entry_is_an_object(other: object) -> None:
    with pytest.raises(ValueError, match=r"^is wrong in entry 2: it must be a JSON object$"):
        JsonEntry(2, other, KNOWN)


@pytest.mark.parametrize(
    ("name", "shown"), [("wieght", "wieght"), ("Name", "Name"), ("sk-42", "a member"), ("", "a member")]
)
def test_an_unknown_member_is_named_unless_it_may_be_a_secret(name: str, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"^is wrong in entry 2: {shown} is not known$"):
        JsonEntry(2, {"name": "a", name: 1}, KNOWN)
