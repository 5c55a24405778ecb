"""Lists over several resources: they are asked in their order, one resource a page.

A client goes on with `after`, the last id it has seen, whose tag says where.
https://platform.openai.com/docs/api-reference/files/list
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

from proxy.errors import UpstreamError
from proxy.translation import azure_fields
from proxy.translation.ids.claims import bare_query, claimed
from proxy.translation.ids.tags import Tags
from proxy.translation.operations import Operation

_EMPTY = re.compile(rb"(?:\[\s*\]|null)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list: the resource that is asked, the query for it, and how many resources come behind it.

    A page `before` an id has none behind: it goes backwards, and only in the resource of that id.
    """

    resource: int
    query: str
    behind: int

    def turn(self, body: bytes) -> "bytes | Page":
        """Return the body for the client, or the page to ask for instead of an empty one.

        The body says that there is more while resources come behind: what is left of this one, or theirs. Raises
        `UpstreamError` when Azure's answer is not a JSON object.
        """
        if not self.behind:
            return body
        try:
            return azure_fields.rewrite(body, _with_more) or self._next()
        except azure_fields.UNREADABLE:
            raise UpstreamError("Azure OpenAI's answer is not the JSON it should be.") from None

    def _next(self) -> "Page":
        pairs = (pair for pair in self.query.split("&") if _name(pair) != "after")
        return Page(resource=self.resource + 1, query="&".join(pairs), behind=self.behind - 1)


def spans_resources(operation: Operation) -> bool:
    """Tell whether an operation lists what a resource keeps, and not what belongs to one kept object."""
    return operation.method == "GET" and operation.stored and "{" not in operation.path


def open_page(tags: Tags, operation: Operation, query: str) -> Page:
    """Return the page that a query asks for.

    Raises `InvalidRequest` for ids of two resources, or of none.
    """
    bare, claims = bare_query(tags, operation, query)
    resource = claimed(claims) or 0
    backwards = any(_name(pair) == "before" for pair in bare.split("&"))
    return Page(resource=resource, query=bare, behind=0 if backwards else len(tags.names) - 1 - resource)


def _with_more(body: bytes) -> bytes:
    """Return a list that says there is more, nothing for an empty one; Azure may leave `has_more` out."""
    members = azure_fields.DECODE(body)
    if _EMPTY.fullmatch(bytes(members.get("data", b""))):
        return b""
    if bytes(members.get("has_more", b"")) == b"true":
        return body
    return azure_fields.ENCODE({**members, "has_more": msgspec.Raw(b"true")})


def _name(pair: str) -> str:
    return unquote(pair.partition("=")[0])
