"""Settings that change the path of a request, and those that are wrong."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.oracle.case import (
    Address,
    Case,
    Exchange,
    Group,
    Mark,
    Read,
    Reply,
    Resource,
    Send,
    Sleep,
    Wait,
)
from tests.oracle.corpus import make, streams

_GOOD = make.answer(make.whole("200 OK", {"id": "x", "choices": []}))
_CHAT = ("POST", "/v1/chat/completions", {"model": "MODEL", "messages": []})
COMMON: Mapping[str, tuple[str, str, object]] = {
    "chat": _CHAT,
    "chat of alias": ("POST", "/v1/chat/completions", {"model": "alias", "messages": []}),
    "embeddings": ("POST", "/v1/embeddings", {"model": "MODEL", "input": "x"}),
    "responses": ("POST", "/v1/responses", {"model": "MODEL", "input": "x"}),
    "images": ("POST", "/v1/images/generations", {"model": "MODEL", "prompt": "x"}),
    "completions": ("POST", "/v1/completions", {"model": "MODEL", "prompt": "x"}),
    "no model": ("POST", "/v1/chat/completions", {"messages": []}),
    "models": ("GET", "/v1/models", None),
    "a model": ("GET", "/v1/models/alias", None),
    "an unknown model": ("GET", "/v1/models/nobody", None),
    "health": ("GET", "/health", None),
    "index": ("GET", "/", None),
    "files": ("GET", "/v1/files", None),
    "a file": ("GET", "/v1/files/file-1", None),
    "unknown": ("GET", "/v1/unknown/thing?x=1&api-key=k", None),
    "unknown with a body": ("POST", "/v1/unknown/thing", {"model": "MODEL"}),
    "unknown at openai": ("PUT", "/openai/v1/unknown/a%2Fb", {"model": "MODEL"}),
    "not offered": ("POST", "/v1/moderations", {"input": "x"}),
    "realtime": ("GET", "/v1/realtime?model=alias", None),
    "billing": ("GET", "/v1/dashboard/billing/subscription", None),
    "at a deployment": ("POST", "/openai/deployments/MODEL/chat/completions?api-version=2020-01-01", {"messages": []}),
    "client secret": ("POST", "/v1/realtime/client_secrets", {"session": {"model": "alias"}}),
}


def groups() -> Iterator[Group]:
    """Yield the groups."""
    for name, settings in _VARIANTS.items():
        yield make.group(f"settings-{name}", make.one_resource(**settings), _common())
    yield from _auth()
    yield from _credentials()
    yield make.group("settings-repair", make.one_resource(), _repairs())
    yield make.group("settings-repair-off", make.one_resource(REPAIR_PARAMETERS="false"), _repairs())
    two = make.resources(make.entry("one"), make.entry("two", priority=1))
    yield make.group("settings-repair-two", two, _repairs("one", "two"), "one", "two")
    yield from _origins()
    yield make.group("settings-full", make.one_resource(MAX_IN_FLIGHT="1"), _full(), serial=True)
    yield from _wrong()


_VARIANTS: Mapping[str, Mapping[str, str]] = {
    "plain": {},
    "v1": {"AZURE_OPENAI_API_VERSION": "v1"},
    "dated": {"AZURE_OPENAI_API_VERSION": "2024-10-21"},
    "mapper": {"AZURE_OPENAI_MODEL_MAPPER": "alias=dep-1, other=dep-2"},
    "mapper-default": {"AZURE_OPENAI_MODEL_MAPPER": "alias=dep-1", "AZURE_OPENAI_DEFAULT_DEPLOYMENT": "rest"},
    "fallbacks": {"AZURE_OPENAI_MODEL_MAPPER": "alias=dep-1,b=dep-2", "AZURE_OPENAI_FALLBACKS": '{"alias":["b"]}'},
    "forward-unknown": {"FORWARD_UNKNOWN_OPERATIONS": "true"},
    "forward-unknown-not-stored": {"FORWARD_UNKNOWN_OPERATIONS": "1", "STORED_OBJECTS": "off"},
    "surfaces": {"AZURE_OPENAI_OPERATION_SURFACES": "createChatCompletion=v1,createResponse=classic,listFiles=classic"},
    "openai-path": {"AZURE_OPENAI_ENDPOINT": "{url:azure}/openai/v1/"},
    "empty": {
        "CLIENT_RESOURCES": "",
        "AZURE_OPENAI_DEFAULT_DEPLOYMENT": "",
        "MAX_IN_FLIGHT": "",
        "ALLOWED_ORIGINS": "",
    },
    "no-keys": {"CLIENT_KEYS": ""},
    "proxy-ignored": {"HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"},
    "capitals": {"REPAIR_PARAMETERS": "FALSE", "FORWARD_UNKNOWN_OPERATIONS": "True"},
}


def _common(where: str = "azure") -> Iterator[Case]:
    for what, (method, path, body) in COMMON.items():
        yield make.call(what, method, path, body, replies={where: [_GOOD]})
    yield make.call(
        "chat refused", *_CHAT, replies={where: [make.answer(make.whole("404 No", make.error("DeploymentNotFound")))]}
    )
    yield make.call("chat with a wrong key", *_CHAT, headers={"authorization": "Bearer no"}, replies={where: [_GOOD]})
    yield make.call("chat without a key", *_CHAT, headers={"authorization": None}, replies={where: [_GOOD]})
    yield make.call("head", "HEAD", "/v1/models", None)
    yield streams.ask("chat", "stream", {where: [make.answer(make.stream(streams.events_of("CHAT")))]})
    refused = {where: [make.answer(make.whole("401 No", make.error("401", "Access denied")))]}
    yield make.call("chat with a refused credential", *_CHAT, replies=refused)
    yield make.call("chat forbidden", *_CHAT, replies={where: [make.answer(make.whole("403 No", make.error("403")))]})
    yield make.call(
        "chat forbidden by a rule",
        *_CHAT,
        replies={
            where: [
                make.answer(
                    make.whole(
                        "403 No", make.error("AuthorizationFailed", "Principal does not have access to API/Operation.")
                    )
                )
            ]
        },
    )
    yield make.call(
        "chat behind a firewall",
        *_CHAT,
        replies={
            where: [
                make.answer(
                    make.whole("403 No", make.error("403", "Access denied due to Virtual Network/Firewall rules."))
                )
            ]
        },
    )


def _auth() -> Iterator[Group]:
    """Yield ways in with keys of Azure."""
    settings = make.one_resource(CLIENT_AUTH="azure-key", AZURE_OPENAI_MODEL_MAPPER="alias=dep-1")
    del settings["CLIENT_KEYS"], settings["AZURE_OPENAI_API_KEY"]
    yield make.group("auth-azure-key", settings, [*_common(), *_own_keys()], serial=True)
    both = settings | {"AZURE_OPENAI_API_KEY": make.AZURE_KEY}
    yield make.group("auth-azure-key-beside-ours", both, _common(), serial=True)
    restless = json.dumps(make.RESTLESS)
    proxied = {"CLIENT_AUTH": "resource-key", "HTTPS_PROXY": "{url:proxy}", "AZURE_OPENAI_ROUTING": restless}
    for name, allowed in (("some", "my-res,other.openai.azure.us"), ("all", "*")):
        yield make.group(
            f"auth-resource-key-{name}", proxied | {"CLIENT_RESOURCES": allowed}, _composite(), "proxy", serial=True
        )


def _own_keys() -> Iterator[Case]:
    for status in ("200 OK", "401 No", "403 No", "404 No", "429 No", "500 No"):
        proof = [make.answer(make.whole(status, {"data": []} if status == "200 OK" else make.error(status[:3])))]
        for path in ("/v1/models", "/v1/models/alias", "/v1/dashboard/billing/usage", "/v1/realtime"):
            yield make.call(f"{path} proven with {status}", "GET", path, None, replies=proof)
    for key in ("k", "k" * 512, "k" * 513, "a b", "sk-~!"):
        yield make.call(
            f"key {key[:20]} {len(key)}", *_CHAT, headers={"authorization": f"Bearer {key}"}, replies=[_GOOD]
        )


def _composite() -> Iterator[Case]:
    keys = (
        *(
            "my-res:gpt-4o:KEY",
            "my-res:gpt-4o:KEY:2024-10-21",
            "my-res:gpt-4o:KEY:v1",
            "my-res:gpt-4o:KEY:latest",
            "my-res:KEY",
        ),
        *(
            "other.openai.azure.us:d:KEY",
            "other:d:KEY",
            "my-res.openai.azure.com:d:KEY",
            "MY-RES:d:KEY",
            "not-listed:d:KEY",
        ),
        *(
            "my-res:chat|gpt-4o,gpt-4o-mini|mini:KEY",
            "my-res:MODEL|one:KEY",
            "my-res:a|b,a|c:KEY",
            "my-res:a|,b|c:KEY",
            "my-res::KEY",
        ),
        *(
            "evil.example:d:KEY",
            "my-res.evil.com:d:KEY",
            "127.0.0.1:d:KEY",
            "localhost:d:KEY",
            "my_res:d:KEY",
            "-my-res:d:KEY",
            ":d:KEY",
        ),
        *(
            "my-res:d:",
            "my-res:d:KEY:1:2",
            "user@my-res:d:KEY",
            "my-res#:d:KEY",
            "my-res/x:d:KEY",
            "KEY",
            "my-res:a/b:KEY",
            "*:d:KEY",
        ),
        *(
            f"my-res:{'m' * 65}:KEY",
            "my-res:d:" + "k" * 600,
            "my-res:" + ",".join(f"m{n}|d{n}" for n in range(300)) + ":KEY",
        ),
        *(
            "my-res.cognitiveservices.azure.com:d:KEY",
            "my-res.services.ai.azure.com:d:KEY",
            "my-res.openai.azure.com.:d:KEY",
        ),
    )
    calls = {"chat": _CHAT, "models": ("GET", "/v1/models", None), "file": ("GET", "/v1/files/file-1", None)}
    for number, key in enumerate(keys):
        for what, (method, path, body) in calls.items():
            yield make.call(
                f"{what} {number} {key[:40]}",
                method,
                path,
                body,
                headers={"authorization": f"Bearer {key}"},
                replies={"proxy": [make.answer(make.whole("403 Forbidden", b""))]},
            )


def _credentials() -> Iterator[Group]:
    """Yield the ways to our own credential, from an identity that is a server here."""
    token = {
        "access_token": "token-1",
        "expires_on": "4102444800",
        "resource": "https://cognitiveservices.azure.com",
        "token_type": "Bearer",
    }
    identities: Mapping[str, Reply] = {
        "works": make.answer(make.whole("200 OK", token)),
        "refuses": make.answer(
            make.whole("400 Bad Request", {"error": {"code": "invalid_request", "message": "no identity"}})
        ),
        "fails": make.answer(make.whole("500 No", {"error": {"code": "x", "message": "y"}})),
        "is-no-json": make.answer(make.whole("200 OK", b"nope")),
    }
    for name, reply in identities.items():
        settings = make.one_resource(IDENTITY_ENDPOINT="{url:identity}/msi/token", IDENTITY_HEADER="secret-header")
        del settings["AZURE_OPENAI_API_KEY"]
        upstreams = (Resource(), Resource(name="identity", standing=(("/msi/token", reply),)))
        yield make.group(f"credential-identity-{name}", settings, [_warm(), *_common()], *upstreams, serial=True)
    vault = make.one_resource(
        KEY_VAULT_URL="https://{url:vault}", IDENTITY_ENDPOINT="{url:identity}/msi/token", IDENTITY_HEADER="h"
    )
    del vault["AZURE_OPENAI_API_KEY"]
    vault["KEY_VAULT_URL"] = "{url:vault}"
    identity = Resource(name="identity", standing=(("/msi/token", identities["works"]),))
    refused = Resource(name="vault", address=Address.REFUSES, scheme="https")
    yield make.group(
        "credential-vault-unreachable", vault, [_warm(), *_common()], Resource(), identity, refused, serial=True
    )
    yield from _discovery(identity)


def _warm() -> Case:
    """Return a call after a while, by which the app has fetched what it fetches in the background."""
    return make.raw(
        "a while", Sleep(1.5), Send(make.request("a while", "GET", "/v1/models")), Read(), Sleep(0.5), method="GET"
    )


def _discovery(identity: Resource) -> Iterator[Group]:
    group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
    account = f"{group}/providers/Microsoft.CognitiveServices/accounts/acc"
    listed = {
        "value": [
            {
                "name": "gpt-4o",
                "properties": {
                    "provisioningState": "Succeeded",
                    "model": {"name": "gpt-4o", "version": "2024-08-06", "format": "OpenAI"},
                    "capabilities": {"chatCompletion": "true"},
                },
            },
            {
                "name": "alias-dep",
                "properties": {
                    "provisioningState": "Succeeded",
                    "model": {"name": "alias", "version": "1", "format": "OpenAI"},
                },
            },
            {
                "name": "being-made",
                "properties": {"provisioningState": "Creating", "model": {"name": "new", "version": "1"}},
            },
        ]
    }
    answers = {
        "works": make.whole("200 OK", listed),
        "forbidden": make.whole("403 No", make.error("AuthorizationFailed")),
        "fails": make.whole("500 No", b""),
    }
    for name, raw in answers.items():
        settings = make.one_resource(
            AZURE_OPENAI_RESOURCE_ID=account,
            AZURE_RESOURCE_MANAGER_URL="{url:arm}",
            IDENTITY_ENDPOINT="{url:identity}/msi/token",
            IDENTITY_HEADER="h",
        )
        arm = Resource(name="arm", standing=(("/deployments", make.answer(raw)),))
        more = [
            make.call(f"chat of {model}", "POST", "/v1/chat/completions", {"model": model}, replies=[_GOOD])
            for model in ("gpt-4o", "gpt-4o-2024-08-06", "alias-dep", "new", "being-made", "gpt-5")
        ]
        yield make.group(
            f"discovery-{name}", settings, [_warm(), *_common(), *more], Resource(), identity, arm, serial=True
        )


def _unsupported(message: str, code: str | None = "unsupported_parameter", param: str | None = None) -> Reply:
    return make.answer(
        make.whole(
            "400 Bad Request",
            {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}},
        )
    )


def _repairs(first: str = "azure", second: str | None = None) -> Iterator[Case]:
    """Yield refusals of parameters, each asked twice: what was learnt shows in the second call."""
    temperature = (
        "Unsupported value: 'temperature' does not support 0.2 with this model. "
        "Only the default (1) value is supported."
    )
    tokens = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    plans: Mapping[str, tuple[list[Reply], dict[str, object]]] = {
        "temperature": ([_unsupported(temperature, "unsupported_value", "temperature"), _GOOD], {"temperature": 0.2}),
        "temperature unnamed": ([_unsupported(temperature, "unsupported_value"), _GOOD], {"temperature": 0.2}),
        "temperature not sent": ([_unsupported(temperature, "unsupported_value", "temperature"), _GOOD], {}),
        "max_tokens": ([_unsupported(tokens, param="max_tokens"), _GOOD], {"max_tokens": 7}),
        "max_tokens beside the other": (
            [_unsupported(tokens, param="max_tokens"), _GOOD],
            {"max_tokens": 7, "max_completion_tokens": 8},
        ),
        "max_completion_tokens": (
            [_unsupported("Unrecognized request argument supplied: max_completion_tokens", None), _GOOD],
            {"max_completion_tokens": 7},
        ),
        "two at once": (
            [
                _unsupported(
                    "Unrecognized request arguments supplied: top_p, verbosity", "unrecognized_request_argument"
                ),
                _GOOD,
            ],
            {"top_p": 1, "verbosity": "low"},
        ),
        "two in a row": (
            [
                _unsupported(tokens, param="max_tokens"),
                _unsupported(temperature, "unsupported_value", "temperature"),
                _GOOD,
            ],
            {"max_tokens": 7, "temperature": 0.2},
        ),
        "for ever": (
            [
                _unsupported(f"Unsupported parameter: '{name}'", param=name)
                for name in (
                    "temperature",
                    "top_p",
                    "presence_penalty",
                    "frequency_penalty",
                    "verbosity",
                    "prompt_cache_key",
                    "max_tokens",
                )
            ],
            {
                "temperature": 1,
                "top_p": 1,
                "presence_penalty": 1,
                "frequency_penalty": 1,
                "verbosity": "x",
                "prompt_cache_key": "k",
                "max_tokens": 1,
            },
        ),
        "the same again": ([_unsupported(tokens, param="max_tokens")], {"max_tokens": 7}),
        "tools": ([_unsupported("Unsupported parameter: 'tools'", param="tools"), _GOOD], {"tools": []}),
        "a vague code": (
            [_unsupported("Unsupported parameter: 'temperature'", "BadRequest"), _GOOD],
            {"temperature": 1},
        ),
        "another code": (
            [_unsupported("Unsupported parameter: 'temperature'", "content_filter"), _GOOD],
            {"temperature": 1},
        ),
        "then an error": (
            [_unsupported(tokens, param="max_tokens"), make.answer(make.whole("500 No", b"{}")), _GOOD],
            {"max_tokens": 7},
        ),
        "then throttled": (
            [
                _unsupported(tokens, param="max_tokens"),
                make.answer(make.whole("429 No", make.error("429"), "retry-after: 1.5")),
                _GOOD,
            ],
            {"max_tokens": 7},
        ),
        "then another refusal": (
            [_unsupported(tokens, param="max_tokens"), make.answer(make.whole("400 No", make.error("bad"))), _GOOD],
            {"max_tokens": 7},
        ),
        "text verbosity": (
            [_unsupported("Unsupported parameter: 'text.verbosity'", param="text.verbosity"), _GOOD],
            {"text": {"verbosity": "low"}},
        ),
        "text verbosity beside more": (
            [_unsupported("Unsupported parameter: 'text.verbosity'", param="text.verbosity"), _GOOD],
            {"text": {"verbosity": "low", "format": {"type": "text"}}},
        ),
        "cache hints": (
            [
                _unsupported(
                    "Unknown parameter: 'prompt_cache_retention'.", "unknown_parameter", "prompt_cache_retention"
                ),
                _GOOD,
            ],
            {"prompt_cache_retention": "24h"},
        ),
    }
    for what, (refusals, members) in plans.items():
        for path, asked in (
            ("/v1/chat/completions", {"messages": []}),
            ("/v1/responses", {"input": "x"}),
            ("/v1/completions", {"prompt": "x"}),
        ):
            name = f"{path} {what}"
            raw = make.request(name, "POST", path, {"model": "MODEL", **asked, **members})
            replies = {first: refusals} | ({second: [_GOOD]} if second else {})
            yield make.sequence(name, *(Exchange((Send(raw), Read())) for _ in range(3)), replies=replies)
    stream = make.answer(make.stream(streams.events_of("CHAT")))
    name = "in a stream"
    raw = make.request(
        name, "POST", "/v1/chat/completions", {"model": "MODEL", "messages": [], "stream": True, "temperature": 0.2}
    )
    yield make.sequence(
        name, *(Exchange((Send(raw), Read())) for _ in range(2)), replies={first: [plans["temperature"][0][0], stream]}
    )
    name = "on the way back"
    raw = make.request(name, "POST", "/v1/chat/completions", {"model": "MODEL", "messages": [], "max_tokens": 1})
    back = _unsupported("Unsupported parameter: 'max_completion_tokens'", param="max_completion_tokens")
    yield make.sequence(
        name,
        *(Exchange((Send(raw), Read())) for _ in range(3)),
        replies={first: [plans["max_tokens"][0][0], _GOOD, back, _GOOD]},
    )


def _preflights() -> Iterator[Case]:
    for origin in (
        "https://page.example",
        "https://other.example",
        "null",
        "HTTPS://PAGE.EXAMPLE",
        "http://localhost:3000",
        None,
    ):
        for path in ("/v1/chat/completions", "/v1/nowhere", "/health", "/", "*"):
            for asked in ("POST", "DELETE", None):
                headers = {
                    "origin": origin,
                    "access-control-request-method": asked,
                    "authorization": None,
                    "access-control-request-headers": "authorization, x-a" if path == "/" else None,
                }
                yield make.call(f"preflight {origin} {path} {asked}", "OPTIONS", path, None, headers=headers)
        with_origin = {"origin": origin}
        yield make.call(f"chat from {origin}", *_CHAT, headers=with_origin, replies=[_GOOD])
        yield make.call(
            f"error from {origin}",
            *_CHAT,
            headers=with_origin,
            replies=[make.answer(make.whole("400 No", make.error("x")))],
        )
        yield make.call(f"no key from {origin}", *_CHAT, headers={**with_origin, "authorization": None})
        yield make.call(f"health from {origin}", "GET", "/health", None, headers=with_origin)
        yield make.call(f"head from {origin}", "HEAD", "/v1/models", None, headers=with_origin)
        raw = make.request(
            f"stream from {origin}",
            "POST",
            "/v1/chat/completions",
            {"model": "MODEL", "stream": True, "messages": []},
            with_origin,
        )
        yield make.raw(
            f"stream from {origin}", Send(raw), Read(), replies=[make.answer(make.stream(streams.events_of("CHAT")))]
        )


def _origins() -> Iterator[Group]:
    for name, origins in (
        ("any", "*"),
        ("some", "https://page.example, http://localhost:3000"),
        ("one", "https://other.example"),
    ):
        yield make.group(f"origins-{name}", make.one_resource(ALLOWED_ORIGINS=origins), _preflights())
    flex = make.group("origins-flex", make.one_resource(CORS_ALLOWED_ORIGINS='["https://page.example"]'), _preflights())
    yield replace(flex, arguments=("--flex",))


def _full() -> Iterator[Case]:
    """Yield what happens to a second request while one is all that there may be."""
    held = Reply((Wait("gate second"), Send(make.whole("200 OK", {"id": "x", "choices": []}))))
    endings = {
        "/v1/chat/completions": _CHAT,
        "/v1/models": ("GET", "/v1/models", None),
        "/health": ("GET", "/health", None),
        "/v1/nowhere": ("GET", "/v1/nowhere", None),
    }
    for what, (method, path, body) in endings.items():
        name = f"beside one: {what}"
        first = Exchange((Send(make.request(name, *_CHAT)), Read()))
        second = Exchange((Wait("asked"), Send(make.request(name, method, path, body)), Read(), Mark("second")))
        yield make.sequence(name, first, second, replies={"azure": [held]}, parallel=True)
    yield make.call("afterwards", *_CHAT, replies=[_GOOD])


_WRONG: Mapping[str, Mapping[str, str]] = {
    "no endpoint": {"AZURE_OPENAI_ENDPOINT": ""},
    "http": {"AZURE_OPENAI_ENDPOINT": "http://name.openai.azure.com"},
    "a path": {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com/openai/deployments/x"},
    "no url": {"AZURE_OPENAI_ENDPOINT": "name"},
    "version": {"AZURE_OPENAI_API_VERSION": "latest"},
    "mapper": {"AZURE_OPENAI_MODEL_MAPPER": "a"},
    "mapper twice": {"AZURE_OPENAI_MODEL_MAPPER": "a=b,a=c"},
    "mapper name": {"AZURE_OPENAI_MODEL_MAPPER": "a=b c"},
    "default": {"AZURE_OPENAI_DEFAULT_DEPLOYMENT": "a/b"},
    "auth": {"AZURE_OPENAI_AUTH": "none"},
    "auth without a vault": {"AZURE_OPENAI_AUTH": "key-vault"},
    "auth without a key": {"AZURE_OPENAI_AUTH": "key", "AZURE_OPENAI_API_KEY": ""},
    "key with a space": {"AZURE_OPENAI_API_KEY": "a b"},
    "vault": {"KEY_VAULT_URL": "http://x"},
    "secret": {"AZURE_OPENAI_KEY_SECRET": "a_b"},
    "client id": {"AZURE_CLIENT_ID": "x"},
    "scope": {"AZURE_OPENAI_TOKEN_SCOPE": "x"},
    "client keys": {"CLIENT_KEYS": "alice"},
    "client keys twice": {"CLIENT_KEYS": "a=k,b=k"},
    "client auth": {"CLIENT_AUTH": "open"},
    "client auth beside keys": {"CLIENT_AUTH": "azure-key", "CLIENT_KEYS": "a=b"},
    "client resources": {"CLIENT_AUTH": "resource-key", "CLIENT_KEYS": ""},
    "origins": {"ALLOWED_ORIGINS": "page.example"},
    "stored": {"STORED_OBJECTS": "on"},
    "surfaces": {"AZURE_OPENAI_OPERATION_SURFACES": "createChatCompletion=v2"},
    "surfaces of nothing": {"AZURE_OPENAI_OPERATION_SURFACES": "createNothing=v1"},
    "flag": {"FORWARD_UNKNOWN_OPERATIONS": "yes"},
    "repairs": {"REPAIR_PARAMETERS": "2"},
    "filters": {"CONTENT_FILTER_RESULTS": "drop"},
    "size": {"MAX_JSON_BODY_BYTES": "0"},
    "flight": {"MAX_IN_FLIGHT": "1.5"},
    "seconds": {"UPSTREAM_IDLE_TIMEOUT": "-1"},
    "too many seconds": {"UPSTREAM_FIRST_BYTE_TIMEOUT": "231"},
    "total": {"UPSTREAM_TOTAL_TIMEOUT": "1800"},
    "grace": {"SHUTDOWN_GRACE": "x"},
    "routing": {"AZURE_OPENAI_ROUTING": "{"},
    "routing name": {"AZURE_OPENAI_ROUTING": '{"x":1}'},
    "routing kind": {"AZURE_OPENAI_ROUTING": '{"attempts":1.5}'},
    "routing zero": {"AZURE_OPENAI_ROUTING": '{"attempts":0}'},
    "fallbacks": {"AZURE_OPENAI_FALLBACKS": '{"a":"b"}'},
    "resource id": {"AZURE_OPENAI_RESOURCE_ID": "x"},
    "manager": {"AZURE_RESOURCE_MANAGER_URL": "https://x/y"},
    "proxy": {"HTTPS_PROXY": "socks5://x"},
    "both ways": {"AZURE_OPENAI_RESOURCES": "[]"},
}
_WRONG_LISTS: Mapping[str, object] = {
    "an object": {},
    "empty": [],
    "no endpoint": [{"name": "a", "api_key": "k"}],
    "a wrong member": [{"endpoint": "https://a.openai.azure.com", "api_key": "k", "x": 1}],
    "a name twice": [{"endpoint": "https://a.openai.azure.com", "api_key": "k"}] * 2,
    "a priority": [{"endpoint": "https://a.openai.azure.com", "api_key": "k", "priority": 1.5}],
    "a weight": [{"endpoint": "https://a.openai.azure.com", "api_key": "k", "weight": -1}],
    "a kind": [{"endpoint": "https://a.openai.azure.com", "api_key": "k", "kind": "x"}],
    "openai with a version": [
        {"kind": "openai", "endpoint": "https://api.openai.com", "api_key": "k", "api_version": "v1"}
    ],
    "models": [{"endpoint": "https://a.openai.azure.com", "api_key": "k", "models": ["a"]}],
    "33": [{"name": f"n{number}", "endpoint": "https://a.openai.azure.com", "api_key": "k"} for number in range(33)],
    "a file that is not there": "nowhere.json",
}


def _wrong() -> Iterator[Group]:
    """Yield settings that are wrong, as Azure runs them: the app answers with what is wrong."""
    azure = {"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}
    for what, settings in _WRONG.items():
        yield _misconfigured(
            what, make.one_resource(**azure, AZURE_OPENAI_ENDPOINT="https://name.openai.azure.com") | dict(settings)
        )
    for what, entries in _WRONG_LISTS.items():
        text = entries if isinstance(entries, str) else json.dumps(entries)
        yield _misconfigured(f"resources {what}", {**azure, "AZURE_OPENAI_RESOURCES": text, "CLIENT_KEYS": "a=b"})
    local = make.group("wrong-locally", make.one_resource(AZURE_OPENAI_AUTH="none"), ())
    yield replace(local, starts=False)


def _misconfigured(what: str, settings: Mapping[str, str]) -> Group:
    cases = [
        make.call("chat", *_CHAT),
        make.call("health", "GET", "/health", None),
        make.call("head", "HEAD", "/v1/models", None),
    ]
    return make.group(f"wrong-{what.replace(' ', '-')}", settings, cases)
