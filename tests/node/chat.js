// Chat, completions, embeddings, responses and models.

import { azure, client, collected, run } from "./calls.js";

const messages = [{ role: "user", content: "hello world" }];
const spoken = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

await run({
  chat: async () => (await client.chat.completions.create({ model: "chat", messages })).choices[0].message.content,
  "chat streamed": async () =>
    spoken(await collected(await client.chat.completions.create({ model: "chat", messages, stream: true }))),
  "chat by the stream helper": async () =>
    (await client.chat.completions.stream({ model: "chat", messages }).finalMessage()).content,
  "usage of a stream": async () => {
    const stream_options = { include_usage: true };
    const asked = { model: "chat", messages, stream: true, stream_options };
    return (await collected(await client.chat.completions.create(asked))).at(-1).usage.total_tokens > 0;
  },
  completion: async () =>
    (await client.completions.create({ model: "gpt-35-turbo-instruct", prompt: "hello" })).choices[0].text,
  "completion streamed": async () => {
    const asked = { model: "gpt-35-turbo-instruct", prompt: "hello", stream: true };
    return (await collected(await client.completions.create(asked))).map((chunk) => chunk.choices[0].text).join("");
  },
  embedding: async () => {
    const asked = { model: "text-embedding-3-small", input: ["a", "b"], dimensions: 4 };
    return (await client.embeddings.create(asked)).data.map((item) => item.embedding.length);
  },
  response: async () => (await client.responses.create({ model: "chat", input: "hello world" })).output_text,
  "response streamed": async () => {
    const stream = await client.responses.create({ model: "chat", input: "hello world", stream: true });
    const events = await collected(stream);
    const deltas = events.filter((event) => event.type === "response.output_text.delta");
    return [deltas.map((event) => event.delta).join(""), events.at(-1).type];
  },
  "response by the stream helper": async () =>
    (await client.responses.stream({ model: "chat", input: "hello world" }).finalResponse()).output_text,
  "response retrieved and deleted": async () => {
    const { id } = await client.responses.create({ model: "chat", input: "hello world" });
    const text = (await client.responses.retrieve(id)).output_text;
    await client.responses.delete(id);
    return text;
  },
  models: async () => (await collected(client.models.list())).map((model) => model.id),
  model: async () => (await client.models.retrieve("slow model")).id,
  "request id": async () => (await client.chat.completions.create({ model: "chat", messages }))._request_id !== null,
  "azure chat": async () =>
    (await azure.chat.completions.create({ model: "chat", messages })).choices[0].message.content,
  "azure chat streamed": async () =>
    spoken(await collected(await azure.chat.completions.create({ model: "chat", messages, stream: true }))),
  "azure embedding": async () =>
    (await azure.embeddings.create({ model: "text-embedding-3-small", input: "a" })).data.length,
  "azure response": async () => (await azure.responses.create({ model: "chat", input: "hello world" })).output_text,
});
