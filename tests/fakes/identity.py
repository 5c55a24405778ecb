"""The endpoint that gives a Function app the tokens of its managed identity (App Service, version 2019-08-01).

It is plain HTTP on the loopback, as on Azure. `environ()` is what Azure puts into the app's environment; azure-identity
reads it when the credential is made.
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

import json
import time

from aiohttp import web

from tests.fakes.server import Server

HEADER = "fake-identity-header"


class FakeIdentity(Server):
    """Answer each call with a new token that lives for `lifetime` seconds."""

    def __init__(self, *, lifetime: float = 86_400.0, client_id: str | None = None) -> None:
        super().__init__()
        self.lifetime = lifetime
        self.client_id = client_id
        self.fixed: str | None = None  # a token that every call gets, as Azure's own cache behind the endpoint does
        self.calls: list[str] = []  # the resource of each call
        self.tokens: list[str] = []

    def environ(self) -> dict[str, str]:
        """Return the variables that lead an app to this endpoint."""
        return {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.port}/msi/token", "IDENTITY_HEADER": HEADER}

    async def _answer(self, request: web.Request) -> web.Response:
        self.calls.append(request.query.get("resource", ""))
        if wrong := await self._faulty(self.fault):
            return wrong
        if request.headers.get("X-IDENTITY-HEADER") != HEADER:
            return web.json_response({"statusCode": 401, "message": "wrong header"}, status=401)
        if request.query.get("api-version") != "2019-08-01" or request.query.get("client_id") != self.client_id:
            return web.json_response({"statusCode": 400, "message": "no such identity"}, status=400)
        return web.Response(text=json.dumps(self._token(request)), content_type="application/json")

    def _token(self, request: web.Request) -> dict[str, str]:
        token = self.fixed or f"fake-token-{len(self.tokens) + 1}"
        self.tokens.append(token)
        return {
            "access_token": token,
            "client_id": self.client_id or "00000000-0000-0000-0000-000000000000",
            "expires_on": str(int(time.time() + self.lifetime)),
            "not_before": str(int(time.time())),
            "resource": request.query.get("resource", ""),
            "token_type": "Bearer",
        }
