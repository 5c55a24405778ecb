// How the SDK takes refusals: what it raises, how long it would wait, how often it tries.

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

const refused = async ({ key: apiKey, model = "gpt-4o", calls = 1 }) => {
  const client = new OpenAI({ apiKey, baseURL: `${process.env.URL}/v1` });
  waits.length = 0;
  try {
    for (let call = 0; call < calls; call++) {
      await client.chat.completions.create({ model, messages });
    }
  } catch (error) {
    const { status, code, type, message } = error;
    return { error: error.constructor.name, status, code, type, message, waits: [...waits] };
  }
  return null;
};

// By names: the key, and optionally the model and how many calls to make, the last of which is refused.
const asked = Object.entries(JSON.parse(process.env.REFUSALS));
await run(Object.fromEntries(asked.map(([name, one]) => [name, () => refused(one)])));
