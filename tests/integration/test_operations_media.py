"""The calls of images, audio, video and realtime."""

import aiohttp
import pytest
from openai import AsyncOpenAI

from tests.integration.test_operations import Call
from tools.azure_openai_simulator import Simulator

PNG = ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png")
MP4 = ("cat.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(64), "video/mp4")
WAV = ("speech.wav", b"RIFF" + bytes(64), "audio/wav")
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

IMAGES = (
    Call("createImage", lambda sdk, _: sdk.images.generate(model="picture", prompt="a cat")),
    Call(
        "createImage",
        lambda sdk, _: sdk.images.generate(model="picture", prompt="a cat", stream=True, partial_images=2),
    ),
    Call("createImageEdit", lambda sdk, _: sdk.images.edit(model="picture", image=PNG, prompt="a dog")),
    Call("createImageEdit", lambda sdk, _: sdk.images.edit(model="picture", image=[PNG, PNG], prompt="two dogs")),
    Call("createImageEdit", lambda sdk, _: sdk.images.edit(model="picture", image=PNG, prompt="a dog", stream=True)),
)

AUDIO = (
    Call("createSpeech", lambda sdk, _: sdk.audio.speech.create(model="speak", voice="alloy", input="hello")),
    Call(
        "createSpeech",
        lambda sdk, _: sdk.audio.speech.create(model="speak", voice="alloy", input="hello", stream_format="sse"),
    ),
    Call("createTranscription", lambda sdk, _: sdk.audio.transcriptions.create(model="listen", file=WAV)),
    Call(
        "createTranscription",
        lambda sdk, _: sdk.audio.transcriptions.create(
            model="listen", file=WAV, response_format="verbose_json", timestamp_granularities=["word", "segment"]
        ),
    ),
    Call(
        "createTranscription",
        lambda sdk, _: sdk.audio.transcriptions.create(model="listen", file=WAV, response_format="srt"),
    ),
    Call("createTranscription", lambda sdk, _: sdk.audio.transcriptions.create(model="write", file=WAV, stream=True)),
    Call("createTranslation", lambda sdk, _: sdk.audio.translations.create(model="listen", file=WAV)),
)

VIDEOS = (
    Call("createVideo", lambda sdk, _: sdk.videos.create(model="film", prompt="a cat"), "video"),
    Call("createVideo", lambda sdk, _: sdk.videos.create(model="film", prompt="a cat", input_reference=PNG)),
    Call("GetVideo", lambda sdk, ids: sdk.videos.retrieve(ids["video"])),
    Call("GetVideo", lambda sdk, ids: sdk.videos.retrieve(ids["video"])),
    Call("ListVideos", lambda sdk, _: sdk.videos.list(limit=1)),
    Call("RetrieveVideoContent", lambda sdk, ids: sdk.videos.download_content(ids["video"])),
    Call("CreateVideoRemix", lambda sdk, ids: sdk.videos.remix(ids["video"], prompt="a dog")),
    Call("CreateVideoEdit", lambda sdk, _: sdk.videos.edit(prompt="a dog", video=MP4)),
    Call("CreateVideoExtend", lambda sdk, ids: sdk.videos.extend(prompt="more", seconds="4", video=MP4)),
    Call("CreateVideoCharacter", lambda sdk, _: sdk.videos.create_character(name="cat", video=MP4), "character"),
    Call("GetVideoCharacter", lambda sdk, ids: sdk.videos.get_character(ids["character"])),
    Call("DeleteVideo", lambda sdk, ids: sdk.videos.delete(ids["video"])),
)

REALTIME = (
    Call(
        "create-realtime-client-secret",
        lambda sdk, _: sdk.realtime.client_secrets.create(session={"type": "realtime", "model": "talk"}),
    ),
    Call(
        "create-realtime-translation-client-secret",
        lambda sdk, _: sdk.realtime.translations.client_secrets.create(
            session={"model": "talk", "audio": {"output": {"language": "es"}}}
        ),
    ),
    Call("create-realtime-session", lambda sdk, _: sdk.beta.realtime.sessions.create(model="gpt-realtime")),
    Call("create-realtime-transcription-session", lambda sdk, _: sdk.beta.realtime.transcription_sessions.create()),
    Call(
        "create-realtime-call",
        lambda sdk, _: sdk.realtime.calls.create(sdp=SDP, session={"type": "realtime", "model": "talk"}),
        "call",
    ),
    Call(
        "accept-realtime-call", lambda sdk, ids: sdk.realtime.calls.accept(ids["call"], type="realtime", model="talk")
    ),
    Call("refer-realtime-call", lambda sdk, ids: sdk.realtime.calls.refer(ids["call"], target_uri="tel:+14155550123")),
    Call("reject-realtime-call", lambda sdk, ids: sdk.realtime.calls.reject(ids["call"], status_code=486)),
    Call("hangup-realtime-call", lambda sdk, ids: sdk.realtime.calls.hangup(ids["call"])),
)

CALLS = (*IMAGES, *AUDIO, *VIDEOS, *REALTIME)


async def test_pictures_come_as_bytes_in_base64_one_after_another(client: AsyncOpenAI) -> None:
    stream = await client.images.generate(model="gpt-image-1", prompt="a cat", stream=True, partial_images=2)
    kinds = [event.type async for event in stream]
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]


async def test_an_image_model_is_not_named_beside_its_deployment(client: AsyncOpenAI, simulator: Simulator) -> None:
    await client.images.generate(model="gpt-image-1", prompt="a cat")
    assert b'"model"' not in simulator.requests[-1].body
    await client.images.edit(model="gpt-image-1", image=PNG, prompt="a dog")
    assert b'name="model"' not in simulator.requests[-1].body
    assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-image-1/images/edits"


async def test_speech_comes_as_the_bytes_that_azure_sends(client: AsyncOpenAI) -> None:
    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="hello"
    ) as answer:
        whole = await answer.read()
        assert answer.headers["content-type"].startswith("audio/")
    assert whole


@pytest.mark.parametrize("model_first", [True, False])
async def test_a_form_may_name_its_model_before_or_behind_its_file(
    http: aiohttp.ClientSession, simulator: Simulator, *, model_first: bool
) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    if model_first:
        form.add_field("model", "whisper")
    form.add_field("file", WAV[1], filename=WAV[0], content_type=WAV[2])
    if not model_first:
        form.add_field("model", "whisper")
    async with http.post("/v1/audio/transcriptions", data=form) as answer:
        assert answer.status == 200
        assert (await answer.json())["text"]
    assert WAV[1] in simulator.requests[-1].body
    assert simulator.requests[-1].raw_path == "/openai/deployments/whisper/audio/transcriptions"


async def test_a_realtime_call_is_answered_with_an_address_at_the_proxy(
    client: AsyncOpenAI, simulator: Simulator
) -> None:
    answer = await client.realtime.calls.create(sdp=SDP, session={"type": "realtime", "model": "gpt-realtime"})
    assert answer.response.status_code == 201
    location = answer.response.headers["location"]
    assert location.startswith("/v1/realtime/calls/rtc_")
    await client.post(location.removeprefix("/v1") + "/hangup", cast_to=type(None))
    assert simulator.requests[-1].raw_path == f"/openai{location}/hangup"


async def test_a_client_secret_s_session_names_the_deployment(client: AsyncOpenAI, simulator: Simulator) -> None:
    secret = await client.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime"})
    assert secret.value
    assert b'"gpt-realtime"' in simulator.requests[-1].body
