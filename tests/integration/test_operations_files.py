"""The calls of files, uploads, batches, vector stores and containers."""

import json

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tests.integration.test_operations import Call
from tools.azure_openai_simulator import Simulator


def line(number: int, model: str) -> bytes:
    """Return a line of a batch, written as no serializer would."""
    body = f'{{ "messages":[{{"role":"user","content":"h\\u00e9llo"}}],  "model" : "{model}" }}'
    return f'{{"custom_id": "{number}", "method": "POST","url": "/v1/chat/completions", "body": {body}}}'.encode()


LINES = b"\n".join([line(1, "chat"), line(2, "chat"), b""])
TEXT = ("notes.txt", b"some text\n", "text/plain")

FILES = (
    Call("createFile", lambda sdk, _: sdk.files.create(file=("in.jsonl", LINES), purpose="batch"), "lines"),
    Call("createFile", lambda sdk, _: sdk.files.create(file=TEXT, purpose="assistants"), "file"),
    Call("listFiles", lambda sdk, _: sdk.files.list(purpose="assistants", limit=10)),
    Call("retrieveFile", lambda sdk, ids: sdk.files.retrieve(ids["file"])),
    Call("downloadFile", lambda sdk, ids: sdk.files.content(ids["file"])),
    Call(
        "createUpload",
        lambda sdk, _: sdk.uploads.create(bytes=9, filename="a.txt", mime_type="text/plain", purpose="assistants"),
        "upload",
    ),
    Call("addUploadPart", lambda sdk, ids: sdk.uploads.parts.create(ids["upload"], data=b"some text"), "part"),
    Call("completeUpload", lambda sdk, ids: sdk.uploads.complete(ids["upload"], part_ids=[ids["part"]])),
    Call(
        "createUpload",
        lambda sdk, _: sdk.uploads.create(bytes=9, filename="a.txt", mime_type="text/plain", purpose="assistants"),
        "upload",
    ),
    Call("cancelUpload", lambda sdk, ids: sdk.uploads.cancel(ids["upload"])),
)

BATCHES = (
    Call(
        "createBatch",
        lambda sdk, ids: sdk.batches.create(
            input_file_id=ids["lines"], endpoint="/v1/chat/completions", completion_window="24h"
        ),
        "batch",
    ),
    Call("listBatches", lambda sdk, _: sdk.batches.list(limit=1)),
    Call("retrieveBatch", lambda sdk, ids: sdk.batches.retrieve(ids["batch"])),
    Call("cancelBatch", lambda sdk, ids: sdk.batches.cancel(ids["batch"])),
)

VECTOR_STORES = (
    Call("createVectorStore", lambda sdk, _: sdk.vector_stores.create(name="notes"), "store"),
    Call("listVectorStores", lambda sdk, _: sdk.vector_stores.list(limit=1)),
    Call("getVectorStore", lambda sdk, ids: sdk.vector_stores.retrieve(ids["store"])),
    Call("modifyVectorStore", lambda sdk, ids: sdk.vector_stores.update(ids["store"], name="more notes")),
    Call(
        "createVectorStoreFile",
        lambda sdk, ids: sdk.vector_stores.files.create(ids["store"], file_id=ids["file"]),
    ),
    Call("listVectorStoreFiles", lambda sdk, ids: sdk.vector_stores.files.list(ids["store"])),
    Call(
        "getVectorStoreFile",
        lambda sdk, ids: sdk.vector_stores.files.retrieve(ids["file"], vector_store_id=ids["store"]),
    ),
    Call(
        "updateVectorStoreFileAttributes",
        lambda sdk, ids: sdk.vector_stores.files.update(
            ids["file"], vector_store_id=ids["store"], attributes={"kind": "note"}
        ),
    ),
    Call(
        "retrieveVectorStoreFileContent",
        lambda sdk, ids: sdk.vector_stores.files.content(ids["file"], vector_store_id=ids["store"]),
    ),
    Call("searchVectorStore", lambda sdk, ids: sdk.vector_stores.search(ids["store"], query="text")),
    Call(
        "createVectorStoreFileBatch",
        lambda sdk, ids: sdk.vector_stores.file_batches.create(ids["store"], file_ids=[ids["file"]]),
        "file batch",
    ),
    Call(
        "listFilesInVectorStoreBatch",
        lambda sdk, ids: sdk.vector_stores.file_batches.list_files(ids["file batch"], vector_store_id=ids["store"]),
    ),
    Call(
        "cancelVectorStoreFileBatch",
        lambda sdk, ids: sdk.vector_stores.file_batches.cancel(ids["file batch"], vector_store_id=ids["store"]),
    ),
    Call(
        "getVectorStoreFileBatch",
        lambda sdk, ids: sdk.vector_stores.file_batches.retrieve(ids["file batch"], vector_store_id=ids["store"]),
    ),
    Call(
        "deleteVectorStoreFile",
        lambda sdk, ids: sdk.vector_stores.files.delete(ids["file"], vector_store_id=ids["store"]),
    ),
    Call("deleteVectorStore", lambda sdk, ids: sdk.vector_stores.delete(ids["store"])),
)

CONTAINERS = (
    Call("CreateContainer", lambda sdk, _: sdk.containers.create(name="bench"), "container"),
    Call("ListContainers", lambda sdk, _: sdk.containers.list(limit=1)),
    Call("RetrieveContainer", lambda sdk, ids: sdk.containers.retrieve(ids["container"])),
    Call(
        "CreateContainerFile",
        lambda sdk, ids: sdk.containers.files.create(ids["container"], file=TEXT),
        "container file",
    ),
    Call("CreateContainerFile", lambda sdk, ids: sdk.containers.files.create(ids["container"], file_id=ids["file"])),
    Call("ListContainerFiles", lambda sdk, ids: sdk.containers.files.list(ids["container"])),
    Call(
        "RetrieveContainerFile",
        lambda sdk, ids: sdk.containers.files.retrieve(ids["container file"], container_id=ids["container"]),
    ),
    Call(
        "RetrieveContainerFileContent",
        lambda sdk, ids: sdk.containers.files.content.retrieve(ids["container file"], container_id=ids["container"]),
    ),
    Call(
        "DeleteContainerFile",
        lambda sdk, ids: sdk.containers.files.delete(ids["container file"], container_id=ids["container"]),
    ),
    Call("DeleteContainer", lambda sdk, ids: sdk.containers.delete(ids["container"])),
    Call("deleteFile", lambda sdk, ids: sdk.files.delete(ids["file"])),
)

CALLS = (*FILES, *BATCHES, *VECTOR_STORES, *CONTAINERS)


@pytest.mark.parametrize("file_first", [True, False])
async def test_the_lines_of_a_batch_name_deployments_and_are_else_as_they_were(
    http: aiohttp.ClientSession, simulator: Simulator, *, file_first: bool
) -> None:
    lines = b"\xef\xbb\xbf" + b"\r\n".join(
        [line(1, "chat"), line(2, "slow model"), line(3, "gpt-4o"), b"", line(4, "x")]
    )
    form = aiohttp.FormData()
    if not file_first:
        form.add_field("purpose", "batch")
    form.add_field("file", lines, filename="in.jsonl", content_type="application/jsonl")
    if file_first:
        form.add_field("purpose", "batch")
    async with http.post("/v1/files", data=form) as answer:
        assert answer.status == 200, await answer.text()
        identity = (await answer.json())["id"]
    wanted = lines.replace(b'"chat"', b'"gpt-4o"').replace(b'"slow model"', b'"gpt-4o-mini"')
    assert simulator.file(identity).data == wanted
    sent = simulator.requests[-1]
    assert int(sent.headers["content-length"]) == sent.body_size


async def test_only_a_batch_s_lines_are_mapped(client: AsyncOpenAI, simulator: Simulator) -> None:
    made = await client.files.create(file=("train.jsonl", LINES), purpose="fine-tune")
    assert simulator.file(made.id).data == LINES


async def test_a_batch_is_worked_off_and_its_answers_downloaded(client: AsyncOpenAI) -> None:
    lines = await client.files.create(file=("in.jsonl", LINES), purpose="batch")
    batch = await client.batches.create(
        input_file_id=lines.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    for _ in range(3):
        batch = await client.batches.retrieve(batch.id)
    assert (batch.status, batch.errors) == ("completed", None)
    assert batch.output_file_id is not None
    output = await client.files.content(batch.output_file_id)
    answers = [json.loads(text) for text in output.text.splitlines()]
    assert [answer["custom_id"] for answer in answers] == ["1", "2"]
    assert answers[0]["response"]["body"]["choices"][0]["message"]["content"] == "You said: héllo"


async def test_a_line_that_is_no_json_is_named_and_nothing_is_sent(client: AsyncOpenAI, simulator: Simulator) -> None:
    before = len(simulator.requests)
    with pytest.raises(openai.BadRequestError, match="Line 3 of your file"):
        await client.files.create(file=("in.jsonl", LINES + b"{nothing"), purpose="batch")
    assert len(simulator.requests) == before


async def test_a_downloaded_file_is_the_one_that_was_sent(client: AsyncOpenAI) -> None:
    data = bytes(range(256)) * 1000
    made = await client.files.create(file=("data.bin", data), purpose="assistants")
    answer = await client.files.content(made.id)
    assert answer.read() == data
    assert int(answer.response.headers["content-length"]) == len(data)


async def test_an_upload_in_parts_becomes_a_file(client: AsyncOpenAI) -> None:
    upload = await client.uploads.upload_file_chunked(
        file=b"some text" * 10, filename="a.txt", bytes=90, mime_type="text/plain", purpose="assistants", part_size=40
    )
    assert upload.file is not None
    assert (await client.files.content(upload.file.id)).read() == b"some text" * 10


async def test_pages_follow_one_another(client: AsyncOpenAI) -> None:
    made = [(await client.vector_stores.create(name=f"{number}")).id for number in range(3)]
    seen = [store.id async for store in client.vector_stores.list(limit=1, order="desc")]
    assert [identity for identity in seen if identity in made] == made[::-1]
