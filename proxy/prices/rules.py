"""How the cost of each operation is bounded before it is called, or why it cannot be.

Every operation has a row: a test compares the names with those of `proxy.openai_api.operations`, and the table in
docs/costs.md is made from it.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from proxy.openai_api.operations import OPERATIONS, Surface


class Rule(Enum):
    """How the cost of an operation is bounded, in words for the documentation."""

    FREE = "costs nothing: no model runs"
    CONVERSATION = "tokens of the body or the context window, images by their largest size; output by its limit"
    COMPACTION = "the context window for what is stored, else the bytes; output as much as the model can"
    EMBEDDING = "one token for each byte of the body"
    IMAGE = "one token for each byte of the prompt, images by their largest size, each image that is made by its own"
    SPEECH = "a character for each byte; tokens as many as the model can say"
    TRANSCRIPTION = "the model's window of sound and its longest text"
    VIDEO = "the seconds of the request, or the longest video, by the price of a second"
    SEARCH = "one call of file search"
    SESSION = "one session of a container"
    REFUSED = "not bounded: refused for a hard budget"


class Bounding(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of an operation and, where it is refused, the reason."""

    rule: Rule
    reason: str = ""


_RULES: Mapping[Rule, tuple[str, ...]] = {
    Rule.CONVERSATION: ("createChatCompletion", "createCompletion", "createResponse"),
    Rule.COMPACTION: ("Compactconversation",),
    Rule.EMBEDDING: ("createEmbedding",),
    Rule.IMAGE: ("createImage", "createImageEdit"),
    Rule.SPEECH: ("createSpeech",),
    Rule.TRANSCRIPTION: ("createTranscription", "createTranslation"),
    Rule.VIDEO: ("createVideo",),
    Rule.SEARCH: ("searchVectorStore",),
    Rule.SESSION: ("CreateContainer", "CreateContainerFile"),
    Rule.FREE: (
        *("updateChatCompletion", "cancelResponse", "Getinputtokencounts"),
        *("createConversation", "updateConversation", "createConversationItems"),
        *("hangup-realtime-call", "reject-realtime-call"),
        *("createFile", "createUpload", "addUploadPart", "completeUpload", "cancelUpload", "cancelBatch"),
        *("modifyVectorStore", "updateVectorStoreFileAttributes", "cancelVectorStoreFileBatch"),
        *("validateGrader", "cancelFineTuningJob", "pauseFineTuningJob"),
        *("createEval", "updateEval", "cancelEvalRun", "cancelEvalRunOfSdks"),
        *("modifyAssistant", "modifyThread", "modifyMessage", "modifyRun", "cancelRun"),
    ),
}
# What only reads or deletes runs no model, and no model runs at the proxy or where Azure has none.
_FREE_METHODS = frozenset({"GET", "DELETE"})
_FREE_SURFACES = frozenset({Surface.LOCAL, Surface.UNSUPPORTED})
_TUNING = "the cost of training and of hosting its model is known only afterwards"
_SESSIONS = "a session is between the client and Azure: nobody counts what is said in it"
_RUNS = "a run calls the model as often as it likes, with what the thread keeps"
_STORAGE = "Azure bills what a vector store keeps by the day, for as long as it is kept"
_MAY_STORE = "it may make a vector store, and Azure bills what that keeps by the day"
_LINES = "its file has calls that nobody has counted"
_VIDEOS = "the length of what is made of a stored video is not known before"
REASONS: Mapping[str, str] = {
    "create-realtime-client-secret": _SESSIONS,
    "create-realtime-translation-client-secret": _SESSIONS,
    "create-realtime-session": _SESSIONS,
    "create-realtime-transcription-session": _SESSIONS,
    "create-realtime-call": _SESSIONS,
    "accept-realtime-call": _SESSIONS,
    "refer-realtime-call": _SESSIONS,
    "createFineTuningJob": _TUNING,
    "resumeFineTuningJob": _TUNING,
    "runGrader": "a grader may call several models with texts of its own",
    "createBatch": _LINES,
    "createEvalRun": _LINES,
    "createThreadAndRun": _RUNS,
    "createRun": _RUNS,
    "submitToolOuputsToRun": _RUNS,
    "createVectorStore": _STORAGE,
    "createVectorStoreFile": _STORAGE,
    "createVectorStoreFileBatch": _STORAGE,
    "createAssistant": _MAY_STORE,
    "createThread": _MAY_STORE,
    "createMessage": _MAY_STORE,
    "CreateVideoRemix": _VIDEOS,
    "CreateVideoCharacter": _VIDEOS,
    "CreateVideoEdit": _VIDEOS,
    "CreateVideoExtend": _VIDEOS,
}
# Why a call of an operation that has a rule has no bound all the same, by the codes of the log.
CAUSES: Mapping[str, str] = {
    "unbounded_output": "neither the request nor the table of prices says how much may come back",
    "unbounded_search": "a search that Azure makes for a chat has no limit",
    "unbounded_tool": "nobody knows what one of its tools costs",
    "unbounded_prompt": "the prompt that is kept may have tools that Azure runs, and nobody knows which",
    "tool_without_price": "a tool that Azure runs has no verified price",
    "unknown_window": "the table of prices does not say how much the model may read",
    "unknown_image_size": "the table of prices does not say how many tokens an image has",
    "unknown_duration": "the length of the sound is not known before it is heard",
    "video_without_price": "the model has no price for a second of video",
    "unreadable_body": "the body cannot be read",
    "unknown_model": "the table of prices has no line for the model that would answer",
    "no_price_for_sku": "the table of prices has no line for the model at this kind of deployment",
    "no_price_for_tier": "the table of prices has no line for the model at a service tier that may answer",
    "unverified_price": "a price that may count is not verified; service_tier default leaves out that of priority",
}
UNKNOWN = Bounding(rule=Rule.REFUSED, reason="nobody knows what the operation does")


def _boundings() -> Iterable[tuple[str, Bounding]]:
    for operation in OPERATIONS:
        if operation.method in _FREE_METHODS or operation.surface in _FREE_SURFACES:
            yield operation.name, Bounding(rule=Rule.FREE)
    for rule, names in _RULES.items():
        yield from ((name, Bounding(rule=rule)) for name in names)
    yield from ((name, Bounding(rule=Rule.REFUSED, reason=reason)) for name, reason in REASONS.items())


BOUNDINGS: Mapping[str, Bounding] = dict(_boundings())


def bounding(operation: str) -> Bounding:
    """Return how the cost of an operation is bounded; one that is not known is refused."""
    return BOUNDINGS.get(operation, UNKNOWN)


def is_billed(operation: str) -> bool:
    """Tell whether the usage in an answer to an operation is billed: what only reads tells that of earlier calls."""
    return bounding(operation).rule is not Rule.FREE
