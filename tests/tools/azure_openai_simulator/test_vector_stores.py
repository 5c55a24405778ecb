import openai
import pytest
from openai import AsyncOpenAI


async def file_of(client: AsyncOpenAI, text: str) -> str:
    return (await client.files.create(file=("notes.txt", text.encode()), purpose="assistants")).id


async def test_a_store_is_created_listed_retrieved_updated_and_deleted(either: AsyncOpenAI) -> None:
    store = await either.vector_stores.create(name="notes", file_ids=[await file_of(either, "hello")])
    assert store.id.startswith("vs_")
    assert [listed.id async for listed in either.vector_stores.list()] == [store.id]
    assert (await either.vector_stores.update(store.id, name="other", metadata={"a": "b"})).name == "other"
    found = await either.vector_stores.retrieve(store.id)
    assert (found.name, found.metadata, found.file_counts.total) == ("other", {"a": "b"}, 1)
    assert (await either.vector_stores.delete(store.id)).deleted
    with pytest.raises(openai.NotFoundError, match="No vector store found"):
        await either.vector_stores.files.list(store.id)


async def test_a_file_goes_in_is_read_described_and_taken_out_again(either: AsyncOpenAI) -> None:
    store, file = await either.vector_stores.create(), await file_of(either, "hello there")
    inside = await either.vector_stores.files.create(store.id, file_id=file, attributes={"year": 2026.0})
    assert (inside.id, inside.status, inside.attributes) == (file, "in_progress", {"year": 2026.0})
    assert (await either.vector_stores.files.retrieve(file, vector_store_id=store.id)).status == "completed"
    updated = await either.vector_stores.files.update(file, vector_store_id=store.id, attributes={"year": "later"})
    assert updated.attributes == {"year": "later"}
    assert [entry.id async for entry in either.vector_stores.files.list(store.id)] == [file]
    [part] = (await either.vector_stores.files.content(file, vector_store_id=store.id)).data
    assert part.text == "hello there"
    [hit] = (await either.vector_stores.search(store.id, query="hello")).data
    assert (hit.file_id, hit.filename, hit.content[0].text) == (file, "notes.txt", "hello there")
    assert (await either.vector_stores.files.delete(file, vector_store_id=store.id)).deleted
    assert (await either.files.content(file)).content == b"hello there"  # the file itself stays


async def test_files_go_in_by_batches(either: AsyncOpenAI) -> None:
    store, files = await either.vector_stores.create(), [await file_of(either, text) for text in ("one", "two")]
    batch = await either.vector_stores.file_batches.create(store.id, file_ids=files)
    assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 2)
    done = await either.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
    assert (done.status, done.file_counts.completed) == ("completed", 2)
    listed = either.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert {entry.id async for entry in listed} == set(files)
    again = await either.vector_stores.file_batches.create(store.id, files=[{"file_id": files[0]}])
    assert (await either.vector_stores.file_batches.cancel(again.id, vector_store_id=store.id)).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="must be set"):
        await either.vector_stores.file_batches.create(store.id)
