// Streams read by a reader of events that connects again by itself: CASES is JSON, the path and the body of each.

import { run } from "./calls.js";

// The reader is made for browsers.
globalThis.window = { fetch, clearTimeout };
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

// Resolves with what came and in how many milliseconds the reader would ask again, null when it is done.
async function read({ path, body }) {
  const events = [];
  const leaving = new AbortController();
  const waits = new Promise((resolve) => {
    window.setTimeout = (_, milliseconds) => resolve(milliseconds);
  });
  const done = fetchEventSource(`${process.env.URL}/v1/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", authorization: `Bearer ${process.env.KEY}` },
    signal: leaving.signal,
    onmessage: ({ data }) => events.push(data),
  }).then(() => null);
  const wait = await Promise.race([waits, done]);
  leaving.abort();
  return { wait, events };
}

const cases = Object.entries(JSON.parse(process.env.CASES));
await run(Object.fromEntries(cases.map(([name, asked]) => [name, () => read(asked)])));
