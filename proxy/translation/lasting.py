"""Whether a call leaves something behind, so that asking twice would leave it twice."""

from proxy.translation.json_body import JsonBody
from proxy.translation.operations import Operation

# They ask what is kept, or try something out, and keep nothing.
_TRIALS = frozenset({"searchVectorStore", "runGrader", "validateGrader"})
# Members that make a response more than an answer: a job of its own, or a turn that later ones build on.
_LASTING = ("previous_response_id", "conversation")


def lasting(operation: Operation, document: JsonBody | None) -> bool:
    """Tell whether a call makes, changes or deletes something that lasts.

    An answer that Azure stores beside giving it is none: nobody knows of a second one, and it goes away by itself.
    """
    if operation.method == "GET" or operation.name in _TRIALS:
        return False
    if operation.stored or operation.path.startswith("/realtime/calls"):
        return True
    if operation.name != "createResponse" or document is None:
        return False
    return document.member("background") == b"true" or any(map(document.member, _LASTING))
