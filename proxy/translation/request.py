"""A client's request into the call of a deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

from proxy.errors import InvalidRequest
from proxy.messages import UpstreamRequest
from proxy.translation import headers
from proxy.translation.json_body import JsonBody, parse_json_body
from proxy.translation.operations import Operation

# Parameters of the client's query that never pass: the version is ours to choose, the others may hold a key.
_OWN_PARAMETERS = frozenset({"api-version", "code", "api-key", "subscription-key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Where a resource takes calls: `endpoint` without a path, and a dated api-version or `v1`."""

    endpoint: str
    api_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a client asks for: an operation, the model by the client's name, a stream or not, and how many choices."""

    operation: Operation
    model: str
    stream: bool
    choices: int
    body: JsonBody


def parse_call(operation: Operation, body: bytes) -> Call:
    """Read what routing and streaming need from the body; raise `InvalidRequest` when it cannot be read."""
    document = parse_json_body(body)
    model = document.text("model")
    if not model:
        raise InvalidRequest("You must provide a model parameter.", param="model", code="missing_required_parameter")
    stream = operation.stream is not None and document.flag("stream")
    return Call(operation=operation, model=model, stream=stream, choices=document.count("n"), body=document)


def to_azure(
    call: Call, deployment: str, surface: Surface, *, query: str, client_headers: Mapping[str, str]
) -> UpstreamRequest:
    """Return the call of a deployment, without the credential.

    On a deployment URL the body goes through as it came, its `model` does no harm there; on v1 the deployment stands
    in the body. https://learn.microsoft.com/azure/ai-foundry/openai/reference
    """
    if surface.api_version == "v1":
        path, version = f"/openai/v1{call.operation.path}", ""
        body = call.body.replace("model", msgspec.json.encode(deployment))
    else:
        path, version = f"/openai/deployments/{deployment}{call.operation.path}", f"api-version={surface.api_version}"
        body = call.body.raw
    parameters = "&".join(filter(None, (version, *_passed_parameters(query))))
    return UpstreamRequest(
        method=call.operation.method,
        url=f"{surface.endpoint}{path}{'?' if parameters else ''}{parameters}",
        headers=headers.request_to_azure(client_headers) | {"content-type": "application/json"},
        body=body,
    )


def _passed_parameters(query: str) -> tuple[str, ...]:
    pairs = query.split("&") if query else ()
    return tuple(pair for pair in pairs if unquote(pair.partition("=")[0]).lower() not in _OWN_PARAMETERS)
