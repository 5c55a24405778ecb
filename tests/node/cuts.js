// Streams that are cut: CUTS is JSON, the deployment and the operation of each.

import { client, run } from "./calls.js";

const operations = {
  chat: {
    ask: (model) =>
      client.chat.completions.create({ model, messages: [{ role: "user", content: "hi" }], n: 2, stream: true }),
    said: (chunk) => chunk.choices.map((choice) => choice.delta.content ?? "").join(""),
  },
  response: {
    ask: (model) => client.responses.create({ model, input: "hi", stream: true }),
    said: (event) => (event.type === "response.output_text.delta" ? event.delta : ""),
  },
};

async function read(model, { ask, said }) {
  let text = "";
  try {
    for await (const event of await ask(model)) {
      text += said(event);
    }
  } catch (error) {
    return { text, code: error.code ?? error.message, status: error.status ?? null };
  }
  return { text, code: null, status: null };
}

const cuts = Object.entries(JSON.parse(process.env.CUTS));
await run(Object.fromEntries(cuts.map(([model, operation]) => [model, () => read(model, operations[operation])])));
