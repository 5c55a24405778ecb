"""Where the ids of objects that Azure keeps stand, by operation and by position, never by the type of an item.

Whatever stands elsewhere is the client's own, as metadata and arguments of tools are, and passes both ways untouched.

A path is one of `json_walk`. `?` behind it means that clients make up ids there as well, or only cite what they name:
an id without a tag belongs to no resource there, and to the first one at every other place. `??` is the same for items
that may be here as a whole, so that nobody must find their ids. Ids of tool calls never stand here, and what is found
through another object only needs that object's id: parts, checkpoints, runs of evals.

The positions are those of https://github.com/openai/openai-openapi and of Azure's API documents.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from proxy.openai_api.json_walk import Places, places
from proxy.openai_api.operations import Body, Operation

Paths = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdPlace:
    """A place for ids: the member that an error names, and whether an id without a tag may be the client's own.

    `is_of_item` tells that the id is one of an item in an input.
    """

    field: str
    may_be_own: bool
    is_of_item: bool


def inside(prefix: str, *paths: str) -> Paths:
    """Return the places in an object that stands at a path itself."""
    return tuple(f"{prefix}.{path}" for path in paths)


def listed(*paths: str) -> Paths:
    """Return the places in a list of objects that have an id themselves."""
    return (*inside("data[*]", *paths), "first_id", "last_id")


_TOOL = (
    *("container", "container.file_ids[*]", "environment.container_id", "environment.file_ids[*]"),
    *("input_image_mask.file_id", "vector_store_ids[*]"),
)
_ANNOTATIONS = inside("annotations[*]", "file_id?", "container_id?")
_ITEM_CONTENT = (
    *("encrypted_content?", "approval_request_id?", "container_id", "environment.container_id"),
    *("content[*].file_id", "output.file_id", "output[*].file_id", "results[*].file_id?"),
    *inside("content[*]", *_ANNOTATIONS),
    *inside("tools[*]", *_TOOL),
)
_ITEM = ("id?", *_ITEM_CONTENT)
_INPUT_ITEMS = inside("input[*]", "id??", *_ITEM_CONTENT)
_CONTEXT = ("previous_response_id", "conversation", "conversation.id", *inside("tools[*]", *_TOOL))
_INPUT = (*_CONTEXT, *_INPUT_ITEMS)
_RESPONSE = ("id", *_CONTEXT, *inside("output[*]", *_ITEM), *inside("instructions[*]", *_ITEM))
_RESPONSE_EVENTS = (
    *("item_id", "annotation.file_id", "annotation.container_id", "code_interpreter_call.id"),
    "code_interpreter_call.results[*].files[*].file_id",
    *inside("response", *_RESPONSE),
    *inside("item", *_ITEM),
    *inside("part", *_ANNOTATIONS),
)

_CHAT = ("id", "choices[*].message.audio.id")
_CHAT_EVENTS = ("id", "choices[*].delta.audio.id", "delta.audio.id")

_FILE = ("id",)
_UPLOAD = ("id", "file.id")
_BATCH = ("id", "input_file_id", "output_file_id", "error_file_id")
_VECTOR_STORE_FILE = ("id", "vector_store_id")
_CONTAINER_FILE = ("id", "container_id")
_VIDEO = ("id", "remixed_from_video_id")
_JOB = ("id", "training_file", "validation_file", "result_files[*]")
_RUN_OF_EVAL = (
    *("data_source.source.id", "data_source.input_messages.template[*].content[*].file_id"),
    *inside("data_source.sampling_params.tools[*]", *_TOOL),
)

_TOOL_RESOURCES = inside("tool_resources", "code_interpreter.file_ids[*]", "file_search.vector_store_ids[*]")
_NEW_TOOL_RESOURCES = (*_TOOL_RESOURCES, "tool_resources.file_search.vector_stores[*].file_ids[*]")
_NEW_MESSAGE = ("attachments[*].file_id", "content[*].image_file.file_id")
_NEW_THREAD = (*_NEW_TOOL_RESOURCES, *inside("messages[*]", *_NEW_MESSAGE))
_THREAD = ("id", *_TOOL_RESOURCES)
_CONTENT = (
    "content[*].image_file.file_id",
    *inside("content[*].text.annotations[*]", "file_citation.file_id", "file_path.file_id"),
)
_MESSAGE = ("id", "thread_id", "assistant_id", "run_id", "attachments[*].file_id", *_CONTENT)
_RUN = ("id", "thread_id", "assistant_id")
_CALLS_OF_STEP = inside(
    "step_details.tool_calls[*]", "code_interpreter.outputs[*].image.file_id", "file_search.results[*].file_id"
)
_STEP = (*_RUN, "run_id", "step_details.message_creation.message_id", *_CALLS_OF_STEP)
_RUN_EVENTS = (
    *_MESSAGE,
    *_STEP,
    *_TOOL_RESOURCES,
    *inside("delta", *_CONTENT, "step_details.message_creation.message_id", *_CALLS_OF_STEP),
)


def _table(*rows: tuple[str, Paths]) -> dict[str, Paths]:
    return {name: paths for names, paths in rows for name in names.split()}


REQUESTS: Mapping[str, Paths] = _table(
    ("createChatCompletion", ("messages[*].content[*].file.file_id", "messages[*].audio.id?")),
    ("createResponse", (*_INPUT, "prompt.variables{}.file_id?")),
    ("Getinputtokencounts", _INPUT),
    ("Compactconversation", ("previous_response_id", *_INPUT_ITEMS)),
    ("createConversation createConversationItems", inside("items[*]", *_ITEM)),
    ("create-realtime-client-secret", ("session.prompt.variables{}.file_id?",)),
    ("create-realtime-session accept-realtime-call create-realtime-call", ("prompt.variables{}.file_id?",)),
    ("createVideo", ("input_reference.file_id",)),
    ("CreateVideoEdit CreateVideoExtend", ("video.id",)),
    ("createBatch", ("input_file_id",)),
    ("createVectorStore CreateContainer", ("file_ids[*]",)),
    ("createVectorStoreFile CreateContainerFile", ("file_id",)),
    ("createVectorStoreFileBatch", ("file_ids[*]", "files[*].file_id")),
    ("createFineTuningJob", ("training_file", "validation_file")),
    ("createEvalRun", _RUN_OF_EVAL),
    ("createAssistant", _NEW_TOOL_RESOURCES),
    ("createThread", _NEW_THREAD),
    ("modifyAssistant modifyThread", _TOOL_RESOURCES),
    ("createMessage", _NEW_MESSAGE),
    ("createRun", ("assistant_id", *inside("additional_messages[*]", *_NEW_MESSAGE))),
    ("createThreadAndRun", ("assistant_id", *_TOOL_RESOURCES, *inside("thread", *_NEW_THREAD))),
)

ANSWERS: Mapping[str, Paths] = _table(
    ("createChatCompletion getChatCompletion updateChatCompletion", _CHAT),
    ("deleteChatCompletion", ("id",)),
    ("listChatCompletions", listed(*_CHAT)),
    ("getChatCompletionMessages", listed("id", "audio.id")),
    ("createResponse getResponse cancelResponse", _RESPONSE),
    ("Compactconversation", ("id", *inside("output[*]", *_ITEM))),
    ("deleteResponse", ("id",)),
    ("listInputItems listConversationItems createConversationItems", listed(*_ITEM)),
    ("getConversationItem", _ITEM),
    ("createConversation getConversation updateConversation deleteConversation deleteConversationItem", ("id",)),
    ("createVideo CreateVideoRemix CreateVideoEdit CreateVideoExtend GetVideo", _VIDEO),
    ("CreateVideoCharacter GetVideoCharacter DeleteVideo", ("id",)),
    ("ListVideos", listed(*_VIDEO)),
    ("createFile retrieveFile deleteFile", _FILE),
    ("listFiles", listed(*_FILE)),
    ("createUpload cancelUpload completeUpload", _UPLOAD),
    ("addUploadPart", ("upload_id",)),
    ("createBatch retrieveBatch cancelBatch", _BATCH),
    ("listBatches", listed(*_BATCH)),
    ("createVectorStore getVectorStore modifyVectorStore deleteVectorStore", ("id",)),
    ("listVectorStores", listed("id")),
    ("searchVectorStore", ("data[*].file_id",)),
    ("createVectorStoreFile getVectorStoreFile updateVectorStoreFileAttributes", _VECTOR_STORE_FILE),
    ("deleteVectorStoreFile", ("id",)),
    ("listVectorStoreFiles listFilesInVectorStoreBatch", listed(*_VECTOR_STORE_FILE)),
    ("createVectorStoreFileBatch getVectorStoreFileBatch cancelVectorStoreFileBatch", ("vector_store_id",)),
    ("CreateContainer RetrieveContainer DeleteContainer DeleteContainerFile", ("id",)),
    ("ListContainers", listed("id")),
    ("CreateContainerFile RetrieveContainerFile", _CONTAINER_FILE),
    ("ListContainerFiles", listed(*_CONTAINER_FILE)),
    (
        "createFineTuningJob retrieveFineTuningJob cancelFineTuningJob pauseFineTuningJob resumeFineTuningJob",
        _JOB,
    ),
    ("listPaginatedFineTuningJobs", listed(*_JOB)),
    ("listFineTuningJobCheckpoints", ("data[*].fine_tuning_job_id",)),
    ("createEval getEval updateEval", ("id",)),
    ("deleteEval", ("eval_id",)),
    ("listEvals", listed("id")),
    ("createEvalRun getEvalRun cancelEvalRun cancelEvalRunOfSdks", ("eval_id", *_RUN_OF_EVAL)),
    ("getEvalRuns", inside("data[*]", "eval_id", *_RUN_OF_EVAL)),
    ("getEvalRunOutputItem", ("eval_id",)),
    ("getEvalRunOutputItems", ("data[*].eval_id",)),
    ("createAssistant getAssistant modifyAssistant", ("id", *_TOOL_RESOURCES)),
    ("deleteAssistant deleteThread deleteMessage", ("id",)),
    ("listAssistants", listed("id", *_TOOL_RESOURCES)),
    ("createThread getThread modifyThread", _THREAD),
    ("createMessage getMessage modifyMessage", _MESSAGE),
    ("listMessages", listed(*_MESSAGE)),
    ("createThreadAndRun createRun getRun modifyRun cancelRun submitToolOuputsToRun", _RUN),
    ("listRuns", listed(*_RUN)),
    ("getRunStep", _STEP),
    ("listRunSteps", listed(*_STEP)),
)

EVENTS: Mapping[str, Paths] = _table(
    ("createChatCompletion", _CHAT_EVENTS),
    ("createResponse getResponse", _RESPONSE_EVENTS),
    ("createThreadAndRun createRun submitToolOuputsToRun", _RUN_EVENTS),
)
# Members of a flat event, one without objects, that are an id: nearly all events of a response are flat.
ID_OF_FLAT_EVENTS = "item_id"


def request_places(operation: Operation) -> Places[IdPlace] | None:
    """Return the places in the JSON body of a request, None where there are none."""
    return _places(REQUESTS.get(operation.name, ()))


def answer_places(operation: Operation) -> Places[IdPlace] | None:
    """Return the places in a JSON answer, None where there are none."""
    return _places(ANSWERS.get(operation.name, ()))


def event_places(operation: Operation) -> Places[IdPlace] | None:
    """Return the places in the events of a stream, None where there are none."""
    return _places(EVENTS.get(operation.name, ()))


def form_parts(operation: Operation) -> Paths:
    """Return the parts of a form that hold an id; the SDKs write a member of an object with brackets."""
    if operation.body not in (Body.FORM, Body.STREAM):
        return ()
    return tuple(_bracketed(path.split(".")) for path in REQUESTS.get(operation.name, ()))


def _bracketed(names: Iterable[str]) -> str:
    first, *rest = names
    return first + "".join(f"[{name}]" for name in rest)


@cache
def _places(paths: Paths) -> Places[IdPlace] | None:
    """Return the places of some paths; patterns are made when they are first needed."""
    return places({path.rstrip("?"): _place(path) for path in paths}) if paths else None


def _place(path: str) -> IdPlace:
    return IdPlace(field=_field(path), may_be_own=path.endswith("?"), is_of_item=path.endswith("??"))


def _field(path: str) -> str:
    return path.rstrip("?").removesuffix("[*]").rpartition(".")[2]
