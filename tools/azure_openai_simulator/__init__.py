"""A stand-in for Azure OpenAI, oddities included: it answers as Azure does, it does not validate as Azure does.

    simulator.py      one resource: settings, serving, what tests read
    door.py           one call from arrival to answer
    credentials.py    who may call
    routes.py         which operation of which deployment
    operations.py     the table of operations: chat.py (chat_request.py), completions.py, embeddings.py
    answers.py        the values between them: Ask, Document, Stream and its steps
    errors.py         every error Azure sends, by deployment name (error_samples.http)
    oddities.py       every way a stream can be, by deployment name
    line.py           writing a stream, and cutting the line
    headers.py, filters.py, echo.py, schema.py    what the answers are made of
    journal.py        what reached the simulator

Run it with `python -m tools.azure_openai_simulator`, or in a test:

    async with Simulator(keys=["key"]).serving() as simulator:
        client = AsyncAzureOpenAI(azure_endpoint=simulator.url, api_key="key", api_version="2024-10-21")

No test header passes a proxy, so the deployment name asks for what is out of the ordinary: a name of
`ERROR_SAMPLES`, of `STREAM_ODDITIES` (which show in streams only) or of `LINE_FAULTS`.
"""

from tools.azure_openai_simulator.door import LINE_FAULTS
from tools.azure_openai_simulator.errors import ERROR_SAMPLES, ErrorSample
from tools.azure_openai_simulator.journal import RecordedRequest
from tools.azure_openai_simulator.oddities import STREAM_ODDITIES
from tools.azure_openai_simulator.simulator import DEFAULT_DEPLOYMENTS, DEFAULT_KEY, Simulator

__all__ = [
    "DEFAULT_DEPLOYMENTS",
    "DEFAULT_KEY",
    "ERROR_SAMPLES",
    "LINE_FAULTS",
    "STREAM_ODDITIES",
    "ErrorSample",
    "RecordedRequest",
    "Simulator",
]
