"""The tags of resources on ids, which have had two layouts: both are shown as the name of the resource.

Before: `~` and four characters. Now: `-`, the version, three characters for the resource, five of a checksum.
"""

import re

_RESOURCES = {"one": ("mrwd", "Kdb"), "two": ("rcc3", "EfH"), "three": ("ckps", "fzY"), "works": ("2bz5", "FwD")}
_NAMES = {tag: name for name, tags in _RESOURCES.items() for tag in tags}
_OLD, _NEW = ("|".join(tags) for tags in zip(*_RESOURCES.values(), strict=True))
_TAG = re.compile(rf"~({_OLD})\b|-1({_NEW})[\w-]{{5}}")


def shown(document: object, *, without: bool = False) -> object:
    """Return a document of a recording with the names in place of the tags, or `without` tags."""
    if isinstance(document, str):
        return _TAG.sub("" if without else _name, document)
    if isinstance(document, list):
        return [shown(one, without=without) for one in document]
    if isinstance(document, dict):
        return _without_length(document, {name: shown(value, without=without) for name, value in document.items()})
    return document


def _name(found: re.Match[str]) -> str:
    return f"<of {_NAMES[found[1] or found[2]]}>"


def _without_length(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    """Drop the length of a body in which there are tags: it follows from the body and their layout."""
    headers = after.get("headers")
    if before.get("body") != after.get("body") and isinstance(headers, list):
        after["headers"] = [one for one in headers if not one.startswith("content-length: ")]
    return after
