// Files, batches, vector stores, images and audio.

import { toFile } from "openai";
import { azure, batched, client, collected, run } from "./calls.js";

const data = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
const line = (id) => ({
  custom_id: id,
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "chat", messages: [{ role: "user", content: "hello world" }] },
});
const lines = ["1", "2"].map((id) => `${JSON.stringify(line(id))}\n`).join("");
const picture = () => toFile(Buffer.from("not really a picture"), "picture.png", { type: "image/png" });
const speech = () => toFile(Buffer.from("not really speech"), "speech.wav", { type: "audio/wav" });

await run({
  "file sent, listed, downloaded, deleted": async () => {
    const file = await client.files.create({ file: await toFile(data, "data.bin"), purpose: "assistants" });
    const listed = (await collected(client.files.list({ limit: 2 }))).some((one) => one.id === file.id);
    const came = Buffer.from(await (await client.files.content(file.id)).arrayBuffer());
    const gone = (await client.files.delete(file.id)).deleted;
    return [file.bytes, listed, came.equals(data), gone];
  },
  batch: async () => {
    const { status, output } = await batched(lines);
    const answers = output.map((text) => JSON.parse(text).response.body);
    return [status, answers.map((answer) => answer.choices[0].message.content)];
  },
  "vector store": async () => {
    const store = await client.vectorStores.create({ name: "notes" });
    return [(await client.vectorStores.retrieve(store.id)).name, (await client.vectorStores.delete(store.id)).deleted];
  },
  image: async () => (await client.images.generate({ model: "gpt-image-1", prompt: "a cat" })).data.length,
  "image streamed": async () => {
    const asked = { model: "gpt-image-1", prompt: "a cat", stream: true, partial_images: 1 };
    return (await collected(await client.images.generate(asked))).map((event) => event.type);
  },
  "image edited": async () => {
    const asked = { model: "gpt-image-1", image: await picture(), prompt: "a dog" };
    return (await client.images.edit(asked)).data.length;
  },
  transcription: async () =>
    typeof (await client.audio.transcriptions.create({ model: "whisper", file: await speech() })).text,
  "transcription streamed": async () => {
    const asked = { model: "gpt-4o-transcribe", file: await speech(), stream: true };
    return (await collected(await client.audio.transcriptions.create(asked))).at(-1).type;
  },
  translation: async () =>
    typeof (await client.audio.translations.create({ model: "whisper", file: await speech() })).text,
  speech: async () => {
    const answer = await client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: "hello" });
    return [answer.headers.get("content-type").split("/")[0], (await answer.arrayBuffer()).byteLength > 0];
  },
  "azure transcription": async () =>
    typeof (await azure.audio.transcriptions.create({ model: "whisper", file: await speech() })).text,
  "azure image": async () => (await azure.images.generate({ model: "dall-e-3", prompt: "a cat" })).data.length,
  "azure file": async () =>
    (await azure.files.create({ file: await toFile(data, "data.bin"), purpose: "assistants" })).bytes,
});
