"""A sample of every form of usage in OpenAI's and Azure's documents, and what it costs by `EVERY` in micro-dollars.

The names are those of the schemas with a `usage`; a test compares them with the documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An answer to an operation, and its cost."""

    operation: str
    answer: Mapping[str, object]
    cost: int


_CHAT = {
    "prompt_tokens": 1000,
    "completion_tokens": 500,
    "total_tokens": 1500,
    "prompt_tokens_details": {"audio_tokens": 100, "cached_tokens": 400, "image_tokens": 50, "cache_write_tokens": 10},
    "completion_tokens_details": {
        "accepted_prediction_tokens": 5,
        "audio_tokens": 100,
        "reasoning_tokens": 200,
        "rejected_prediction_tokens": 5,
    },
}
# 440 of text, 400 from the cache, 10 into it, 100 of sound, 50 of images; 400 of text and 100 of sound.
_CHAT_COST = 440 * 2 + 200 + 25 + 600 + 150 + 400 * 8 + 1200
_RESPONSE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 20},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 30},
    "total_tokens": 150,
}
_RESPONSE_COST = 40 * 2 + 20 + 50 + 50 * 8
_RUN = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
_IMAGES = {
    "input_tokens": 110,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 100},
    "output_tokens": 1000,
    "total_tokens": 1110,
}
_IMAGES_COST = 10 * 2 + 100 * 3 + 1000 * 40
_TOKENS = {
    "type": "tokens",
    "input_tokens": 110,
    "input_token_details": {"text_tokens": 10, "audio_tokens": 100},
    "output_tokens": 20,
    "total_tokens": 130,
}
_TOKENS_COST = 10 * 2 + 100 * 6 + 20 * 8
_DURATION = {"type": "duration", "seconds": 9.5}
_PER_MODEL = {
    "model_name": "m",
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "cached_tokens": 40,
}

SAMPLES: Mapping[str, tuple[Sample, ...]] = {
    "CreateChatCompletionResponse": (
        Sample(operation="createChatCompletion", answer={"usage": _CHAT}, cost=_CHAT_COST),
        Sample(
            operation="createChatCompletion",
            answer={"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
            cost=22,
        ),
    ),
    "CreateChatCompletionStreamResponse": (
        Sample(operation="createChatCompletion", answer={"choices": [], "usage": _CHAT}, cost=_CHAT_COST),
    ),
    "CreateCompletionResponse": (Sample(operation="createCompletion", answer={"usage": _RUN}, cost=600),),
    "CreateEmbeddingResponse": (
        Sample(
            operation="createEmbedding",
            answer={"data": [{}], "usage": {"prompt_tokens": 9, "total_tokens": 9}},
            cost=18,
        ),
    ),
    "Response": (Sample(operation="createResponse", answer={"usage": _RESPONSE}, cost=_RESPONSE_COST),),
    "CompactResource": (Sample(operation="Compactconversation", answer={"usage": _RESPONSE}, cost=_RESPONSE_COST),),
    "ImagesResponse": (
        Sample(operation="createImage", answer={"data": [{}], "usage": _IMAGES}, cost=_IMAGES_COST),
        Sample(
            operation="createImageEdit",
            answer={
                "usage": {**_IMAGES, "output_tokens_details": {"image_tokens": 900, "text_tokens": 100}},
            },
            cost=10 * 2 + 100 * 3 + 900 * 40 + 100 * 8,
        ),
        Sample(operation="createImage", answer={"created": 1, "data": [{"url": "u"}, {"url": "v"}]}, cost=80_000),
    ),
    "ImageGenCompletedEvent": (
        Sample(
            operation="createImage",
            answer={"type": "image_generation.completed", "b64_json": "", "usage": _IMAGES},
            cost=_IMAGES_COST,
        ),
    ),
    "ImageEditCompletedEvent": (
        Sample(
            operation="createImageEdit",
            answer={"type": "image_edit.completed", "b64_json": "", "usage": _IMAGES},
            cost=_IMAGES_COST,
        ),
    ),
    "CreateTranscriptionResponseJson": (
        Sample(operation="createTranscription", answer={"text": "t", "usage": _TOKENS}, cost=_TOKENS_COST),
        Sample(operation="createTranscription", answer={"text": "t", "usage": _DURATION}, cost=950),
    ),
    "CreateTranscriptionResponseVerboseJson": (
        Sample(
            operation="createTranscription",
            answer={"duration": 9, "text": "t", "usage": {"type": "duration", "seconds": 9}},
            cost=900,
        ),
    ),
    "CreateTranscriptionResponseDiarizedJson": (
        Sample(operation="createTranscription", answer={"segments": [], "usage": _TOKENS}, cost=_TOKENS_COST),
    ),
    "TranscriptTextDoneEvent": (
        Sample(
            operation="createTranscription",
            answer={"type": "transcript.text.done", "usage": _TOKENS},
            cost=_TOKENS_COST,
        ),
    ),
    "SpeechAudioDoneEvent": (
        Sample(
            operation="createSpeech",
            answer={
                "type": "speech.audio.done",
                "usage": {"input_tokens": 10, "output_tokens": 100, "total_tokens": 110},
            },
            cost=10 * 2 + 100 * 12,
        ),
    ),
    "Batch": (Sample(operation="retrieveBatch", answer={"object": "batch", "usage": _RESPONSE}, cost=_RESPONSE_COST),),
    "RunObject": (Sample(operation="createRun", answer={"object": "thread.run", "usage": _RUN}, cost=600),),
    "RunStepObject": (Sample(operation="getRunStep", answer={"usage": _RUN}, cost=600),),
    "EvalRun": (
        Sample(
            operation="getEvalRun",
            answer={"per_model_usage": [_PER_MODEL, _PER_MODEL]},
            cost=2 * (60 * 2 + 20 + 50 * 8),
        ),
    ),
    "EvalRunOutputItem": (
        Sample(operation="getEvalRunOutputItem", answer={"usage": {**_RUN, "cached_tokens": 0}}, cost=600),
    ),
    "VideoResource": (
        Sample(operation="createVideo", answer={"object": "video", "seconds": "8", "size": "720x1280"}, cost=800_000),
    ),
}
# A session is between a client and Azure: the proxy never reads its events, and hard budgets refuse it. A grader says
# no more than the sum of its tokens, and is refused as well.
WITHOUT_SAMPLE = frozenset(
    {
        "RealtimeResponse",
        "RealtimeBetaResponse",
        "RealtimeServerEventConversationItemInputAudioTranscriptionCompleted",
        "RealtimeBetaServerEventConversationItemInputAudioTranscriptionCompleted",
    }
)
