"""POST audio/transcriptions, audio/translations and audio/speech."""

import base64
from collections.abc import Iterator

from tools.azure_openai_simulator import metering
from tools.azure_openai_simulator.answers import Answer, Ask, Chunk, Document, Mark, Stream, document, event
from tools.azure_openai_simulator.echo import echo, tokens_of
from tools.azure_openai_simulator.objects.files import sent_file
from tools.azure_openai_simulator.state import Record

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
WHISPER = "whisper"  # it counts no tokens
_SOUND = b"\xff\xfb\x90\x00"  # the head of an MP3 frame
_SECONDS = 1.0


def transcribe(ask: Ask) -> Answer:
    """Answer a transcription call: the model hears the name of the file."""
    text, asked = echo(sent_file(ask).filename), ask.members()
    if asked.get("stream") == "true":
        return Stream(_heard(ask, text), done=False)
    form = str(asked.get("response_format", "json"))
    if form == "json" and not ask.model.startswith(WHISPER):
        return document({"text": text, "usage": _usage(ask, text)})
    return _spelled(text, form, "transcribe")


def translate(ask: Ask) -> Answer:
    """Answer a translation call."""
    return _spelled(echo(sent_file(ask).filename), str(ask.members().get("response_format", "json")), "translate")


def speak(ask: Ask) -> Answer:
    """Answer a speech call: each token is a frame."""
    asked = ask.members()
    tokens = tokens_of(str(asked.get("input", "")))
    if asked.get("stream_format") == "sse":
        return Stream(_spoken(ask, tokens), done=False)
    kind = MEDIA_TYPES.get(str(asked.get("response_format", "mp3")), MEDIA_TYPES["mp3"])
    return Document(_SOUND * len(tokens), media_type=kind)


def _spelled(text: str, form: str, task: str) -> Answer:
    if form == "verbose_json":
        return document({**_verbose(text), "task": task})
    if form == "json":
        return document({"text": text})
    line = {"srt": f"1\n00:00:00,000 --> 00:00:01,000\n{text}\n", "vtt": f"WEBVTT\n\n00:00.000 --> 00:01.000\n{text}\n"}
    return Document(line.get(form, f"{text}\n").encode(), media_type="text/plain")


def _verbose(text: str) -> Record:
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": _SECONDS,
        "text": text,
        "tokens": [1],
        "temperature": 0.0,
        "avg_logprob": -0.1,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }
    return {"language": "english", "duration": _SECONDS, "text": text, "segments": [segment]}


def _usage(ask: Ask, text: str) -> Record:
    count, given = (
        metering.answer_tokens(ask, tokens_of(text), None),
        10 if ask.state.most is None else ask.state.most.window,
    )
    heard = {"audio_tokens": given, "text_tokens": 0}
    tokens = {"input_tokens": given, "output_tokens": count, "total_tokens": given + count}
    return {"type": "tokens", "input_token_details": heard, **tokens}


def _heard(ask: Ask, text: str) -> Iterator[Chunk]:
    for token in tokens_of(text):
        yield event(Mark.CONTENT, {"type": "transcript.text.delta", "delta": token}, named=False)
    yield event(Mark.FINISH, {"type": "transcript.text.done", "text": text, "usage": _usage(ask, text)}, named=False)


def _spoken(ask: Ask, tokens: tuple[str, ...]) -> Iterator[Chunk]:
    frame = base64.b64encode(_SOUND).decode("ascii")
    for _ in tokens:
        yield event(Mark.CONTENT, {"type": "speech.audio.delta", "audio": frame}, named=False)
    given, made = metering.count(ask, "".join(tokens)), metering.answer_tokens(ask, tokens, None)
    usage = {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
    yield event(Mark.FINISH, {"type": "speech.audio.done", "usage": usage}, named=False)
