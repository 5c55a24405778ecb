// Two clients of one proxy: what one makes is not there for the other, and its lists are its own.

import { toFile } from "openai";
import { clientWithKey, collected, run } from "./calls.js";

const alice = clientWithKey(process.env.ALICE);
const bob = clientWithKey(process.env.BOB);
const text = () => toFile(Buffer.from("text"), "a.txt");
const file = await alice.files.create({ file: await text(), purpose: "assistants" });
const response = await alice.responses.create({ model: "chat", input: "hello" });
const stores = [];
for (const number of [1, 2, 3]) {
  stores.push(await alice.vectorStores.create({ name: `notes ${number}`, metadata: { number: `${number}` } }));
  await bob.vectorStores.create({ name: `others ${number}` });
}
const next = { model: "chat", input: "and then?", previous_response_id: response.id };

await run({
  "an own file": async () => (await alice.files.retrieve(file.id)).id === file.id,
  "another client's file": () => bob.files.retrieve(file.id),
  "another client's response": () => bob.responses.create(next),
  "an own response, streamed": async () => {
    const events = await collected(await alice.responses.create({ ...next, stream: true }));
    return (await alice.responses.retrieve(events[0].response.id)).status;
  },
  "own vector stores": async () => {
    const listed = await collected(alice.vectorStores.list({ limit: 2, order: "asc" }));
    return listed.map((one) => [one.name, one.metadata]);
  },
  "all files": () => collected(alice.files.list()),
});
