// Objects of several resources: listed page by page, used by their ids, deleted.

import { toFile } from "openai";
import { batched, client, collected, run } from "./calls.js";

const line = (id) => ({
  custom_id: id,
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "gpt-4o", messages: [{ role: "user", content: "hello world" }] },
});
const lines = ["1", "2"].map((id) => `${JSON.stringify(line(id))}\n`).join("");

await run({
  "files listed and deleted": async () => {
    const files = await collected(client.files.list({ limit: 2 }));
    const names = new Set(files.map((file) => file.id));
    const gone = await Promise.all(files.map((file) => client.files.delete(file.id)));
    return [files.length, names.size, gone.length, (await collected(client.files.list())).length];
  },
  "vector store": async () => {
    const file = await client.files.create({ file: await toFile(Buffer.from("text"), "a.txt"), purpose: "assistants" });
    const store = await client.vectorStores.create({ name: "notes" });
    await client.vectorStores.files.create(store.id, { file_id: file.id });
    const kept = await collected(client.vectorStores.files.list(store.id));
    await client.files.delete(file.id);
    const { name } = await client.vectorStores.retrieve(store.id);
    return [name, kept.length, (await client.vectorStores.delete(store.id)).deleted];
  },
  "response continued": async () => {
    const first = await client.responses.create({ model: "gpt-4o", input: "hello" });
    const asked = { model: "gpt-4o", input: "hello world", previous_response_id: first.id, stream: true };
    const last = (await collected(await client.responses.create(asked))).at(-1).response;
    return [(await client.responses.retrieve(last.id)).output_text, last.previous_response_id === first.id];
  },
  batch: async () => {
    const { status, output } = await batched(lines);
    return [status, output.length];
  },
});
