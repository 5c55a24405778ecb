"""A simulator of Azure OpenAI: it answers as Azure does, oddities included, but validates less.

    simulator.py      one resource: settings, serving, what tests read
    handler.py        one call, from the request to its answer
    intake.py         reads a call; multipart.py reads forms, which are never held whole
    credentials.py    who may call
    routes.py         which operation, on which surface, since which version
    operations.py     the table of operations; rows.py what a row is
    chat.py, completions.py, embeddings.py, images.py, audio.py, responses.py    operations of a deployment
    objects/            operations of the resource, a file for each family: files, batches, vector stores, ...
    crud.py           create, list, retrieve, update, delete for every kind of object; paging.py lists in pages
    state.py          what the resource remembers
    answers.py        the values between them: Ask, Document, Download, Stream and its steps
    errors.py         every error Azure sends, by deployment name (error_samples.http)
    refusals.py       the parameters a deployment refuses, by its name
    model_apis.py     which of chat completions and responses a model offers, by the model's name
    labels.py         how a call without a deployment asks for an error
    oddities.py       every way a stream can be, by deployment name
    connection.py     writes a stream, and breaks the connection
    headers.py, filters.py, echo.py, schema.py    parts of the answers
    journal.py        what reached the simulator

Run it with `python -m tools.azure_openai_simulator`, or in a test:

    async with Simulator(keys=["key"]).serving() as simulator:
        client = AsyncAzureOpenAI(azure_endpoint=simulator.url, api_key="key", api_version="2024-10-21")

A test header would not pass a proxy, so the name of the deployment asks for an unusual answer: a name in
`ERROR_SAMPLES`, `STREAM_ODDITIES` (for streams only), `CONNECTION_FAULTS` or `REFUSALS` (which answer as usual unless
the request has a parameter that they refuse).

Without a deployment, a string with the name of an error sample or of a connection fault asks for it:

    any id in the path              GET files/error-429-old, GET vector_stores/vs_1/files/file-error-500
    any value of the query          GET files?after=error-429-old
    any value of `metadata`         POST conversations {"metadata": {"test": "error-429-old"}}
    the name of a file that is sent POST files, filename error-429-old.jsonl
    these members of a body         name, filename, file_id, input_file_id, training_file, model, assistant_id

An id in the path asks for it with a deployment as well. Objects that take time advance one step with each retrieval: a
batch, a run, a response in the background, a fine-tuning job, a video and a file of a vector store need one to three.
"""

from tools.azure_openai_simulator.errors import ERROR_SAMPLES, ErrorSample
from tools.azure_openai_simulator.handler import CONNECTION_FAULTS
from tools.azure_openai_simulator.journal import RecordedRequest
from tools.azure_openai_simulator.oddities import STREAM_ODDITIES
from tools.azure_openai_simulator.refusals import REFUSALS
from tools.azure_openai_simulator.simulator import DEFAULT_DEPLOYMENTS, DEFAULT_KEY, Simulator

__all__ = [
    "CONNECTION_FAULTS",
    "DEFAULT_DEPLOYMENTS",
    "DEFAULT_KEY",
    "ERROR_SAMPLES",
    "REFUSALS",
    "STREAM_ODDITIES",
    "ErrorSample",
    "RecordedRequest",
    "Simulator",
]
