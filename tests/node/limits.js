// How the SDK takes the refusals of client keys: what it raises, how long it would wait, how often it tries.

import OpenAI from "openai";
import { run } from "./calls.js";

const messages = [{ role: "user", content: "hello world" }];
const waits = [];
const later = globalThis.setTimeout;

// The SDK sleeps with a timer, in a file of its own: note how long it would, and go on at once.
globalThis.setTimeout = (call, delay, ...rest) => {
  if (!/utils.sleep\./.test(new Error().stack)) {
    return later(call, delay, ...rest);
  }
  waits.push(delay);
  return later(call, 0, ...rest);
};

const refused = async (apiKey, calls) => {
  const client = new OpenAI({ apiKey, baseURL: `${process.env.URL}/v1` });
  waits.length = 0;
  try {
    for (let call = 0; call < calls; call++) {
      await client.chat.completions.create({ model: "gpt-4o", messages });
    }
  } catch (error) {
    const { status, code, type } = error;
    return { error: error.constructor.name, status, code, type, waits: [...waits] };
  }
  return null;
};

await run({
  "one request too many": () => refused(process.env.REQUESTS, 4),
  "a long wait": () => refused(process.env.DEBT, 2),
  "an ended key": () => refused(process.env.ENDED, 1),
});
