import hashlib
import io
from collections.abc import AsyncIterator

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.state import KEPT_BYTES

LINES = b'{"messages": []}\n' * 3
LARGE = 24 * 1024 * 1024


async def test_a_file_is_created_listed_retrieved_read_and_deleted(either: AsyncOpenAI) -> None:
    file = await either.files.create(file=("train.jsonl", LINES), purpose="fine-tune")
    assert file.id.startswith("file-")
    assert (file.filename, file.bytes, file.purpose, file.status) == ("train.jsonl", 51, "fine-tune", "processed")
    assert [listed.id async for listed in either.files.list()] == [file.id]
    assert [listed.id async for listed in either.files.list(purpose="batch")] == []
    assert (await either.files.retrieve(file.id)) == file
    assert (await either.files.content(file.id)).content == LINES
    assert (await either.files.delete(file.id)).deleted
    with pytest.raises(openai.NotFoundError, match="No file found with id"):
        await either.files.retrieve(file.id)


async def test_azure_has_no_files_of_user_data(either: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="user_data"):
        await either.files.create(file=("notes.txt", b"hello"), purpose="user_data")


async def test_a_list_comes_in_pages_in_either_order(strict_v1: AsyncOpenAI) -> None:
    files = [await strict_v1.files.create(file=(f"{i}.txt", b"x"), purpose="assistants") for i in range(5)]
    first = await strict_v1.files.list(limit=2, order="asc")
    assert ([file.filename for file in first.data], first.has_more) == (["0.txt", "1.txt"], True)
    assert [file.filename async for file in first] == [f"{i}.txt" for i in range(5)]
    last = await strict_v1.files.list(limit=2, after=files[1].id)
    assert ([file.filename for file in last.data], last.has_more) == (["0.txt"], False)


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "after=file-nothing"])
async def test_a_bad_page_is_refused(http: aiohttp.ClientSession, query: str) -> None:
    async with http.get(f"/openai/v1/files?{query}") as response:
        assert response.status in {400, 404}
        assert (await response.json())["error"]["type"] == "invalid_request_error"


async def send(http: aiohttp.ClientSession, purpose: str, *, size: int = LARGE) -> tuple[str, str]:
    """Send a file that is never whole here either; return its id and its SHA-256."""
    digest, piece = hashlib.sha256(), b"\r\n--more" * 8192

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            digest.update(piece)
            yield piece

    with aiohttp.MultipartWriter("form-data") as form:
        form.append(purpose).set_content_disposition("form-data", name="purpose")
        form.append(pieces()).set_content_disposition("form-data", name="file", filename="large")
        async with http.post("/openai/v1/files", data=form) as response:
            return (await response.json())["id"], digest.hexdigest()


async def test_of_a_large_file_the_size_and_the_digest_are_kept(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    identity, digest = await send(http, "fine-tune")
    kept = simulator.file(identity)
    assert (kept.data, kept.size, kept.sha256) == (None, LARGE, digest)
    [request] = simulator.requests
    assert request.body == b""
    assert request.body_size > LARGE
    async with http.get(f"/openai/v1/files/{identity}/content") as response:
        assert len(await response.read()) == LARGE


async def test_the_bytes_for_a_batch_are_kept_whatever_their_number(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    identity, digest = await send(http, "batch", size=KEPT_BYTES + 65536)
    data = simulator.file(identity).data
    assert data is not None
    assert hashlib.sha256(data).hexdigest() == digest


async def test_a_small_body_is_recorded_whole(simulator: Simulator, strict_v1: AsyncOpenAI) -> None:
    await strict_v1.files.create(file=("train.jsonl", LINES), purpose="fine-tune")
    [request] = simulator.requests
    assert LINES in request.body
    assert request.body_size == len(request.body)
    assert request.body_sha256 == hashlib.sha256(request.body).hexdigest()


async def test_a_large_document_is_recorded_by_size_and_digest(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    body = b'{"model": "gpt-4o", "messages": []}' + b" " * KEPT_BYTES
    async with http.post("/openai/v1/chat/completions", data=io.BytesIO(body)) as response:
        assert response.status == 200
    [request] = simulator.requests
    assert (request.body, request.body_size) == (b"", len(body))
    assert request.body_sha256 == hashlib.sha256(body).hexdigest()


async def test_an_upload_makes_a_file_of_its_parts(either: AsyncOpenAI) -> None:
    upload = await either.uploads.create(bytes=10, filename="two.txt", mime_type="text/plain", purpose="assistants")
    assert (upload.status, upload.id.startswith("upload_")) == ("pending", True)
    parts = [await either.uploads.parts.create(upload.id, data=data) for data in (b"first", b"again")]
    done = await either.uploads.complete(upload.id, part_ids=[part.id for part in reversed(parts)])
    assert (done.status, done.file and done.file.filename) == ("completed", "two.txt")
    assert done.file is not None
    assert (await either.files.content(done.file.id)).content == b"againfirst"


async def test_an_upload_may_be_cancelled(either: AsyncOpenAI) -> None:
    upload = await either.uploads.create(bytes=9, filename="two.txt", mime_type="text/plain", purpose="batch")
    part = await either.uploads.parts.create(upload.id, data=b"first")
    with pytest.raises(openai.BadRequestError, match="Expected 9 bytes but got 5 bytes"):
        await either.uploads.complete(upload.id, part_ids=[part.id])
    with pytest.raises(openai.BadRequestError, match="not parts of this upload"):
        await either.uploads.complete(upload.id, part_ids=["part_nothing"])
    assert (await either.uploads.cancel(upload.id)).status == "cancelled"


async def test_large_parts_are_not_kept_either(simulator: Simulator, strict_v1: AsyncOpenAI) -> None:
    upload = await strict_v1.uploads.create(
        bytes=KEPT_BYTES + 1, filename="large.txt", mime_type="text/plain", purpose="assistants"
    )
    part = await strict_v1.uploads.parts.create(upload.id, data=bytes(KEPT_BYTES + 1))
    done = await strict_v1.uploads.complete(upload.id, part_ids=[part.id])
    assert done.file is not None
    assert simulator.file(done.file.id).data is None
    assert done.file.bytes == KEPT_BYTES + 1


async def test_a_form_without_a_file_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/openai/v1/files", json={"purpose": "batch"}) as response:
        assert (await response.json())["error"]["param"] == "file"


async def test_two_resources_never_give_the_same_id(strict_v1: AsyncOpenAI, simulator: Simulator) -> None:
    file = await strict_v1.files.create(file=("a.txt", b"a"), purpose="assistants")
    assert simulator.state.name in file.id
    assert Simulator().state.name not in file.id
