"""How a row of the table is written: a template, and a short text `name METHOD /path` for what differs."""

from collections.abc import Iterable
from dataclasses import replace

from proxy.translation.operations.operation import Body, Operation, Surface


def row(text: str, template: Operation) -> Operation:
    """Return the operation that the text names; what it sends is not read unless the template says so."""
    name, method, path = text.split()
    body = Body.OPAQUE if template.body is Body.NONE and method == "POST" else template.body
    return replace(template, name=name, method=method, path=path, body=body)


def rows(template: Operation, *texts: str) -> Iterable[Operation]:
    """Return the operations that the texts name."""
    return (row(text, template) for text in texts)


DEPLOYMENT, V1, HERE, NOWHERE = (
    Operation(name="", method="", path="", surface=surface)
    for surface in (Surface.DEPLOYMENT, Surface.V1, Surface.HERE, Surface.NOWHERE)
)
STORED = replace(V1, stored=True)
CLASSIC = replace(STORED, surface=Surface.CLASSIC)
PUBLIC = replace(HERE, public=True)
