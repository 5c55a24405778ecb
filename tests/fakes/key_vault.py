"""Azure Key Vault's secrets over TLS, for Azure's own SDK.

How an app comes to trust it. Azure's async SDKs send through aiohttp, which makes its TLS context once, while it is
imported, from OpenSSL's default places; SSL_CERT_FILE replaces those. So a process that is started with `environ()`
trusts the fake, without certifi, requests or any switch of the app. In the tests' own process aiohttp is imported
long before: there `client_context()` takes the place of aiohttp's context for one test.

How the SDK comes to accept the challenge. It sends no token unless the vault's host ends with a dot and the challenge's
resource, port included. No name below `localhost` resolves everywhere, but the text "127.0.0.1:PORT" ends with
".0.0.1:PORT", so the resource is "https://0.0.1:PORT"; the identity fake gives a token for any resource.

https://learn.microsoft.com/rest/api/keyvault/secrets
"""

import ssl
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

from tests.fakes.server import Fault, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One secret's current version; the times are whole seconds since 1970 UTC."""

    value: str
    version: int = 1
    enabled: bool = True
    nbf: int | None = None
    exp: int | None = None
    created: int = 0
    updated: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, object]:
        times = {"nbf": self.nbf, "exp": self.exp, "created": self.created, "updated": self.updated}
        given = {name: seconds for name, seconds in times.items() if seconds is not None}
        return {"enabled": self.enabled, "recoveryLevel": "Recoverable+Purgeable", **given}


class FakeKeyVault(Server):
    """One vault. Put secrets in with `put`, spoil all answers with `fault` or those for one secret with `faults`.

    `now` is in seconds since 1970 UTC.
    """

    def __init__(self, ca: trustme.CA | None = None, *, page_size: int = 25) -> None:
        self._ca = ca or trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert("127.0.0.1").configure_cert(tls)
        super().__init__(tls)
        self.page_size = page_size
        self.now: Callable[[], float] = time.time
        self.secrets: dict[str, list[Stored]] = {}  # all versions, the current one last
        self.faults: dict[str, Fault] = {}
        # "list", "get <name>", "versions <name>", "put <name>" or "patch <name>", of each call with a token
        self.calls: list[str] = []
        self.challenges = 0
        self._folder = tempfile.TemporaryDirectory()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def environ(self) -> dict[str, str]:
        """Return the variables that lead an app to this vault and make it trust the vault."""
        path = Path(self._folder.name, "ca.pem")
        self._ca.cert_pem.write_to_path(str(path))
        return {"KEY_VAULT_URL": self.url, "SSL_CERT_FILE": str(path)}

    def client_context(self) -> ssl.SSLContext:
        """Return a TLS context that trusts this vault alone."""
        context = ssl.create_default_context(cadata=self._ca.cert_pem.bytes().decode())
        context.set_alpn_protocols(["http/1.1"])  # as aiohttp's own
        return context

    def put(
        self,
        name: str,
        value: str,
        *,
        nbf: int | None = None,
        exp: int | None = None,
        age: int = 0,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add a version that was written `age` seconds ago."""
        versions = self.secrets.setdefault(name, [])
        written = int(self.now()) - age
        stored = Stored(value=value, version=len(versions) + 1, nbf=nbf, exp=exp, created=written, updated=written)
        versions.append(replace(stored, tags=dict(tags or {})))

    def enable(self, name: str, *, enabled: bool, version: int = 0) -> None:
        """Enable or disable a version by its number, the current one if there is none."""
        self._change(name, version, enabled=enabled)

    def tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Replace the tags of the current version, as `az keyvault secret set-attributes --tags` does."""
        self._change(name, 0, tags=dict(tags))

    def _change(self, name: str, version: int, **changed: object) -> None:
        versions = self.secrets[name]
        changed["updated"] = int(self.now())
        versions[version - 1] = replace(versions[version - 1], **changed)  # type: ignore[arg-type]

    def remove(self, name: str) -> None:
        del self.secrets[name]

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        self._folder.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return self._challenge()
        _, _, name, *version = [*request.path.split("/"), "", ""]
        self.calls.append(_call(request.method, name, version[0]))
        if wrong := await self._faulty(self.faults.get(name) or self.fault):
            return wrong
        if request.method in ("PUT", "PATCH"):
            return self._written(name, version[0], await request.json(), is_new=request.method == "PUT")
        if version[:1] == ["versions"]:
            return web.json_response({"value": [self._item(name, one) for one in self.secrets[name]], "nextLink": None})
        return self._secret(name, version[0]) if name else self._page(request)

    def _written(self, name: str, version: str, body: Mapping[str, Any], *, is_new: bool) -> web.Response:
        """Add a version, or change the attributes and the tags of one; what the body does not say stays."""
        given = body.get("attributes") or {}
        changed: dict[str, Any] = {one: given[one] for one in ("nbf", "exp", "enabled") if given.get(one) is not None}
        if is_new:
            self.put(name, body["value"], tags=body.get("tags"))
        elif name not in self.secrets:
            return _error(404, "SecretNotFound")
        elif body.get("tags") is not None:
            changed["tags"] = body["tags"]
        number = int(version) if version else 0
        self._change(name, number, **changed)
        found = self.secrets[name][number - 1]
        return web.json_response({"value": found.value, **self._item(name, found)})

    def _challenge(self) -> web.Response:
        self.challenges += 1
        tenant = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000"
        resource = f"https://0.0.1:{self.port}"
        return web.json_response(
            {"error": {"code": "Unauthorized", "message": "AKV10000"}},
            status=401,
            headers={"WWW-Authenticate": f'Bearer authorization="{tenant}", resource="{resource}"'},
        )

    def _page(self, request: web.Request) -> web.Response:
        start = int(request.query.get("$skiptoken", "0"))
        names = sorted(self.secrets)
        after = start + self.page_size
        link = f"{self.url}/secrets?api-version=7.5&$skiptoken={after}" if after < len(names) else None
        items = [self._item(name, self.secrets[name][-1]) for name in names[start:after]]
        for item in items:  # a list names the secrets, not their versions
            item["id"] = str(item["id"]).rpartition("/")[0]
        return web.json_response({"value": items, "nextLink": link})

    def _secret(self, name: str, version: str) -> web.Response:
        versions = self.secrets.get(name, [])
        found = versions[int(version) - 1 if version else -1] if versions else None
        if found is None:
            return _error(404, "SecretNotFound")
        if not found.enabled:  # the dates, in contrast, forbid nothing
            return _error(403, "Forbidden")
        return web.json_response({"value": found.value, **self._item(name, found)})

    def _item(self, name: str, stored: Stored) -> dict[str, object]:
        return {
            "id": f"{self.url}/secrets/{name}/{stored.version}",
            "attributes": stored.attributes(),
            "tags": dict(stored.tags),
        }


def _call(method: str, name: str, version: str) -> str:
    if method != "GET":
        return f"{method.lower()} {name}"
    return "list" if not name else f"versions {name}" if version == "versions" else f"get {name}"


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": "as Azure says it"}}, status=status)
