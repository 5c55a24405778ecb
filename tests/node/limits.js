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

const counted = async (options) => {
  const client = new OpenAI({ apiKey: process.env.COUNTED, baseURL: `${process.env.URL}/v1` });
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
  "one request too many": () => refused(process.env.REQUESTS, 4),
  "a long wait": () => refused(process.env.DEBT, 2),
  "an ended key": () => refused(process.env.ENDED, 1),
});
