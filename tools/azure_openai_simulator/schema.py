"""A value for a JSON schema, so that tool calls and structured outputs parse."""

from collections.abc import Mapping


def example(schema: object, text: str) -> object:
    """Return a value that fits a plain schema, its strings being `text`; what it does not know is null."""
    if not isinstance(schema, Mapping):
        return None
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return options[0]
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        return {str(name): example(part, text) for name, part in properties.items()}
    kind = schema.get("type")
    if kind == "array":
        return [example(schema.get("items"), text)]
    return _EXAMPLES.get(str(kind)) if kind != "string" else text


_EXAMPLES: Mapping[str, object] = {"integer": 1, "number": 1.5, "boolean": True, "object": {}}
