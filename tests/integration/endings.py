"""How a stream ends for a client that reads bytes: what came, and whether the connection broke off behind it."""

import aiohttp

# Behind the data of an error: no reader connects again by itself.
RETRY = b"\nretry: 2147483647"


async def read_to_end(answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Return what came of a body, and whether it broke off."""
    came = b""
    try:
        async for chunk in answer.content.iter_any():
            came += chunk
    except aiohttp.ClientPayloadError:
        return came, True
    return came, False


async def read_broken(answer: aiohttp.ClientResponse) -> list[bytes]:
    """Return the data of the events of a stream that must break off behind the error that it ends with."""
    came, broken = await read_to_end(answer)
    assert broken
    assert came.endswith(b"\n\n")
    assert b"[DONE]" not in came
    assert came.count(RETRY) == 1
    blocks = [block.removesuffix(RETRY) for block in came.split(b"\n\n")[:-1] if block]
    return [block.partition(b"data: ")[2] for block in blocks]
