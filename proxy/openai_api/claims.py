"""What the ids of a request claim: that it belongs to the resource which has their objects.

All claims of a request must be on one resource. Items of earlier answers that are here as a whole claim nothing: the
resource that has made them is merely the best one to go on with, because it may have the conversation in its cache.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from proxy.errors import InvalidRequest
from proxy.openai_api.input_items import ids_to_find

_MAX_SHOWN = 100


def shown(identifier: str) -> str:
    """Return an id as it is shown in a message."""
    return identifier if len(identifier) <= _MAX_SHOWN else f"{identifier[:_MAX_SHOWN]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An id that belongs to a resource, the field that has it, and the id as the client wrote it.

    One that is not required is of an item that is here as a whole: its resource is merely the best one to ask.
    """

    field: str
    id: str
    resource: int
    is_required: bool = True


Claims = tuple[Claim, ...]


def claimed(claims: Iterable[Claim]) -> Claim | None:
    """Return a claim on the resource of all required ones, if any; raise `InvalidRequest` if they differ."""
    first: Claim | None = None
    for claim in claims:
        if not claim.is_required:
            continue
        if first is None:
            first = claim
        elif claim.resource != first.resource:
            raise InvalidRequest(
                f"The `{first.field}` {shown(first.id)} and the `{claim.field}` {shown(claim.id)} belong to different "
                "Azure OpenAI resources and cannot be used in one request.",
                param=claim.field,
                code="invalid_value",
            )
    return first


def preferred(claims: Claims) -> int | None:
    """Return the resource of the last claim that is not required, None without any."""
    return next((claim.resource for claim in reversed(claims) if not claim.is_required), None)


def not_served_there(model: str, claim: Claim) -> InvalidRequest:
    """Return the error for a model that other resources serve than the one that an id belongs to."""
    return InvalidRequest(
        f"The model `{model}` is not served by the Azure OpenAI resource that the `{claim.field}` {shown(claim.id)} "
        "belongs to, and no other resource can use it. Ask for a model of that resource, or send the request without "
        f"`{claim.field}`.",
        param=claim.field,
        code="invalid_value",
    )


def claims_of_items(raw: bytes, others: Container[int], items: Sequence[Claim]) -> Claims:
    """Return one claim for each resource that must find items, and one for the last item that nobody must find."""
    if all(claim.resource in others for claim in items):
        return ()
    to_find = ids_to_find(raw)
    required: dict[int, Claim] = {}
    whole: Claim | None = None
    for claim in items:
        if to_find is None or claim.id in to_find:
            required.setdefault(claim.resource, claim)
        else:
            whole = claim
    return (*required.values(), *(() if whole is None else (replace(whole, is_required=False),)))
