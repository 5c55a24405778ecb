"""The calls that any of several resources may answer: each is made, judged and shown."""

from collections.abc import Awaitable, Callable, Mapping

from openai import AsyncOpenAI

from tests.integration.test_operations_media import WAV
from tests.integration.test_sdk import ECHO, HELLO

Came = tuple[Mapping[str, str], str]
Ask = Callable[[AsyncOpenAI, str], Awaitable[Came]]


async def ask_chat(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.chat.completions.with_raw_response.create(model=model, messages=HELLO)
    assert answer.parse().choices[0].message.content == ECHO
    return answer.headers, answer.text


async def ask_chat_stream(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.chat.completions.with_raw_response.create(model=model, messages=HELLO, stream=True)
    chunks = [chunk async for chunk in answer.parse()]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ECHO
    assert chunks[-1].choices[0].finish_reason == "stop"
    return answer.headers, "".join(chunk.to_json() for chunk in chunks)


async def ask_response(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.responses.with_raw_response.create(model=model, input="hello world")
    assert answer.parse().output_text == ECHO
    return answer.headers, answer.text


async def ask_response_stream(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.responses.with_raw_response.create(model=model, input="hello world", stream=True)
    events = [event async for event in answer.parse()]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    return answer.headers, "".join(event.to_json() for event in events)


async def ask_embedding(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.embeddings.with_raw_response.create(model=model, input="hello")
    assert answer.parse().data[0].embedding
    return answer.headers, answer.text


async def ask_image(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.images.with_raw_response.generate(model=model, prompt="a cat")
    assert answer.parse().data
    return answer.headers, answer.text


async def ask_speech(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.audio.speech.with_raw_response.create(model=model, voice="alloy", input="hello")
    assert answer.content
    return answer.headers, ""


async def ask_transcription(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.audio.transcriptions.with_raw_response.create(model=model, file=WAV)
    assert answer.parse().text
    return answer.headers, answer.text


async def ask_image_stream(sdk: AsyncOpenAI, model: str) -> Came:
    answer = await sdk.images.with_raw_response.generate(model=model, prompt="a cat", stream=True, partial_images=1)
    kinds = [event.type async for event in answer.parse()]
    assert kinds == ["image_generation.partial_image", "image_generation.completed"]
    return answer.headers, ""


STREAMS: Mapping[str, Ask] = {
    "chat streamed": ask_chat_stream,
    "response streamed": ask_response_stream,
    "image streamed": ask_image_stream,
}
ASKS: Mapping[str, Ask] = {
    "chat": ask_chat,
    "response": ask_response,
    "embedding": ask_embedding,
    "image": ask_image,
    "speech": ask_speech,
    "transcription": ask_transcription,
    **STREAMS,
}
