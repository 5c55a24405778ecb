"""The rows of the table as the paths that clients write."""

import re

import pytest

from proxy.openai_api.operations import OPERATIONS, Operation, Surface

ROWS = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: f"{row.method} {row.path}")
ON_DEPLOYMENTS = pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if row.surface is Surface.DEPLOYMENT], ids=lambda row: row.name
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def filled(operation: Operation) -> tuple[str, tuple[str, ...]]:
    """Return a path of the operation and the values of its parameters, each with its own."""
    names = re.findall(r"{(\w+)}", operation.path)
    values = tuple(f"id-{number}.a_b" for number, _ in enumerate(names))
    path = operation.path.replace("*", "users/u-1")
    for name, value in zip(names, values, strict=True):
        path = path.replace(f"{{{name}}}", value, 1)
    return path, values


def template(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"{\w+}", "{}", path)
