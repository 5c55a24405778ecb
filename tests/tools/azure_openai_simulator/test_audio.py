import json

import openai
import pytest
from openai import AsyncOpenAI

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SOUND = ("hello.wav", b"RIFF")


async def test_speech_is_transcribed(either: AsyncOpenAI) -> None:
    answer = await either.audio.transcriptions.create(model="whisper", file=SOUND)
    assert (answer.text, answer.usage) == ("You said: hello.wav", None)
    counted = await either.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND)
    assert counted.usage is not None
    verbose = await either.audio.transcriptions.create(model="whisper", file=SOUND, response_format="verbose_json")
    assert verbose.segments is not None
    assert verbose.segments[0].text == "You said: hello.wav"
    with pytest.raises(openai.NotFoundError, match="API deployment"):
        await either.audio.transcriptions.create(model="nothing", file=SOUND)
    with pytest.raises(openai.RateLimitError):
        await either.audio.transcriptions.create(model="error-429-old", file=SOUND)


async def test_a_transcript_comes_as_text_or_as_captions(strict_v1: AsyncOpenAI) -> None:
    plain = await strict_v1.audio.transcriptions.create(model="whisper", file=SOUND, response_format="text")
    assert plain == "You said: hello.wav\n"
    captions = await strict_v1.audio.transcriptions.create(model="whisper", file=SOUND, response_format="vtt")
    assert captions.startswith("WEBVTT")


async def test_a_transcript_streams(either: AsyncOpenAI) -> None:
    stream = await either.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, stream=True)
    events = [event async for event in stream]
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == "You said: hello.wav"
    assert events[-1].type == "transcript.text.done"


async def test_speech_is_translated(either: AsyncOpenAI) -> None:
    assert (await either.audio.translations.create(model="whisper", file=SOUND)).text == "You said: hello.wav"
    verbose = await either.audio.translations.create(model="whisper", file=SOUND, response_format="verbose_json")
    assert verbose.duration == 1.0


async def test_text_is_spoken(either: AsyncOpenAI) -> None:
    answer = await either.audio.speech.create(model="gpt-4o-mini-tts", input="hello there", voice="alloy")
    assert (len(answer.content), answer.response.headers["content-type"]) == (8, "audio/mpeg")
    wave = await either.audio.speech.create(
        model="gpt-4o-mini-tts", input="hello", voice="alloy", response_format="wav"
    )
    assert wave.response.headers["content-type"] == "audio/wav"


async def test_speech_streams_in_events(strict_v1: AsyncOpenAI) -> None:
    answer = await strict_v1.audio.speech.create(
        model="gpt-4o-mini-tts", input="hello there", voice="alloy", stream_format="sse"
    )
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.strip().split("\n\n")]
    assert [event["type"] for event in events] == ["speech.audio.delta"] * 2 + ["speech.audio.done"]
