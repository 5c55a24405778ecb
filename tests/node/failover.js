// Chats whose first resource fails by the name of the model: the client must not notice.

import { client, collected, run } from "./calls.js";

const messages = [{ role: "user", content: "hello world" }];
const chat = async (model) => {
  const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
  return [data.choices[0].message.content, response.headers.get("x-proxy-attempts")];
};
const streamed = async (model) => {
  const chunks = await collected(await client.chat.completions.create({ model, messages, stream: true }));
  return chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join("");
};

await run({
  throttled: () => chat("error-429-old"),
  broken: () => chat("error-500"),
  reset: () => chat("connection-reset"),
  down: () => chat("down"),
  "throttled, streamed": () => streamed("error-429-old"),
  "an early error, streamed": () => streamed("stream-error-429"),
  "response streamed": async () => {
    const asked = { model: "error-503-text", input: "hello world", stream: true };
    return (await collected(await client.responses.create(asked))).at(-1).type;
  },
  refused: () => chat("error-400-context"),
});
