"""Ways to break a set-up with a server of OpenAI's API beside Azure's, and what the doctor must say of each."""

import json
import socket
from typing import Any
from unittest.mock import patch

from aiohttp import web

from tests.fakes.other_server import OtherServer
from tests.fakes.server import Server
from tests.integration.broken_setups import CANARY, SET, Break, Broken, OneAnswer, World
from tests.processes import free_port

SERVER_KEY = f"sk-{CANARY}-of-a-server"
_LOOK_UP = socket.getaddrinfo
WRONG_KEY = b'{"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key", "param": null}}'
WRONG_COUNTRY = (
    b'{"error": {"message": "Country, region, or territory not supported", "param": null, '
    b'"type": "request_forbidden", "code": "unsupported_country_region_territory"}}'
)


def server_at(url: str, **entry: object) -> Break:
    """Let a server be the one resource of the set-up."""

    def spoil(world: World) -> None:
        for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_RESOURCE_ID", "AZURE_OPENAI_MODEL_MAPPER"):
            del world.environ[name]
        world.vault.put("server-key", SERVER_KEY, age=3600)
        key = {} if "auth" in entry else {"key_secret": "server-key"}
        resource = {"name": "mine", "kind": "openai", "endpoint": url, **key, **entry}
        world.environ["AZURE_OPENAI_RESOURCES"] = json.dumps([resource])
        world.environ["UPSTREAM_PRIVATE_ADDRESSES"] = "true"

    return spoil


def answering(status: int, body: bytes, **entry: object) -> Break:
    async def spoil(world: World) -> None:
        server = await world.extra.enter_async_context(OneAnswer(status, body))
        server_at(f"http://127.0.0.1:{server.port}/v1", **entry)(world)

    return spoil


async def _sound(world: World) -> None:
    server = await world.extra.enter_async_context(OtherServer("ollama"))
    server_at(server.url, models={"chat": "llama3.2"})(world)


async def _without_the_model(world: World) -> None:
    server = await world.extra.enter_async_context(OtherServer("ollama"))
    server_at(server.url, models={"chat": "llama3.2", "other": "qwen"})(world)


class Unwilling(Server):
    """Lists one model, and answers its calls with an error."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self._status = status

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({"object": "list", "data": [{"id": "good", "object": "model"}]})
        return web.json_response({"error": {"message": "no"}}, status=self._status)


def _calls_answer(status: int) -> Break:
    async def spoil(world: World) -> None:
        server = await world.extra.enter_async_context(Unwilling(status))
        server_at(f"http://127.0.0.1:{server.port}/v1", models={"chat": "good"})(world)
        world.calls = True

    return spoil


async def _leads_inside(world: World) -> None:
    """Let a name of elsewhere lead to this machine, where the app does not run for development."""
    server = await world.extra.enter_async_context(OneAnswer(200, b"{}"))
    server_at(f"http://server.example:{server.port}/v1")(world)
    del world.environ["AZURE_FUNCTIONS_ENVIRONMENT"]
    world.extra.enter_context(patch("socket.getaddrinfo", _as_this_machine))


def _as_this_machine(host: str, port: int, *arguments: Any, **options: Any) -> Any:
    return _LOOK_UP("127.0.0.1" if host == "server.example" else host, port, *arguments, **options)


SOUND_SERVER: Break = _sound
BROKEN_SERVERS = (
    Broken(
        name="the key of the server is refused",
        spoil=answering(401, WRONG_KEY),
        codes=("server_credential",),
        cure='az keyvault secret set --vault-name 127 --name server-key --value "$KEY"',
    ),
    Broken(
        name="the server asks for a key and the entry has none",
        spoil=answering(401, WRONG_KEY, auth="none"),
        codes=("server_credential",),
        cure=f"{SET} AZURE_OPENAI_RESOURCES=LIST with another key for mine",
    ),
    Broken(
        name="the secret with the key of the server is missing",
        spoil=answering(200, b"{}", key_secret="other-key"),
        codes=("key_vault_secret_missing",),
        cure='az keyvault secret set --vault-name 127 --name other-key --value "$KEY"',
    ),
    Broken(
        name="the server refuses the country of the app",
        spoil=answering(403, WRONG_COUNTRY),
        codes=("server_refused",),
        cure="curl -i http://127.0.0.1:",
    ),
    Broken(
        name="the endpoint of the server is that of its pages",
        spoil=answering(404, b"<html>"),
        codes=("server_not_openai",),
        cure="/v1/models -H",
    ),
    Broken(
        name="the server fails",
        spoil=answering(502, b""),
        codes=("server_failing",),
        cure="curl -i",
    ),
    Broken(
        name="nobody listens at the endpoint of the server",
        spoil=server_at(f"http://127.0.0.1:{free_port()}/v1"),
        codes=("connection_failed",),
        cure="correct endpoint of mine in AZURE_OPENAI_RESOURCES",
    ),
    Broken(
        name="the model of the settings is not in the server's list",
        spoil=_without_the_model,
        codes=("model_missing",),
        cure="then correct models of mine in AZURE_OPENAI_RESOURCES",
    ),
    Broken(
        name="the name of the server leads to this machine",
        spoil=_leads_inside,
        codes=("address_refused",),
        cure="UPSTREAM_PRIVATE_ADDRESSES=true",
    ),
    Broken(
        name="the model of the server fails",
        spoil=_calls_answer(500),
        codes=("model_failing",),
        cure="curl -i",
    ),
    Broken(
        name="the model is over its rate limit at the server",
        spoil=_calls_answer(429),
        codes=("server_throttled",),
        cure="with another resource for the model",
    ),
)
