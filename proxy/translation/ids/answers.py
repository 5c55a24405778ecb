"""Answers of Azure with the tag of the resource on every id of an object that it keeps."""

from proxy.translation.ids.members import members_of
from proxy.translation.ids.tags import MARK, Tags
from proxy.translation.json_body import JsonBody
from proxy.translation.operations import Operation, StreamFormat

_MARK = MARK.encode()


def brings_ids(operation: Operation, document: JsonBody | None) -> bool:
    """Tell whether an answer may have ids that a client comes back with; a chat has only if it is stored."""
    if operation.stored or operation.path.startswith("/responses"):
        return not operation.download
    return operation.stream is StreamFormat.CHAT and document is not None and document.member("store") == b"true"


def tag_answer(tags: Tags, operation: Operation, data: bytes, resource: int) -> bytes:
    """Return a JSON answer, or whole events of a stream, with its ids tagged and every other byte as it came."""
    tag, members = tags.tag(resource).encode(), members_of(operation)
    if not tag or members.names.search(data) is None:  # most events of a chat
        return data
    pieces: list[bytes] = []
    kept = 0
    for _, start, end in members.places(data):
        if _MARK not in data[start:end]:
            pieces += (data[kept:end], tag)
            kept = end
    return b"".join((*pieces, data[kept:])) if pieces else data
