// The usage of a stream, which the proxy asks for in place of a client that did not.

import { client, run } from "./calls.js";

const messages = [{ role: "user", content: "hello world" }];

const counted = async (options) => {
  const stream = await client.chat.completions.create({ model: "gpt-4o", messages, stream: true, ...options });
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return {
    withUsage: chunks.filter((chunk) => "usage" in chunk).length > 0,
    withoutChoices: chunks.filter((chunk) => chunk.choices.length === 0).length,
    text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""),
  };
};

await run({
  "a stream whose usage is hidden": () => counted({}),
  "a stream with its usage": () => counted({ stream_options: { include_usage: true } }),
});
