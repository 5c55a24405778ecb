import openai
import pytest
from openai import AsyncOpenAI


async def test_a_container_is_created_listed_retrieved_and_deleted(strict_v1: AsyncOpenAI) -> None:
    made = await strict_v1.containers.create(name="sums")
    assert (made.id.startswith("cntr_"), made.status) == (True, "running")
    assert [listed.id async for listed in strict_v1.containers.list()] == [made.id]
    assert (await strict_v1.containers.retrieve(made.id)).name == "sums"
    await strict_v1.containers.delete(made.id)
    with pytest.raises(openai.NotFoundError, match="No container found"):
        await strict_v1.containers.files.list(made.id)


async def test_files_go_in_and_are_read_and_deleted(strict_v1: AsyncOpenAI) -> None:
    container = (await strict_v1.containers.create(name="sums")).id
    files = strict_v1.containers.files
    sent = await files.create(container, file=("table.csv", b"1,2\n"))
    assert (sent.path, sent.bytes, sent.container_id) == ("/mnt/data/table.csv", 4, container)
    assert (await files.content.retrieve(sent.id, container_id=container)).content == b"1,2\n"
    other = await strict_v1.files.create(file=("notes.txt", b"hello"), purpose="assistants")
    named = await files.create(container, file_id=other.id)
    assert (await files.content.retrieve(named.id, container_id=container)).content == b"hello"
    assert [listed.id async for listed in files.list(container)] == [named.id, sent.id]
    assert (await files.retrieve(sent.id, container_id=container)).id == sent.id
    await files.delete(sent.id, container_id=container)
    with pytest.raises(openai.NotFoundError):
        await files.content.retrieve(sent.id, container_id=container)
