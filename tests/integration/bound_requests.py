"""Random requests of every operation that costs something, with all that may make them dearer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

Body = dict[str, object]
CHATS = ("gpt-4o", "gpt-4.1", "gpt-5", "luna", "speaking")
RESPONSES = ("gpt-4o", "gpt-4.1", "gpt-5", "luna", "o3")
INSTRUCT, EMBEDDING, MOVIE = "gpt-35-turbo-instruct", "text-embedding-3-small", "sora-2"
IMAGES, SPEECHES, HEARING = ("gpt-image-1", "dall-e-3"), ("gpt-4o-mini-tts", "tts"), "gpt-4o-transcribe"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SOUND: Body = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
BOUNDARY = "a-boundary-that-no-file-has"
_ALPHABETS = ("word ", "a b c d e ", "\u6f22\u5b57", "\U0001f642", "\u0001\u0002", '"\\ ', "\u00e9 ")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The ids of what Azure keeps."""

    response: str
    conversation: str
    file: str
    store: str
    container: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request: its path, and its body with the type of it."""

    path: str
    body: bytes
    content_type: str = "application/json"


class Requests:
    """Draws the requests of one seed."""

    def __init__(self, random: Random, kept: Kept) -> None:
        self._random = random
        self._kept = kept

    def chat(self) -> Asked:
        model = self._random.choice(CHATS)
        messages = [self._message(speaks=model == "speaking") for _ in range(self._random.randint(1, 3))]
        body: Body = {"model": model, "messages": messages, **self._limit("max_completion_tokens", "max_tokens")}
        self._maybe(body, n=self._random.choice((1, 2, 3)), service_tier=self._tier(model), user=self._text(20))
        self._maybe(body, response_format={"type": "json_schema", "json_schema": self._schema()}, store=True)
        if model == "speaking":
            self._maybe(body, modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"})
        elif model in {"gpt-4o", "gpt-4.1"}:
            self._maybe(body, prediction={"type": "content", "content": self._text(80)})
            self._maybe(body, tools=[{"type": "function", "function": self._schema()}])
        else:
            self._maybe(body, reasoning_effort=self._random.choice(("none", "low", "high")))
        return self._json("chat/completions", self._streaming(body))

    def completion(self) -> Asked:
        prompts = (self._text(), [self._text(40), self._text(40)], [1, 2, 3], [[1, 2], [3]], [1] * 200)
        body: Body = {"model": INSTRUCT, "prompt": self._random.choice(prompts)}
        self._maybe(body, n=2, best_of=self._random.randint(2, 5), max_tokens=self._random.randint(0, 500))
        return self._json("completions", self._streaming(body))

    def response(self) -> Asked:
        model = self._random.choice(RESPONSES)
        texts = (self._text(), [self._item() for _ in range(self._random.randint(1, 3))])
        body: Body = {"model": model, "input": self._random.choice(texts), **self._limit("max_output_tokens")}
        self._maybe(body, instructions=self._text(60), service_tier=self._tier(model), store=False)
        self._maybe(body, text={"format": {"type": "json_schema", **self._schema()}})
        self._maybe(body, **self._before())
        self._maybe(body, tools=self._tools(), max_tool_calls=self._random.randint(1, 12))
        if model not in {"gpt-4o", "gpt-4.1"}:
            self._maybe(body, reasoning={"effort": "high", "summary": "auto"})
        return self._json("responses", self._streaming(body))

    def compaction(self) -> Asked:
        items = [self._item(plain=True) for _ in range(self._random.randint(1, 5))]
        return self._json("responses/compact", {"model": self._random.choice(RESPONSES), "input": items})

    def embedding(self) -> Asked:
        inputs = (self._text(), [self._text(50) for _ in range(5)], [1, 2, 3] * 50, [[1, 2], [3, 4, 5]])
        return self._json("embeddings", {"model": EMBEDDING, "input": self._random.choice(inputs)})

    def image(self) -> Asked:
        model = self._random.choice(IMAGES)
        body: Body = {"model": model, **self._picture(model)}
        if model != "dall-e-3" and self._random.random() < 0.5:
            body |= {"stream": True, "partial_images": self._random.randint(0, 3), "n": 1}
        return self._json("images/generations", body)

    def image_edit(self) -> Asked:
        fields = {"model": IMAGES[0], **self._picture(IMAGES[0])}
        self._maybe(fields, input_fidelity="high")
        number, has_mask = self._random.randint(1, 16), self._random.random() < 0.5
        if self._random.random() < 0.3:
            images = [{"image_url": PIXEL} for _ in range(number)]
            return self._json("images/edits", {**fields, "images": images, **({"mask": PIXEL} if has_mask else {})})
        files = [
            ("image[]", "a.png"),
            *[("image[]", "b.png")] * (number - 1),
            *([("mask", "m.png")] if has_mask else []),
        ]
        return self._form("images/edits", fields, files)

    def speech(self) -> Asked:
        body: Body = {"model": self._random.choice(SPEECHES), "input": self._text(), "voice": "alloy"}
        self._maybe(body, instructions=self._text(40), stream_format="sse")
        return self._json("audio/speech", body)

    def transcription(self) -> Asked:
        fields: Body = {"model": HEARING}
        self._maybe(fields, prompt=self._text(40), stream="true")
        return self._form("audio/transcriptions", fields, [("file", f"{'word ' * self._random.randint(1, 60)}.wav")])

    def translation(self) -> Asked:
        return self._form("audio/translations", {"model": HEARING}, [("file", "a.wav")])

    def video(self) -> Asked:
        body: Body = {"model": MOVIE, "prompt": self._text(40)}
        self._maybe(body, seconds=self._random.choice(("4", "8", "12", 8)), size="1280x720")
        return self._json("videos", body) if self._random.random() < 0.5 else self._form("videos", body)

    def search(self) -> Asked:
        return self._json(f"vector_stores/{self._kept.store}/search", {"query": self._text(40)})

    def container(self) -> Asked:
        return self._json("containers", {"name": self._text(10)})

    def container_file(self) -> Asked:
        if self._random.random() < 0.5:
            return self._json(f"containers/{self._kept.container}/files", {"file_id": self._kept.file})
        return self._form(f"containers/{self._kept.container}/files", {}, [("file", "a.txt")])

    def _maybe(self, body: Body, **members: object) -> None:
        """Add each of the members, or not."""
        body |= {name: value for name, value in members.items() if self._random.random() < 0.4}

    def _text(self, most: int = 200) -> str:
        alphabet = self._random.choice(_ALPHABETS)
        if self._random.random() < 0.3:
            most *= 40
        return (alphabet * most)[: self._random.randint(1, most)]

    def _limit(self, *names: str) -> Body:
        if self._random.random() < 0.2:
            return {}
        return {self._random.choice(names): self._random.randint(1, 300)}

    def _tier(self, model: object) -> str:
        has_priority = model in {"gpt-4.1", "luna"}
        return self._random.choice(["auto", "default", "flex", *(["priority"] if has_priority else [])])

    def _schema(self) -> Body:
        described = {"type": "string", "description": self._text(80)}
        schema = {"type": "object", "properties": {"said": described}}
        return {"name": "it", "schema": schema, "parameters": schema}

    def _message(self, *, speaks: bool) -> Body:
        detail = self._random.choice(("low", "high"))
        image: Body = {"type": "image_url", "image_url": {"url": PIXEL, "detail": detail}}
        parts: list[Body] = [{"type": "text", "text": self._text()}, SOUND if speaks else image]
        return {"role": "user", "content": self._random.choice((self._text(), parts))}

    def _item(self, *, plain: bool = False) -> Body:
        parts: list[Body] = [
            {"type": "input_text", "text": self._text()},
            {"type": "input_image", "image_url": PIXEL, "detail": "high"},
            {"type": "input_file", "file_id": self._kept.file},
        ]
        chosen = parts[:1] if plain else self._random.sample(parts, self._random.randint(1, 3))
        return {"role": "user", "content": self._random.choice((self._text(), chosen))}

    def _before(self) -> Body:
        if self._random.random() < 0.5:
            return {"previous_response_id": self._kept.response}
        return {"conversation": self._kept.conversation}

    def _tools(self) -> list[Body]:
        tools: list[Body] = [
            {"type": "web_search"},
            {"type": "file_search", "vector_store_ids": [self._kept.store]},
            {"type": "code_interpreter", "container": {"type": "auto"}},
            {"type": "mcp", "server_label": "server", "server_url": "https://example.com"},
            {"type": "function", **self._schema()},
        ]
        return self._random.sample(tools, self._random.randint(1, 3))

    def _picture(self, model: object) -> Body:
        body: Body = {"prompt": self._text()}
        self._maybe(body, n=self._random.randint(1, 10) if model != "dall-e-3" else 1, size="1024x1536")
        self._maybe(body, quality=self._random.choice(("low", "medium", "high")))
        return body

    def _streaming(self, body: Body) -> Body:
        self._maybe(body, stream=True)
        return body

    def _json(self, path: str, body: Mapping[str, object]) -> Asked:
        raw = json.dumps(body, ensure_ascii=self._random.random() < 0.5, separators=(",", ":"))
        return Asked(path=path, body=raw.encode())

    def _form(self, path: str, fields: Mapping[str, object], files: list[tuple[str, str]] | None = None) -> Asked:
        head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="'
        parts = [f'{head}{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
        parts += [
            f'{head}{name}"; filename="{file}"\r\ncontent-type: application/octet-stream\r\n\r\nbytes\r\n'
            for name, file in files or ()
        ]
        raw = "".join([*parts, f"--{BOUNDARY}--\r\n"])
        return Asked(path=path, body=raw.encode(), content_type=f"multipart/form-data; boundary={BOUNDARY}")


DRAWS: Mapping[str, Callable[[Requests], Asked]] = {
    "createChatCompletion": Requests.chat,
    "createCompletion": Requests.completion,
    "createResponse": Requests.response,
    "Compactconversation": Requests.compaction,
    "createEmbedding": Requests.embedding,
    "createImage": Requests.image,
    "createImageEdit": Requests.image_edit,
    "createSpeech": Requests.speech,
    "createTranscription": Requests.transcription,
    "createTranslation": Requests.translation,
    "createVideo": Requests.video,
    "searchVectorStore": Requests.search,
    "CreateContainer": Requests.container,
    "CreateContainerFile": Requests.container_file,
}
