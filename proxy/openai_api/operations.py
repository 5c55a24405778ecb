"""The operations of OpenAI's API, one row each, with the names of OpenAI's API document.

A row is a template and a short text, `name METHOD /path`, for what differs. `INFERENCE` are the operations that call a
model; `OBJECTS` are about what Azure keeps: files, batches, vector stores, fine-tuning, evals, assistants.

https://platform.openai.com/docs/api-reference, https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

import msgspec

from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.json_members import UNREADABLE, decode
from proxy.values import ModelKind


class Surface(Enum):
    """Which of Azure OpenAI's APIs serves an operation, or who answers it instead."""

    DEPLOYMENT = "classic"
    """`/openai/deployments/{deployment}/...?api-version=`"""
    CLASSIC = "classic resource"
    """`/openai/...?api-version=`"""
    V1 = "v1"
    """`/openai/v1/...`"""
    LOCAL = "proxy"
    """The proxy itself."""
    UNSUPPORTED = "not offered"
    """Azure does not offer it."""


class Body(Enum):
    """What the body of a request is, and where its model is."""

    __hash__ = object.__hash__  # in C: it is looked up with every request

    NONE = "nothing"
    OPAQUE = "bytes that are not read"
    MODEL = "JSON with a model"
    MODEL_IF_ANY = "JSON, perhaps with a model"
    SESSION = "JSON with a model in its session"
    DATA_SOURCE = "JSON, perhaps with a model in its data source"
    STREAM = "bytes that pass while they arrive"
    FORM = "a form, perhaps with a model"
    SESSION_FORM = "a form with a session, or bytes and a model in the query"
    FILE = "a form with a file, whose lines name models when it is a batch"


class StreamFormat(Enum):
    """The format of a stream of events; `last` has the types of events that end it, or `[DONE]`."""

    CHAT = "chunks whose choices have a delta", "[DONE]"
    COMPLETION = "chunks whose choices have a text", "[DONE]"
    RESPONSE = "numbered events of a response", "response.completed", "response.incomplete", "response.failed"
    IMAGE = "partial images", "image_generation.completed", "image_edit.completed"
    TRANSCRIPT = "pieces of a transcript", "transcript.text.done"
    SPEECH = "pieces of audio, unless bytes were asked for", "speech.audio.done"
    RUN = "events of an assistant's run", "done"

    def __init__(self, events: str, *last: str) -> None:
        self.events = events
        self.last = frozenset(last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: a method and a path below `/v1`, the API of Azure that serves it, and its bodies.

    `stream` is the format of an answer in events. `clean` means that Azure's fields must be removed from a JSON answer.
    The answer of a `download` passes while it arrives. `stored` operations are about objects that Azure keeps, which
    all client keys share. `on_v1` tells whether `/openai/v1` has a deployment operation. `header` is a header that
    Azure requires. `substitute` says what to use if Azure does not offer the operation. `public` operations need no
    client key; `admin` ones and the doctor need one of an operator. `kind` is of the models that the operation calls,
    and `defaults` tells that OpenAI's API lets clients leave the model out. `also_named` are the places in its JSON
    that name further models, as paths of `json_walk`; with `stored_model` it may call the model of an object that Azure
    keeps, when it names none itself. `max_output` are the members that bound the tokens of an answer, first the one
    that is written for a client that has none; without any of them, an answer has `default_output`, None for as many as
    the model can.
    """

    name: str
    method: str
    path: str
    surface: Surface
    body: Body = Body.NONE
    kind: ModelKind | None = None
    defaults: bool = False
    also_named: tuple[str, ...] = ()
    stored_model: bool = False
    max_output: tuple[str, ...] = ()
    default_output: int | None = None
    stream: StreamFormat | None = None
    clean: bool = False
    download: bool = False
    stored: bool = False
    on_v1: bool = True
    public: bool = False
    admin: bool = False
    header: tuple[str, str] | None = None
    substitute: str = ""


def row(text: str, template: Operation) -> Operation:
    """Return the operation of a row; its body is not read unless the template says so."""
    name, method, path = text.split()
    body = Body.OPAQUE if template.body is Body.NONE and method == "POST" else template.body
    return replace(template, name=name, method=method, path=path, body=body)


def rows(template: Operation, *texts: str) -> Iterable[Operation]:
    """Return the operations of several rows with one template."""
    return (row(text, template) for text in texts)


DEPLOYMENT, V1, LOCAL, UNSUPPORTED = (
    Operation(name="", method="", path="", surface=surface)
    for surface in (Surface.DEPLOYMENT, Surface.V1, Surface.LOCAL, Surface.UNSUPPORTED)
)
STORED = replace(V1, stored=True)
CLASSIC = replace(STORED, surface=Surface.CLASSIC)
PUBLIC = replace(LOCAL, public=True)
IMAGE = replace(DEPLOYMENT, kind=ModelKind.IMAGES, defaults=True, stream=StreamFormat.IMAGE, clean=True)
AUDIO = replace(DEPLOYMENT, body=Body.FORM, kind=ModelKind.TRANSCRIPTIONS, defaults=True)
REALTIME = replace(V1, kind=ModelKind.REALTIME)


# Where a session of realtime names the model that writes down what is said, in the newer and in the older form.
_TRANSCRIBER = ("audio.input.transcription.model", "input_audio_transcription.model")
_GRADER = ("grader.model", "grader.graders{}.model")
_EMBEDDER = "data_sources[*].parameters.embedding_dependency.deployment_name"


CHAT = (
    row(
        "createChatCompletion POST /chat/completions",
        replace(
            DEPLOYMENT,
            body=Body.MODEL,
            kind=ModelKind.CHAT,
            also_named=(_EMBEDDER,),
            max_output=("max_completion_tokens", "max_tokens"),
            stream=StreamFormat.CHAT,
            clean=True,
        ),
    ),
    row(
        "createCompletion POST /completions",
        replace(
            DEPLOYMENT,
            body=Body.MODEL,
            kind=ModelKind.CHAT,
            max_output=("max_tokens",),
            default_output=16,
            stream=StreamFormat.COMPLETION,
            clean=True,
            on_v1=False,
        ),
    ),
    row("createEmbedding POST /embeddings", replace(DEPLOYMENT, body=Body.MODEL, kind=ModelKind.EMBEDDINGS)),
    *rows(
        replace(STORED, clean=True),
        "listChatCompletions GET /chat/completions",
        "getChatCompletion GET /chat/completions/{completion_id}",
        "updateChatCompletion POST /chat/completions/{completion_id}",
    ),
    *rows(
        STORED,
        "deleteChatCompletion DELETE /chat/completions/{completion_id}",
        "getChatCompletionMessages GET /chat/completions/{completion_id}/messages",
    ),
)

RESPONSES = (
    row(
        "createResponse POST /responses",
        replace(
            V1,
            body=Body.MODEL_IF_ANY,
            kind=ModelKind.CHAT,
            defaults=True,
            also_named=("tools[*].model",),
            stored_model=True,
            max_output=("max_output_tokens",),
            stream=StreamFormat.RESPONSE,
            clean=True,
        ),
    ),
    row("getResponse GET /responses/{response_id}", replace(STORED, stream=StreamFormat.RESPONSE, clean=True)),
    *rows(
        replace(V1, body=Body.MODEL_IF_ANY, kind=ModelKind.CHAT),
        "Compactconversation POST /responses/compact",
        "Getinputtokencounts POST /responses/input_tokens",
    ),
    row("cancelResponse POST /responses/{response_id}/cancel", replace(STORED, clean=True)),
    *rows(
        STORED,
        "deleteResponse DELETE /responses/{response_id}",
        "listInputItems GET /responses/{response_id}/input_items",
        "createConversation POST /conversations",
        "getConversation GET /conversations/{conversation_id}",
        "updateConversation POST /conversations/{conversation_id}",
        "deleteConversation DELETE /conversations/{conversation_id}",
        "createConversationItems POST /conversations/{conversation_id}/items",
        "listConversationItems GET /conversations/{conversation_id}/items",
        "getConversationItem GET /conversations/{conversation_id}/items/{item_id}",
        "deleteConversationItem DELETE /conversations/{conversation_id}/items/{item_id}",
    ),
)

MEDIA = (
    row(
        "createImage POST /images/generations",
        replace(IMAGE, body=Body.MODEL),
    ),
    row(
        "createImageEdit POST /images/edits",
        replace(IMAGE, body=Body.FORM),
    ),
    row(
        "createSpeech POST /audio/speech",
        replace(
            DEPLOYMENT,
            body=Body.MODEL,
            kind=ModelKind.SPEECH,
            defaults=True,
            stream=StreamFormat.SPEECH,
            download=True,
        ),
    ),
    row(
        "createTranscription POST /audio/transcriptions",
        replace(AUDIO, stream=StreamFormat.TRANSCRIPT),
    ),
    row("createTranslation POST /audio/translations", AUDIO),
    row("createVideo POST /videos", replace(STORED, body=Body.FORM, kind=ModelKind.VIDEOS, defaults=True)),
    *rows(
        replace(STORED, body=Body.STREAM),
        "CreateVideoRemix POST /videos/{video_id}/remix",
        "CreateVideoCharacter POST /videos/characters",
        "CreateVideoEdit POST /videos/edits",
        "CreateVideoExtend POST /videos/extensions",
    ),
    row("RetrieveVideoContent GET /videos/{video_id}/content", replace(STORED, download=True)),
    *rows(
        STORED,
        "ListVideos GET /videos",
        "GetVideoCharacter GET /videos/characters/{character_id}",
        "GetVideo GET /videos/{video_id}",
        "DeleteVideo DELETE /videos/{video_id}",
    ),
    row(
        "create-realtime-client-secret POST /realtime/client_secrets",
        replace(
            REALTIME,
            body=Body.SESSION,
            defaults=True,
            also_named=tuple(f"session.{place}" for place in _TRANSCRIBER),
            max_output=("max_output_tokens",),
        ),
    ),
    row(
        "create-realtime-translation-client-secret POST /realtime/translations/client_secrets",
        replace(REALTIME, body=Body.SESSION, also_named=tuple(f"session.{place}" for place in _TRANSCRIBER)),
    ),
    row(
        "create-realtime-session POST /realtime/sessions",
        replace(
            REALTIME,
            body=Body.MODEL_IF_ANY,
            defaults=True,
            also_named=_TRANSCRIBER,
            max_output=("max_response_output_tokens",),
        ),
    ),
    *rows(
        replace(REALTIME, body=Body.MODEL_IF_ANY, also_named=_TRANSCRIBER),
        "create-realtime-transcription-session POST /realtime/transcription_sessions",
        "accept-realtime-call POST /realtime/calls/{call_id}/accept",
    ),
    row(
        "create-realtime-call POST /realtime/calls", replace(REALTIME, body=Body.SESSION_FORM, also_named=_TRANSCRIBER)
    ),
    *rows(
        V1,
        "hangup-realtime-call POST /realtime/calls/{call_id}/hangup",
        "refer-realtime-call POST /realtime/calls/{call_id}/refer",
        "reject-realtime-call POST /realtime/calls/{call_id}/reject",
    ),
)

INFERENCE = (*CHAT, *RESPONSES, *MEDIA)


FILES = (
    row("createFile POST /files", replace(STORED, body=Body.FILE)),
    row("downloadFile GET /files/{file_id}/content", replace(STORED, download=True)),
    *rows(
        STORED,
        "listFiles GET /files",
        "retrieveFile GET /files/{file_id}",
        "deleteFile DELETE /files/{file_id}",
        "createBatch POST /batches",
        "listBatches GET /batches",
        "retrieveBatch GET /batches/{batch_id}",
        "cancelBatch POST /batches/{batch_id}/cancel",
        "createVectorStore POST /vector_stores",
        "listVectorStores GET /vector_stores",
        "getVectorStore GET /vector_stores/{vector_store_id}",
        "modifyVectorStore POST /vector_stores/{vector_store_id}",
        "deleteVectorStore DELETE /vector_stores/{vector_store_id}",
        "searchVectorStore POST /vector_stores/{vector_store_id}/search",
        "createVectorStoreFile POST /vector_stores/{vector_store_id}/files",
        "listVectorStoreFiles GET /vector_stores/{vector_store_id}/files",
        "getVectorStoreFile GET /vector_stores/{vector_store_id}/files/{file_id}",
        "updateVectorStoreFileAttributes POST /vector_stores/{vector_store_id}/files/{file_id}",
        "deleteVectorStoreFile DELETE /vector_stores/{vector_store_id}/files/{file_id}",
        "retrieveVectorStoreFileContent GET /vector_stores/{vector_store_id}/files/{file_id}/content",
        "createVectorStoreFileBatch POST /vector_stores/{vector_store_id}/file_batches",
        "getVectorStoreFileBatch GET /vector_stores/{vector_store_id}/file_batches/{batch_id}",
        "cancelVectorStoreFileBatch POST /vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel",
        "listFilesInVectorStoreBatch GET /vector_stores/{vector_store_id}/file_batches/{batch_id}/files",
        "CreateContainer POST /containers",
        "ListContainers GET /containers",
        "RetrieveContainer GET /containers/{container_id}",
        "DeleteContainer DELETE /containers/{container_id}",
        "ListContainerFiles GET /containers/{container_id}/files",
        "RetrieveContainerFile GET /containers/{container_id}/files/{file_id}",
        "DeleteContainerFile DELETE /containers/{container_id}/files/{file_id}",
    ),
    row("CreateContainerFile POST /containers/{container_id}/files", replace(STORED, body=Body.STREAM)),
    row(
        "RetrieveContainerFileContent GET /containers/{container_id}/files/{file_id}/content",
        replace(STORED, download=True),
    ),
    *rows(
        CLASSIC,
        "createUpload POST /uploads",
        "cancelUpload POST /uploads/{upload_id}/cancel",
        "completeUpload POST /uploads/{upload_id}/complete",
    ),
    row("addUploadPart POST /uploads/{upload_id}/parts", replace(CLASSIC, body=Body.STREAM)),
)

TUNING = (
    row(
        "createFineTuningJob POST /fine_tuning/jobs",
        replace(STORED, also_named=("model", *(f"method.reinforcement.{place}" for place in _GRADER))),
    ),
    *rows(
        replace(STORED, also_named=_GRADER),
        "runGrader POST /fine_tuning/alpha/graders/run",
        "validateGrader POST /fine_tuning/alpha/graders/validate",
    ),
    *rows(
        STORED,
        "listPaginatedFineTuningJobs GET /fine_tuning/jobs",
        "retrieveFineTuningJob GET /fine_tuning/jobs/{fine_tuning_job_id}",
        "cancelFineTuningJob POST /fine_tuning/jobs/{fine_tuning_job_id}/cancel",
        "pauseFineTuningJob POST /fine_tuning/jobs/{fine_tuning_job_id}/pause",
        "resumeFineTuningJob POST /fine_tuning/jobs/{fine_tuning_job_id}/resume",
        "listFineTuningEvents GET /fine_tuning/jobs/{fine_tuning_job_id}/events",
        "listFineTuningJobCheckpoints GET /fine_tuning/jobs/{fine_tuning_job_id}/checkpoints",
    ),
    row(
        "createEvalRun POST /evals/{eval_id}/runs",
        replace(STORED, header=("aoai-evals", "preview"), body=Body.DATA_SOURCE, kind=ModelKind.CHAT),
    ),
    row(
        "createEval POST /evals",
        replace(STORED, header=("aoai-evals", "preview"), also_named=("testing_criteria[*].model",)),
    ),
    *rows(
        replace(STORED, header=("aoai-evals", "preview")),
        "listEvals GET /evals",
        "getEval GET /evals/{eval_id}",
        "updateEval POST /evals/{eval_id}",
        "deleteEval DELETE /evals/{eval_id}",
        "getEvalRuns GET /evals/{eval_id}/runs",
        "getEvalRun GET /evals/{eval_id}/runs/{run_id}",
        "cancelEvalRun POST /evals/{eval_id}/runs/{run_id}",
        "cancelEvalRunOfSdks POST /evals/{eval_id}/runs/{run_id}/cancel",
        "deleteEvalRun DELETE /evals/{eval_id}/runs/{run_id}",
        "getEvalRunOutputItems GET /evals/{eval_id}/runs/{run_id}/output_items",
        "getEvalRunOutputItem GET /evals/{eval_id}/runs/{run_id}/output_items/{output_item_id}",
    ),
)

ASSISTANTS = (
    *rows(
        replace(CLASSIC, body=Body.MODEL_IF_ANY, kind=ModelKind.CHAT),
        "createAssistant POST /assistants",
        "modifyAssistant POST /assistants/{assistant_id}",
    ),
    *rows(
        replace(
            CLASSIC,
            body=Body.MODEL_IF_ANY,
            kind=ModelKind.CHAT,
            stored_model=True,
            max_output=("max_completion_tokens",),
            stream=StreamFormat.RUN,
        ),
        "createThreadAndRun POST /threads/runs",
        "createRun POST /threads/{thread_id}/runs",
    ),
    row(
        "submitToolOuputsToRun POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
        replace(CLASSIC, stream=StreamFormat.RUN),
    ),
    *rows(
        CLASSIC,
        "listAssistants GET /assistants",
        "getAssistant GET /assistants/{assistant_id}",
        "deleteAssistant DELETE /assistants/{assistant_id}",
        "createThread POST /threads",
        "getThread GET /threads/{thread_id}",
        "modifyThread POST /threads/{thread_id}",
        "deleteThread DELETE /threads/{thread_id}",
        "createMessage POST /threads/{thread_id}/messages",
        "listMessages GET /threads/{thread_id}/messages",
        "getMessage GET /threads/{thread_id}/messages/{message_id}",
        "modifyMessage POST /threads/{thread_id}/messages/{message_id}",
        "deleteMessage DELETE /threads/{thread_id}/messages/{message_id}",
        "listRuns GET /threads/{thread_id}/runs",
        "getRun GET /threads/{thread_id}/runs/{run_id}",
        "modifyRun POST /threads/{thread_id}/runs/{run_id}",
        "cancelRun POST /threads/{thread_id}/runs/{run_id}/cancel",
        "listRunSteps GET /threads/{thread_id}/runs/{run_id}/steps",
        "getRunStep GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}",
    ),
)

OBJECTS = (*FILES, *TUNING, *ASSISTANTS)


_LOCAL = (
    *rows(
        LOCAL,
        "listModels GET /models",
        "retrieveModel GET /models/{model}",
        "clientUsage GET /usage",
        "billingSubscription GET /dashboard/billing/subscription",
        "billingUsage GET /dashboard/billing/usage",
        "realtime GET /realtime",
    ),
    *rows(
        replace(PUBLIC, admin=True),
        "usage-completions GET /organization/usage/completions",
        "usage-embeddings GET /organization/usage/embeddings",
        "usage-images GET /organization/usage/images",
        "usage-audio-speeches GET /organization/usage/audio_speeches",
        "usage-audio-transcriptions GET /organization/usage/audio_transcriptions",
        "usage-costs GET /organization/costs",
    ),
    *rows(
        PUBLIC,
        "health GET /health",
        "ready GET /ready",
        "doctor POST /doctor",
        "index GET /",
        "frontPagePart GET /front-page/{part}",
    ),
)

_CONTENT_SAFETY = "Use Azure AI Content Safety; Azure OpenAI filters content by itself."
_ADMINISTRATION = "Manage the resource, its deployments and who may use them in Azure."
_MISSING = (
    row("createModeration POST /moderations", replace(UNSUPPORTED, substitute=_CONTENT_SAFETY)),
    row("createImageVariation POST /images/variations", replace(UNSUPPORTED, substitute="Use images/edits.")),
    row("deleteModel DELETE /models/{model}", replace(UNSUPPORTED, substitute="Delete the deployment in Azure.")),
    *rows(
        replace(UNSUPPORTED, substitute="Copy the checkpoint between resources with Azure's own API."),
        "listFineTuningCheckpointPermissions GET /fine_tuning/checkpoints/{checkpoint}/permissions",
        "createFineTuningCheckpointPermission POST /fine_tuning/checkpoints/{checkpoint}/permissions",
        "deleteFineTuningCheckpointPermission DELETE /fine_tuning/checkpoints/{checkpoint}/permissions/{permission_id}",
    ),
    *rows(
        replace(UNSUPPORTED, substitute=_ADMINISTRATION),
        "organization GET /organization/*",
        "organization POST /organization/*",
        "organization DELETE /organization/*",
        "projects GET /projects/*",
        "projects POST /projects/*",
        "projects DELETE /projects/*",
    ),
)

OPERATIONS = (*INFERENCE, *OBJECTS, *_LOCAL, *_MISSING)


# They search or try something, and keep nothing.
_READ_ONLY = frozenset({"searchVectorStore", "runGrader", "validateGrader"})
# Members with which a client says that its answer is kept, or becomes a turn of a conversation.
_KEPT = ("store", "background")
_CONTINUED = ("previous_response_id", "conversation")
# Members with which Azure searches, runs code or calls others while it answers.
_SEARCH, _TOOLS = "web_search_options", "tools"
_TELLING = frozenset({*_KEPT, *_CONTINUED, _SEARCH, _TOOLS})
_ANSWERS = frozenset({"createResponse", "createChatCompletion"})
# Tools that only the client runs. Every other one acts at Azure, also one that is newer than this list.
_TOOLS_OF_THE_CLIENT = frozenset({"function", "custom", "local_shell", "apply_patch"})


class _Tool(msgspec.Struct):
    type: str = ""


_DECODE_TOOLS = msgspec.json.Decoder(list[_Tool]).decode


def is_idempotent(operation: Operation, document: JsonBody | None) -> bool:
    """Tell whether a call may be repeated: it creates, changes or deletes nothing that Azure keeps, and does not act.

    An answer that Azure stores without being asked to does not count: the client never learns of a superfluous one,
    and it expires by itself. https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
    """
    if operation.method == "GET" or operation.name in _READ_ONLY:
        return True
    if operation.stored or operation.path.startswith("/realtime/calls"):
        return False
    if operation.name not in _ANSWERS or document is None or _TELLING.isdisjoint(document.spans):
        return True
    return not (_is_kept(document) or _acts(document))


def _is_kept(document: JsonBody) -> bool:
    return any(document.member(name) == b"true" for name in _KEPT) or any(map(document.member, _CONTINUED))


def _acts(document: JsonBody) -> bool:
    tools = document.member(_TOOLS) or b"[]"
    try:
        types = {tool.type for tool in decode(tools, _DECODE_TOOLS)}
    except UNREADABLE:
        return True
    return document.member(_SEARCH) is not None or not types <= _TOOLS_OF_THE_CLIENT
