"""Operations on what Azure keeps: files, batches, vector stores, containers, fine-tuning, evals, assistants."""

from dataclasses import replace

from proxy.translation.operations.operation import Body, StreamFormat
from proxy.translation.operations.rows import CLASSIC, STORED, row, rows

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
    *rows(
        STORED,
        "createFineTuningJob POST /fine_tuning/jobs",
        "listPaginatedFineTuningJobs GET /fine_tuning/jobs",
        "retrieveFineTuningJob GET /fine_tuning/jobs/{fine_tuning_job_id}",
        "cancelFineTuningJob POST /fine_tuning/jobs/{fine_tuning_job_id}/cancel",
        "pauseFineTuningJob POST /fine_tuning/jobs/{fine_tuning_job_id}/pause",
        "resumeFineTuningJob POST /fine_tuning/jobs/{fine_tuning_job_id}/resume",
        "listFineTuningEvents GET /fine_tuning/jobs/{fine_tuning_job_id}/events",
        "listFineTuningJobCheckpoints GET /fine_tuning/jobs/{fine_tuning_job_id}/checkpoints",
        "runGrader POST /fine_tuning/alpha/graders/run",
        "validateGrader POST /fine_tuning/alpha/graders/validate",
    ),
    row(
        "createEvalRun POST /evals/{eval_id}/runs",
        replace(STORED, header=("aoai-evals", "preview"), body=Body.DATA_SOURCE),
    ),
    *rows(
        replace(STORED, header=("aoai-evals", "preview")),
        "createEval POST /evals",
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
        replace(CLASSIC, body=Body.MODEL_IF_ANY),
        "createAssistant POST /assistants",
        "modifyAssistant POST /assistants/{assistant_id}",
    ),
    *rows(
        replace(CLASSIC, body=Body.MODEL_IF_ANY, stream=StreamFormat.RUN),
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
