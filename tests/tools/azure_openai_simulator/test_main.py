import asyncio
import re
import sys

import aiohttp


async def test_it_runs_from_the_command_line_until_it_is_terminated() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.azure_openai_simulator", "--port", "0", "--key", "own"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    found = re.search(rb"http://127\.0\.0\.1:\d+", await process.stdout.readline())
    assert found is not None
    async with aiohttp.ClientSession(found[0].decode(), headers={"api-key": "own"}) as http:
        body = {"model": "gpt-4o", "messages": []}
        async with http.post("/openai/v1/chat/completions", json=body) as response:
            assert response.status == 200
    process.terminate()
    assert await process.wait() == 0
