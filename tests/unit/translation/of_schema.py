"""Values of any kind that a schema of a document allows, made by its words; strings are marks that can be found again.

It reads no patterns, and what a text says about a value: a judge has to tell whether the value is one after all.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]
Node = Mapping[str, Any]
_MARKS = st.integers(0, 10**12).map(lambda number: f"mark-{number}")
# Deeper objects keep to what they must have.
MAX_DEPTH = 12


class Maker:
    """Makes strategies of the schemas of one document; `others` are strategies for schemas by their names."""

    def __init__(self, root: Any, others: Mapping[str, st.SearchStrategy[Any]]) -> None:
        self._schemas: Mapping[str, Node] = root["components"]["schemas"]
        self._others = others

    def of(self, name: str) -> st.SearchStrategy[Any]:
        """Return the strategy for a schema."""
        return self._of({"$ref": f"/{name}"}, 0)

    def properties(self, name: str) -> dict[str, Any]:
        """Return the members of a schema, those of all its parts."""
        found: dict[str, Any] = self._whole({"$ref": f"/{name}"})["properties"]
        return found

    def _of(self, schema: Node, depth: int) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._others[name] if name in self._others else self._of(self._schemas[name], depth)
        if "const" in schema or "enum" in schema:
            return st.sampled_from(schema.get("enum", [schema.get("const")]))
        choices = schema.get("oneOf") or schema.get("anyOf")
        if choices and "properties" not in schema:
            return st.one_of([st.deferred(self._later(one, depth)) for one in choices])
        kinds = schema.get("type", "object" if "properties" in schema or "allOf" in schema else "string")
        listed = [kinds] if isinstance(kinds, str) else kinds
        nothing = [st.none()] if schema.get("nullable") else []
        return st.one_of([*nothing, *(self._typed(kind, schema, depth) for kind in listed)])

    def _later(self, schema: Node, depth: int) -> Callable[[], st.SearchStrategy[Any]]:
        return lambda: self._of(schema, depth)

    def _typed(self, kind: str, schema: Node, depth: int) -> st.SearchStrategy[Any]:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            element = st.deferred(self._later(schema.get("items", {}), depth + 1))
            return st.lists(element, min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 3), 3))
        low = max(float(schema.get("minimum", 0)), -1000.0)
        bounds = (low, min(float(schema.get("maximum", 1000)), low + 1000))
        simple: Mapping[str, st.SearchStrategy[Any]] = {
            "null": st.none(),
            "boolean": st.booleans(),
            "integer": st.integers(*map(int, bounds)),
            "number": st.floats(*map(float, bounds)),
        }
        return simple.get(kind, _MARKS)

    def _object(self, schema: Node, depth: int) -> st.SearchStrategy[Any]:
        whole = self._whole(schema)
        if not whole["properties"]:
            return st.dictionaries(_MARKS, _MARKS, max_size=2)
        made = {name: st.deferred(self._later(one, depth + 1)) for name, one in whole["properties"].items()}
        required = {name: made[name] for name in whole["required"] if name in made}
        optional = {name: one for name, one in made.items() if name not in required and depth < MAX_DEPTH}
        return st.fixed_dictionaries(required, optional=optional)

    def _whole(self, schema: Node) -> Any:
        """Return the members and the required ones of an object, those of its parts as well."""
        if "$ref" in schema:
            return self._whole(self._schemas[schema["$ref"].rpartition("/")[2]])
        properties, required = dict(schema.get("properties", {})), list(schema.get("required", []))
        for part in schema.get("allOf", []):
            inner = self._whole(part)
            properties = {**inner["properties"], **properties}
            required += inner["required"]
        return {"properties": properties, "required": required}
