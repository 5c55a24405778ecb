// What a client key with models may use.

import { client, run } from "./calls.js";

const messages = [{ role: "user", content: "hello world" }];
const chat = async (model) => (await client.chat.completions.create({ model, messages })).choices[0].message.content;

await run({
  "a model of the key": () => chat("gpt-4o"),
  "another model": () => chat("gpt-4o-mini"),
  models: async () => (await client.models.list()).data.map((model) => model.id).sort(),
});
