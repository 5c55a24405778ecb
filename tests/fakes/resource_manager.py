"""Azure Resource Manager's list of a resource's deployments, page by page.

https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/list
"""

from aiohttp import web

from tests.fakes.server import Server

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
RESOURCE_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-1/providers/Microsoft.CognitiveServices/accounts/contoso"
)
API_VERSION = "2025-09-01"


def deployment(
    name: str, *, model: str = "gpt-4.1", sku: str = "GlobalStandard", **properties: object
) -> dict[str, object]:
    """Return a deployment as Azure Resource Manager writes it; `properties` replace those of a common one."""
    return {
        "id": f"{RESOURCE_ID}/deployments/{name}",
        "type": "Microsoft.CognitiveServices/accounts/deployments",
        "name": name,
        "sku": {"name": sku, "capacity": 50},
        "properties": {
            "model": {"format": "OpenAI", "name": model, "version": "2025-04-14"},
            "versionUpgradeOption": "OnceNewDefaultVersionAvailable",
            "currentCapacity": 50,
            "capabilities": {
                "chatCompletion": "true",
                "area": "US",
                "maxContextToken": "1047576",
                "assistants": "false",
            },
            "provisioningState": "Succeeded",
            "rateLimits": [
                {"key": "request", "renewalPeriod": 10, "count": 50},
                {"key": "token", "renewalPeriod": 60, "count": 50000},
            ],
            **properties,
        },
        "systemData": {"createdAt": "2025-09-01T10:00:00.0000000Z"},
        "etag": '"00000000-0000-0000-0000-000000000000"',
    }


class FakeResourceManager(Server):
    """One resource's deployments, in `items` of any kind. A call with a token in `refused` is a 401."""

    def __init__(self, *, page_size: int = 100) -> None:
        super().__init__()
        self.page_size = page_size
        self.items: list[object] = []
        self.links: dict[int, object] = {}  # what stands in place of the link after an item's number
        self.moved: str | None = None  # where to the first page is redirected
        self.refused: set[str] = set()
        self.calls: list[str] = []  # path and query as they came
        self.tokens: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, request: web.Request) -> web.Response:
        self.calls.append(request.raw_path)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        self.tokens.append(token)
        if wrong := await self._faulty(self.fault):
            return wrong
        if scheme != "Bearer" or not token or token in self.refused:
            return _error(401, "InvalidAuthenticationToken")
        if request.path != f"{RESOURCE_ID}/deployments":
            return _error(404, "ResourceNotFound")
        if self.moved:
            return web.Response(status=307, headers={"Location": self.moved})
        if request.query.get("api-version") != API_VERSION:
            return _error(400, "InvalidResourceType")
        return self._page(request)

    def _page(self, request: web.Request) -> web.Response:
        start = int(request.query.get("$skipToken", "0"))
        after = start + self.page_size
        page: dict[str, object] = {"value": self.items[start:after]}
        if after < len(self.items):
            path = f"{RESOURCE_ID}/deployments?api-version={API_VERSION}"
            page["nextLink"] = f"{self.url}{path}&%24skipToken={after}"
        if after in self.links:
            page["nextLink"] = self.links[after]
        return web.json_response(page)


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": f"as Azure says it of {SUBSCRIPTION}"}}, status=status)
