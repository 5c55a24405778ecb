"""POST images/generations and images/edits."""

from collections.abc import Iterator

from tools.azure_openai_simulator import metering
from tools.azure_openai_simulator.answers import Answer, Ask, Chunk, Json, Mark, Stream, document, event
from tools.azure_openai_simulator.errors import InvalidError, RefusalError
from tools.azure_openai_simulator.filters import COMPLETION_SAFE, prompt_filter_results
from tools.azure_openai_simulator.response_items import PNG
from tools.azure_openai_simulator.state import Record

DALL_E = "dall-e"
_SHAPE: Record = {"background": "opaque", "output_format": "png", "quality": "low", "size": "1024x1024"}


def generate(ask: Ask) -> Answer:
    """Answer an image generation call."""
    asked = ask.members()
    if not ask.model.startswith(DALL_E):
        return _gpt_image(ask, asked, "image_generation")
    filters = {"content_filter_results": COMPLETION_SAFE, "prompt_filter_results": prompt_filter_results()[0]}
    picture = {"revised_prompt": asked.get("prompt"), **filters}
    inline = asked.get("response_format") == "b64_json"
    picture |= {"b64_json": PNG} if inline else {"url": f"{ask.origin}/images/{ask.serial}.png"}
    return document({"created": ask.created, "data": [picture]})


def edit(ask: Ask) -> Answer:
    """Answer an image edit call."""
    if not _given(ask):
        raise InvalidError(
            400, "Missing required parameter: 'image'.", param="image", code="missing_required_parameter"
        )
    return _gpt_image(ask, ask.members(), "image_edit")


def _gpt_image(ask: Ask, asked: Record, kind: str) -> Answer:
    if ask.by_path and "model" in asked:
        raise RefusalError("error-400-images-model")
    if "response_format" in asked:
        message = "Unknown parameter: 'response_format'."
        raise InvalidError(400, message, param="response_format", code="unknown_parameter")
    shape = {name: asked.get(name, value) for name, value in _SHAPE.items()}
    usage = metering.picture(ask, asked, _given(ask))
    if asked.get("stream") in {True, "true"}:
        partial = int(str(asked.get("partial_images") or 0))
        return Stream(_chunks(ask, kind, shape, partial, usage), done=False)
    pictures = [{"b64_json": PNG}] * int(str(asked.get("n") or 1))
    return document({"created": ask.created, "data": pictures, "usage": usage, **shape})


def _given(ask: Ask) -> int:
    """Return how many images a call brings, with the mask."""
    if ask.form is not None:
        return sum(part.name.removesuffix("[]") in {"image", "mask"} for part in ask.form.files)
    asked = ask.members()
    images = asked.get("images")
    return (len(images) if isinstance(images, list) else 0) + ("mask" in asked)


def _chunks(ask: Ask, kind: str, shape: Json, partial: int, usage: Json) -> Iterator[Chunk]:
    body = {"created_at": ask.created, "b64_json": PNG, **shape}
    for index in range(partial):
        yield event(Mark.CONTENT, {"type": f"{kind}.partial_image", **body, "partial_image_index": index})
    yield event(Mark.FINISH, {"type": f"{kind}.completed", **body, "usage": usage})
