// Streams of a deployment that says nothing for a while.

import { client, collected, run } from "./calls.js";

const model = "gated-answer";
const messages = [{ role: "user", content: "hello world" }];
const input = "hello world";

await run({
  "chat streamed": async () => {
    const chunks = await collected(await client.chat.completions.create({ model, messages, stream: true }));
    return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  },
  "chat by the stream helper": async () =>
    (await client.chat.completions.stream({ model, messages }).finalMessage()).content,
  "response streamed": async () => {
    const events = await collected(await client.responses.create({ model, input, stream: true }));
    return events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta).join("");
  },
  "response by the stream helper": async () => (await client.responses.stream({ model, input }).finalResponse()).output_text,
});
