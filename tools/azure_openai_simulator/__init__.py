"""A stand-in for Azure OpenAI, oddities included: it answers as Azure does, it does not validate as Azure does.

    simulator.py      one resource: settings, serving, what tests read
    door.py           one call from arrival to answer
    intake.py         reading a call, bounded; multipart.py forms that are never whole
    credentials.py    who may call
    routes.py         which operation, on which surface, since which version
    operations.py     the table of operations; rows.py what a row is
    chat.py, completions.py, embeddings.py, images.py, audio.py, responses.py    operations of a deployment
    nouns/            operations of the resource, a file per family: files, batches, vector stores, ...
    crud.py           create, list, retrieve, update, delete for every noun; paging.py lists in pages
    state.py          what the resource remembers
    answers.py        the values between them: Ask, Document, Download, Stream and its steps
    errors.py         every error Azure sends, by deployment name (error_samples.http)
    refusals.py       the parameters a deployment refuses, by its name
    labels.py         how a call without a deployment asks for an error
    oddities.py       every way a stream can be, by deployment name
    line.py           writing a stream, and cutting the line
    headers.py, filters.py, echo.py, schema.py    what the answers are made of
    journal.py        what reached the simulator

Run it with `python -m tools.azure_openai_simulator`, or in a test:

    async with Simulator(keys=["key"]).serving() as simulator:
        client = AsyncAzureOpenAI(azure_endpoint=simulator.url, api_key="key", api_version="2024-10-21")

No test header passes a proxy, so the deployment name asks for what is out of the ordinary: a name of
`ERROR_SAMPLES`, of `STREAM_ODDITIES` (which show in streams only), of `LINE_FAULTS` or of `REFUSALS` (which answer as
usual when nothing of what they refuse is there).

Where no deployment is named, a text that contains the name of an error sample or of a line fault asks for it:

    any id in the path              GET files/error-429-old, GET vector_stores/vs_1/files/file-error-500
    any value of the query          GET files?after=error-429-old
    any value of `metadata`         POST conversations {"metadata": {"test": "error-429-old"}}
    the name of a file that is sent POST files, filename error-429-old.jsonl
    these members of a body         name, filename, file_id, input_file_id, training_file, model, assistant_id

An id in the path asks even where a deployment is named. What is made later goes one step with each retrieval: a batch,
a run, a response in the background, a fine-tuning job, a video and a file of a vector store need one to three.
"""

from tools.azure_openai_simulator.door import LINE_FAULTS
from tools.azure_openai_simulator.errors import ERROR_SAMPLES, ErrorSample
from tools.azure_openai_simulator.journal import RecordedRequest
from tools.azure_openai_simulator.oddities import STREAM_ODDITIES
from tools.azure_openai_simulator.refusals import REFUSALS
from tools.azure_openai_simulator.simulator import DEFAULT_DEPLOYMENTS, DEFAULT_KEY, Simulator

__all__ = [
    "DEFAULT_DEPLOYMENTS",
    "DEFAULT_KEY",
    "ERROR_SAMPLES",
    "LINE_FAULTS",
    "REFUSALS",
    "STREAM_ODDITIES",
    "ErrorSample",
    "RecordedRequest",
    "Simulator",
]
