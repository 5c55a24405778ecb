"""How each operation keeps the objects of clients apart, where objects have owners.

Ids are enough for nearly all: nobody can name another client's object. What is left are lists of all objects of a
resource, and operations that choose objects by something else than their ids. Azure keeps the owner in the metadata of
those objects that have any; a list shows what the metadata says is the caller's. The other lists are refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from urllib.parse import quote, unquote

import msgspec

from proxy.errors import InvalidRequest, UnsupportedOperation, UpstreamError
from proxy.openai_api.claims import Claims, claimed, shown
from proxy.openai_api.id_places import request_places
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, decode, rewrite
from proxy.openai_api.json_walk import Places, places, walk_whole
from proxy.openai_api.object_ids import bare_body
from proxy.openai_api.object_owners import MARK, OwnedTags, Owner, with_mark, without_mark
from proxy.openai_api.operations import INFERENCE, Operation
from proxy.openai_api.router import UNKNOWN


class Ownership(Enum):
    """What keeps the objects of clients apart in an operation."""

    NO_OBJECTS = "it names no object and keeps none"
    BY_ID = "the ids in its requests are checked, those in its answers signed"
    BY_METADATA = "as by id, and what it creates or changes says in its metadata whose it is"
    LISTED = "its list has what the metadata says is the caller's"
    REFUSED = "it is refused, because Azure does not say whose objects these are"


def _table(*rows: tuple[Ownership, str]) -> dict[str, Ownership]:
    return {name: ownership for ownership, names in rows for name in names.split()}


OWNERSHIP: Mapping[str, Ownership] = _table(
    (
        Ownership.NO_OBJECTS,
        """
        createCompletion createEmbedding createImage createSpeech createTranscription createTranslation
        create-realtime-translation-client-secret create-realtime-transcription-session runGrader validateGrader
        listModels retrieveModel billingSubscription billingUsage realtime clientUsage health index frontPagePart
        ready doctor usage-completions usage-embeddings usage-images usage-audio-speeches usage-audio-transcriptions
        usage-costs
        """,
    ),
    (
        Ownership.BY_ID,
        """
        getChatCompletion deleteChatCompletion getChatCompletionMessages
        createResponse getResponse cancelResponse deleteResponse listInputItems Compactconversation Getinputtokencounts
        createConversation getConversation updateConversation deleteConversation createConversationItems
        listConversationItems getConversationItem deleteConversationItem
        createImageEdit
        createVideo CreateVideoRemix CreateVideoCharacter CreateVideoEdit CreateVideoExtend RetrieveVideoContent
        GetVideoCharacter GetVideo DeleteVideo
        create-realtime-client-secret create-realtime-session accept-realtime-call create-realtime-call
        hangup-realtime-call refer-realtime-call reject-realtime-call
        createFile downloadFile retrieveFile deleteFile retrieveBatch cancelBatch
        getVectorStore deleteVectorStore searchVectorStore createVectorStoreFile listVectorStoreFiles
        getVectorStoreFile updateVectorStoreFileAttributes deleteVectorStoreFile retrieveVectorStoreFileContent
        createVectorStoreFileBatch getVectorStoreFileBatch cancelVectorStoreFileBatch listFilesInVectorStoreBatch
        CreateContainer RetrieveContainer DeleteContainer ListContainerFiles RetrieveContainerFile
        DeleteContainerFile CreateContainerFile RetrieveContainerFileContent
        createUpload cancelUpload completeUpload addUploadPart
        retrieveFineTuningJob cancelFineTuningJob pauseFineTuningJob resumeFineTuningJob listFineTuningEvents
        listFineTuningJobCheckpoints
        createEvalRun getEval deleteEval getEvalRuns getEvalRun cancelEvalRun cancelEvalRunOfSdks deleteEvalRun
        getEvalRunOutputItems getEvalRunOutputItem
        createThreadAndRun createRun submitToolOuputsToRun getAssistant deleteAssistant
        createThread getThread modifyThread deleteThread createMessage listMessages getMessage modifyMessage
        deleteMessage listRuns getRun modifyRun cancelRun listRunSteps getRunStep
        """,
    ),
    (
        Ownership.BY_METADATA,
        """
        createChatCompletion updateChatCompletion createBatch createVectorStore modifyVectorStore createFineTuningJob
        createEval updateEval createAssistant modifyAssistant
        """,
    ),
    (
        Ownership.LISTED,
        "listChatCompletions listBatches listVectorStores listPaginatedFineTuningJobs listEvals listAssistants",
    ),
    (Ownership.REFUSED, "listFiles ListContainers ListVideos"),
)
# What changes an object keeps its metadata where it names none.
_CHANGES = frozenset({"updateChatCompletion", "modifyVectorStore", "updateEval", "modifyAssistant"})
_STORED_CHAT, _STORE, _METADATA = "createChatCompletion", "store", "metadata"
# What the lines of a batch may ask for, whose ids are known; Azure refuses lines that do not fit the batch.
_ENDPOINTS = frozenset({"/responses", "/chat/completions", "/completions", "/embeddings"})
_SOURCE_TYPE = "data_source.source.type"
# The other sources choose among all stored answers of the resource.
_SOURCES = frozenset({"file_id", "file_content"})
_TEXT = msgspec.json.Decoder(str).decode
_OF_LINES = tuple(one for one in INFERENCE if one.name in ("createResponse", _STORED_CHAT))


def check_ownership(operation: Operation) -> bool:
    """Tell whether an operation has to do with objects of clients; raise `UnsupportedOperation` if it is refused."""
    ownership = OWNERSHIP.get(operation.name, Ownership.REFUSED)
    if ownership is not Ownership.REFUSED:
        return ownership is not Ownership.NO_OBJECTS
    if operation.name == UNKNOWN:
        raise UnsupportedOperation(
            "This proxy does not know the operation, which may name objects of other clients (STORED_OBJECTS=owned)."
        )
    raise UnsupportedOperation(
        "Azure OpenAI does not say whose objects these are, so this proxy lists none (STORED_OBJECTS=owned). Keep the "
        "ids of what you create: every other operation takes them."
    )


def owned_body(operation: Operation, raw: bytes, owner: Owner) -> bytes:
    """Return the JSON body of a request with the owner of what it creates, as far as Azure keeps one.

    Raises `InvalidRequest` for a body in which not every id can be found, and for what is chosen without an id.
    """
    searched, check = request_places(operation), _CHECKS.get(operation.name)
    has_metadata = OWNERSHIP[operation.name] is Ownership.BY_METADATA
    if not raw or (searched is None and check is None and not has_metadata):
        return raw
    document = parse_json_body(raw)
    try:
        if searched is not None:
            walk_whole(raw, searched)
        if check is not None:
            check(document)
    except (ValueError, *UNREADABLE):
        raise InvalidRequest("The ids that your request names cannot be read.") from None
    return _with_owner(operation, document, owner) if has_metadata else raw


def bare_line(tags: OwnedTags, body: bytes, *, resource: int) -> bytes:
    """Return the body of a line of a batch without tags; `resource` is the one that gets the batch.

    Azure may go by the endpoint of the batch, not by what the line says, so that the ids of both are looked for.
    """
    claims: Claims = ()
    for operation in _OF_LINES:
        body, found = bare_body(tags, operation, owned_body(operation, body, tags.owner))
        claims += found
    claim = claimed(claims)
    if claim is not None and claim.resource != resource:
        raise InvalidRequest(
            f"The `{claim.field}` {shown(claim.id)} belongs to another Azure OpenAI resource than the batch.",
            param=claim.field,
            code="invalid_value",
        )
    return body


def _check_endpoint(document: JsonBody) -> None:
    if (document.text("endpoint") or "").removeprefix("/v1") not in _ENDPOINTS:
        raise InvalidRequest(
            "A batch may ask for responses, chats, completions and embeddings alone: in the lines of others this proxy "
            "does not know the ids (STORED_OBJECTS=owned).",
            param="endpoint",
            code="unsupported_value",
        )


def _check_upload(document: JsonBody) -> None:
    if document.text("purpose") == "batch":
        raise InvalidRequest(
            "The input of a batch must be uploaded as one file, not in parts: its lines may name objects.",
            param="purpose",
            code="unsupported_value",
        )


def _check_images(document: JsonBody) -> None:
    """Raise `InvalidRequest` for an edit of images in JSON that names files; forms have no ids."""
    if walk_whole(document.raw, _files_of_images()):
        raise InvalidRequest("Send the image itself: images are not edited by the ids of files here.", param="images")


@cache
def _files_of_images() -> Places[str]:
    return places({path: path for path in ("image.file_id", "images[*].file_id", "mask.file_id")})


def _check_source(document: JsonBody) -> None:
    types = {document.raw[start:end] for _, start, end in walk_whole(document.raw, _source_places())}
    if not {_TEXT(one) for one in types} <= _SOURCES:
        raise InvalidRequest(
            "An eval run may only read a file or what it brings itself: stored answers are not told apart by their "
            "owners (STORED_OBJECTS=owned).",
            param=_SOURCE_TYPE,
            code="unsupported_value",
        )


@cache
def _source_places() -> Places[str]:
    return places({_SOURCE_TYPE: _SOURCE_TYPE})


_CHECKS: Mapping[str, Callable[[JsonBody], None]] = {
    "createBatch": _check_endpoint,
    "createEvalRun": _check_source,
    "createImageEdit": _check_images,
    "createUpload": _check_upload,
}


def _with_owner(operation: Operation, document: JsonBody, owner: Owner) -> bytes:
    if operation.name == _STORED_CHAT and not document.flag(_STORE):
        return document.raw
    if operation.name in _CHANGES and _METADATA not in document.spans:
        return document.raw
    metadata = with_mark(document.member(_METADATA) or b"null", owner)
    # What is no metadata is left for Azure to refuse.
    return document.raw if metadata is None else document.with_member(_METADATA, metadata)


# Azure's most for a page.
LARGEST_PAGE = 100
# A client that has not found anything of its own on so many pages is told so.
MAX_PAGES = 50
_DEFAULT_LIMIT = 20
_LIMIT = re.compile(r"[1-9][0-9]?|100")


def not_found_among_others() -> UnsupportedOperation:
    """Return the error for a list whose next object of the client is behind too many of others."""
    return UnsupportedOperation(
        f"None of your objects is among the next {LARGEST_PAGE * MAX_PAGES} of all clients. Ask for objects by their "
        "ids, or list those before with `after`."
    )


class _Object(msgspec.Struct):
    id: str = ""
    metadata: dict[str, msgspec.Raw] | None = None


class _List(msgspec.Struct):
    data: list[msgspec.Raw] = []
    has_more: bool = False


_LIST = msgspec.json.Decoder(_List).decode
_OBJECT = msgspec.json.Decoder(_Object).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedList:
    """A list of a client's own objects: the query for Azure's pages, which have those of all clients, and a limit.

    `limit` is the most that the client reads, None for a page as Azure gives it. Objects without an owner are not
    listed, because Azure itself makes some while it serves a client.
    """

    owner: Owner
    query: str
    limit: int | None

    def select(self, body: bytes) -> "bytes | str":
        """Return a page with the client's own objects, or the id behind which to go on when there are none on it.

        Raises `UpstreamError` if the page cannot be read.
        """
        try:
            return rewrite(body, self._selected) or _last_id(body)
        except UNREADABLE:
            raise UpstreamError("Azure OpenAI's answer is not the JSON it should be.") from None

    def behind(self, last: str) -> str:
        """Return the query for the page behind an object."""
        pairs = [pair for pair in self.query.split("&") if unquote(pair.partition("=")[0]) != "after"]
        return "&".join([*pairs, f"after={quote(last, safe='')}"])

    def _selected(self, body: bytes) -> bytes:
        page, members = _LIST(body), DECODE(body)
        own = [one for one in page.data if self._is_own(one)]
        if not own and page.data and page.has_more and self.limit is not None:
            return b""
        kept = own[: self.limit]
        changed: dict[str, object] = {"data": kept}
        if "has_more" in members:
            changed["has_more"] = page.has_more or len(kept) < len(own)
        for name, number in (("first_id", 0), ("last_id", -1)):
            if name in members:
                changed[name] = _OBJECT(kept[number]).id if kept else None
        encoded = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in changed.items()}
        return without_mark(ENCODE({**members, **encoded}))

    def _is_own(self, item: msgspec.Raw) -> bool:
        mark = bytes((_OBJECT(item).metadata or {}).get(MARK, b""))
        return mark in {f'"{one}"'.encode() for one in self.owner.marks}


def _last_id(body: bytes) -> str:
    return _OBJECT(decode(body, _LIST).data[-1]).id


def owned_list(owner: Owner, query: str) -> OwnedList:
    """Return the list that a query asks for, in Azure's largest pages.

    A list that is read backwards, and a limit that is none, is asked for as it is.
    """
    pairs = [pair for pair in query.split("&") if pair]
    names = [unquote(pair.partition("=")[0]) for pair in pairs]
    limits = [pair.partition("=")[2] for pair, name in zip(pairs, names, strict=True) if name == "limit"]
    limit = limits[0] if len(limits) == 1 else "" if limits else str(_DEFAULT_LIMIT)
    if "before" in names or not _LIMIT.fullmatch(limit):
        return OwnedList(owner=owner, query=query, limit=None)
    others = [pair for pair, name in zip(pairs, names, strict=True) if name != "limit"]
    return OwnedList(owner=owner, query="&".join([*others, f"limit={LARGEST_PAGE}"]), limit=int(limit))
