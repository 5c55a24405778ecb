"""The OpenAPI documents of OpenAI and of Azure OpenAI as judges of what is sent and what is answered.

They are large and belong to others, so they are not in the repository: the environment variable OPENAPI_DOCUMENTS names
the folder that holds them. Judging answers with a list of faults; an empty one is an acquittal.

The documents mix their words: OpenAI's and the 2025-03-01-preview call themselves 3.1 and write `nullable`, which is
3.0's and means nothing in 3.1. So 3.0's words are put into 3.1's while a document is loaded, whatever it calls itself,
and one judge is enough. `format` and `discriminator` are not judged: 3.1 takes them for remarks.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource, Specification

VARIABLE = "OPENAPI_DOCUMENTS"
needed = pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} is not set")

OPENAI = "openai-v1.yaml"
AZURE_V1 = "azure-openai-v1.json"
AZURE_DATED = ("azure-openai-2025-03-01-preview.json", "azure-openai-2024-10-21.yaml")

JSON = "application/json"
EVENTS = "text/event-stream"
# A fault quotes what it is about, which may be a whole answer.
MAX_FAULT = 600
_URI = "urn:document"
_BOUNDS = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))

Node = dict[str, object]
Pointer = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One API document in 3.1's words; a path is a template as the document writes it."""

    root: Node = field(repr=False)
    registry: Registry[object] = field(repr=False)

    def describes(self, method: str, path: str) -> bool:
        """Tell whether the document has this operation."""
        return path in self._at(("paths",)) and method.lower() in self._at(("paths", path))

    def required_query(self, method: str, path: str) -> set[str]:
        """Return the names of the query parameters without which the operation cannot be called."""
        listed = self._at(_operation(method, path)).get("parameters", [])
        parameters = [self._at(_target(one)) if _target(one) else one for one in cast("list[Node]", listed)]
        return {str(one["name"]) for one in parameters if one["in"] == "query" and one.get("required")}

    def faults_of_request(self, method: str, path: str, body: object) -> list[str]:
        """Judge the JSON body of a request."""
        return self._faults((*_operation(method, path), "requestBody", "content", JSON, "schema"), body)

    def faults_of_answer(self, method: str, path: str, status: int, body: object, *, media: str = JSON) -> list[str]:
        """Judge the JSON body of an answer, or the data of one event of a stream; raise KeyError for a status without.

        A stream that the document does not describe apart is made of objects of the shape of the plain answer.
        """
        responses = (*_operation(method, path), "responses")
        described = self._at(responses)
        key = next((key for key in (str(status), f"{status // 100}XX", "default") if key in described), str(status))
        pointer = _target(self._at((*responses, key))) or (*responses, key)
        content = (*pointer, "content")
        return self._faults((*content, media if media in self._at(content) else JSON, "schema"), body)

    def faults_by_name(self, schema: str, value: object) -> list[str]:
        """Judge a value by one of the document's named schemas."""
        return self._faults(("components", "schemas", schema), value)

    def _faults(self, pointer: Pointer, value: object) -> list[str]:
        self._at(pointer)
        reference = {"$ref": f"{_URI}#/{'/'.join(map(_escaped, pointer))}"}
        errors = OAS31Validator(reference, registry=self.registry).iter_errors(value)
        return [f"{error.json_path}: {error.message}"[:MAX_FAULT] for error in errors]

    def _at(self, pointer: Pointer) -> Node:
        node = self.root
        for name in pointer:
            if name not in node:
                raise KeyError(f"The document has no {' '.join(pointer)}.")
            node = cast("Node", node[name])
        return node


@cache
def load(name: str) -> Document:
    """Return a document of the folder, read when the first test asks for it; raise OSError when it is not there."""
    text = Path(os.environ[VARIABLE], name).read_text("utf-8")
    raw = json.loads(text) if name.endswith(".json") else yaml.load(text, yaml.CSafeLoader)
    return document(raw)


def document(raw: object) -> Document:
    """Return a document from its plain values."""
    root = cast("Node", _translated(raw))
    contents: Resource[object] = Specification.OPAQUE.create_resource(root)
    return Document(root=root, registry=Registry[object]().with_resource(_URI, contents))


def _translated(node: object) -> object:
    """Return a node with the words of OpenAPI 3.0 replaced by those of 3.1."""
    if isinstance(node, list):
        return [_translated(item) for item in node]
    if not isinstance(node, dict):
        return node
    words = {str(name): _translated(value) for name, value in node.items()}
    for bound, exclusive in _BOUNDS:
        if words.get(exclusive) is True:
            words[exclusive] = words.pop(bound)
        elif words.get(exclusive) is False:
            del words[exclusive]
    if isinstance(words.get("nullable"), bool):
        return {"anyOf": [{"type": "null"}, words]} if words.pop("nullable") else words
    return words


def _operation(method: str, path: str) -> Pointer:
    return ("paths", path, method.lower())


def _target(node: Node) -> Pointer:
    """Return where a reference leads, nowhere when the node is none."""
    steps = str(node.get("$ref", "")).split("/")[1:]
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def _escaped(name: str) -> str:
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")


def events(raw: bytes) -> Iterator[dict[str, Any]]:
    """Yield the data of every event of a stream before `[DONE]`."""
    for line in raw.splitlines():
        if line.startswith(b"data: ") and line != b"data: [DONE]":
            yield json.loads(line[6:])
