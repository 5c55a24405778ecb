"""Lists of resources, right and wrong, for the parser and for the schema that users give to their editors."""

GUID = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
RESOURCE_ID = f"/subscriptions/{GUID}/resourceGroups/rg-1/providers/Microsoft.CognitiveServices/accounts/contoso"
ENDPOINT = "https://contoso.openai.azure.com"
CANARY = "canary"


def azure(**members: object) -> list[object]:
    return [{"endpoint": ENDPOINT, **members}]


def openai(**members: object) -> list[object]:
    return [{"endpoint": "https://api.openai.com/v1", "kind": "openai", "api_key": "k", **members}]


def another(**members: object) -> list[object]:
    return [{"endpoint": "https://llm.contoso.com/v1", "kind": "openai", **members}]


# Right without a vault.
RIGHT: dict[str, object] = {
    "an endpoint alone": azure(),
    "all of azure": azure(
        name="main-1", kind="azure", auth="key", api_key="k", api_version="v1", priority=3, weight=0.5,
        models={"gpt-4o": "my.gpt_4-o"}, default_deployment="d", default_deployments={"images": "i", "chat": "c"},
        deployment_apis={"codex": "responses", "deepseek": "chat", "gpt-4o": "auto"},
        deployment_models={"codex": "gpt-5-codex@2025-09-15/GlobalStandard"},
        resource_id=RESOURCE_ID,
    ),
    "all of openai": openai(
        name="openai", auth="key", priority=1000, weight=1_000_000, models={"gpt-4o": "ft:gpt-4o:org::x"},
        default_deployment="gpt-4o-mini",
    ),
    "another server without a key": another(),
    "another server with a key": another(auth="key", api_key="k"),
    "another server that says it needs none": another(auth="none"),
    "another server at a longer path": another(endpoint="https://contoso.com/openai/v1/"),
    "another server at a shorter path": another(endpoint="https://contoso.com"),
    "another server's names": another(
        models={"a": "llama3.2:1b", "b": "Qwen/Qwen2.5-7B@q4", "c": "/models/x+y"}, default_deployment="a/b",
        default_deployments={"chat": "llama3.2:latest"},
    ),
    "a key without auth": azure(api_key="k"),
    "an identity": azure(auth="managed-identity"),
    "a weight of none": azure(weight=0),
    "a priority as 1.0": azure(priority=1.0),
    "a dated version": azure(api_version="2024-10-21"),
    "a preview": azure(api_version="2025-04-01-preview"),
    "no models": azure(models={}),
    "another model's own characters": azure(models={"org/model:1 x": "d"}),
    "a resource id in another case": azure(resource_id=RESOURCE_ID.lower()),
    "an endpoint as the portal shows it": [{"endpoint": f"{ENDPOINT}/openai/v1/"}],
    "an endpoint with a slash": [{"endpoint": f"{ENDPOINT}/"}],
    "an endpoint on this machine": [{"endpoint": "http://127.0.0.1:8080"}, {"endpoint": "http://localhost:1/openai"}],
    "an endpoint by number": [{"endpoint": "https://[2001:db8::1]:8443", "name": "six"}],
    "openai without v1": [{"endpoint": "https://api.openai.com", "kind": "openai", "api_key": "k"}],
    "32 of them": [{"endpoint": f"https://r{number}.openai.azure.com"} for number in range(32)],
    "one endpoint under two names": [*azure(name="a"), *azure(name="b", priority=1)],
}  # fmt: skip

# Right with a vault.
RIGHT_WITH_VAULT: dict[str, object] = {
    "a key in the vault": azure(auth="key-vault", key_secret="s-1"),
    "a key in the vault without auth": azure(key_secret="s-1"),
    "openai's key in the vault": [{"endpoint": "https://api.openai.com", "kind": "openai", "key_secret": "openai-key"}],
    "another server without a key beside a vault": another(auth="none"),
    "an identity beside a vault": azure(auth="managed-identity"),
}

Wrong = tuple[object, str | None]


def each(about: str, member: str, *values: object) -> dict[str, Wrong]:
    """Return a sample of Azure for each wrong value of a member."""
    return {f"{about} {value!r}": (azure(**{member: value}), member) for value in values}


def each_of_openai(member: str, *values: object) -> dict[str, Wrong]:
    return {f"{member} of openai {value!r}": (openai(**{member: value}), member) for value in values}


# Wrong with and without a vault; the member that the message must name, None for the list.
WRONG: dict[str, Wrong] = {
    "no list": ({"endpoint": ENDPOINT}, None),
    "an empty list": ([], None),
    "33 of them": ([{"endpoint": f"https://r{number}.openai.azure.com"} for number in range(33)], None),
    "a text in the list": ([CANARY], "it"),
    "nothing in the list": ([None], "it"),
    "a list in the list": ([[]], "it"),
    "no endpoint": ([{"name": CANARY}], "endpoint"),
    "an unknown member": (azure(endpiont=CANARY), "endpiont"),
    "a member in another case": (azure(Name=CANARY), "Name"),
    **each(
        "an endpoint", "endpoint", None, 1, "", CANARY, f"http://{CANARY}.com", f"https://{CANARY}.com/x",
        f"https://{CANARY}@x.com", f"ftp://{CANARY}.com", f"https://{CANARY}.com/v1",
    ),
    **each_of_openai(
        "endpoint", f"https://{CANARY}.com/..", f"https://{CANARY}.com/v1?a=b", f"https://{CANARY}.com/v1/responses",
        f"https://{CANARY}.com/chat/completions", f"https://{CANARY}@x.com", f"ftp://{CANARY}.com", f"https://{CANARY}.com/#x",
    ),
    **each("a name", "name", None, 1, "", ".", "-a", f"{CANARY} x", f"{CANARY}/x", "a" * 65, f"{CANARY}é"),
    **each("a kind", "kind", None, 1, "", "Azure", CANARY),
    **each("an auth", "auth", None, 1, "", "Key", CANARY),
    **each("a secret", "key_secret", None, 1, "", f"{CANARY}_x", f"{CANARY}/x", "a" * 128),
    **each("a key", "api_key", None, 1, "", f"{CANARY} x", f"{CANARY}é"),
    **each("a version", "api_version", None, 1, "", "v2", "2024-1-1", f"2024-10-21-{CANARY}"),
    **each("a priority", "priority", None, "0", -1, 0.5, 1001, True, []),
    **each("a weight", "weight", None, "1", -0.1, 1_000_001, True, {}),
    **each(
        "models", "models", None, [], "a=b", {"a": None}, {"a": 1}, {"a": ""}, {"a": f"{CANARY}/x"}, {"a": ".."},
        {"": CANARY}, {"a": f"ft:{CANARY}"}, {"a" * 257: CANARY},
    ),
    **each_of_openai("models", {"a": ""}, {"a": f"{CANARY} x"}, {"a": f"{CANARY}?x"}, {"a": "-"}, {"a": 1}),
    **each("a default", "default_deployment", None, 1, "", f"{CANARY}/x", ".", "a" * 65),
    **each_of_openai("default_deployment", f"{CANARY}#x", None),
    **each("defaults", "default_deployments", None, [], "a", {CANARY: "a"}, {"chat": None}, {"chat": f"{CANARY}/x"}),
    **each_of_openai("default_deployments", {"chat": f"{CANARY}%x"}, {"Chat": "a"}),
    **each(
        "apis", "deployment_apis", None, [], "a=chat", {"a": None}, {"a": CANARY}, {"a": ""}, {f"{CANARY}/x": "chat"},
        {"": "chat"},
    ),
    **each_of_openai("deployment_apis", {f"{CANARY} x": "chat"}, {"a": 1}),
    **each(
        "described", "deployment_models", None, [], "a=o3", {"a": None}, {"a": f"{CANARY} x"}, {"a": ""},
        {f"{CANARY}/x": "o3"},
    ),
    **each(
        "an id", "resource_id", None, 1, "", CANARY, f"{RESOURCE_ID}/x", RESOURCE_ID.replace(GUID, CANARY),
        RESOURCE_ID.replace("rg-1", ".."),
    ),
    "openai with an identity": (
        [{"endpoint": "https://api.openai.com", "kind": "openai", "auth": "managed-identity"}], "auth",
    ),
    "openai with a version": (openai(api_version="v1"), "api_version"),
    "openai with a resource id": (openai(resource_id=RESOURCE_ID), "resource_id"),
    "azure without a credential": (azure(auth="none"), "auth"),
    "another server with a key that it does not need": (another(auth="none", api_key=CANARY), "api_key"),
    "openai itself without a key": (
        [{"endpoint": "https://eu.api.openai.com/v1", "kind": "openai", "auth": "none"}], "api_key",
    ),
    "auth key without a key": (azure(auth="key"), "api_key"),
    "a key beside an identity": (azure(auth="managed-identity", api_key=CANARY), "api_key"),
    "a key beside a vault's": (azure(auth="key-vault", api_key=CANARY), "api_key"),
    "a key and a secret": (azure(api_key=CANARY, key_secret="s"), "key_secret"),
    "a secret beside an identity": (azure(auth="managed-identity", key_secret=CANARY), "key_secret"),
    "a secret beside a key": (azure(auth="key", key_secret=CANARY), "key_secret"),
    "the second of two": ([*azure(), {"endpoint": CANARY}], "endpoint"),
}  # fmt: skip
