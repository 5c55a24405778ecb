// How a script of calls runs: each call has a name, and prints one line of JSON that says what came of it.

import OpenAI, { AzureOpenAI, toFile } from "openai";

const options = { apiKey: process.env.KEY, maxRetries: 0 };

export const client = new OpenAI({ ...options, baseURL: `${process.env.URL}/v1` });
export const azure = new AzureOpenAI({ ...options, endpoint: process.env.URL, apiVersion: "2024-10-21" });
export const clientWithKey = (apiKey) => new OpenAI({ ...options, apiKey, baseURL: client.baseURL });

export async function run(calls) {
  for (const [name, call] of Object.entries(calls)) {
    let line;
    try {
      line = { name, ok: true, came: await call() };
    } catch (error) {
      line = { name, ok: false, came: described(error) };
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

function described(error) {
  const { status, code, type, param, message, requestID } = error;
  return { class: error.constructor.name, status, code, type, param, message, requestID };
}

export async function collected(stream) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
  }
  return events;
}

export async function batched(lines) {
  const file = await client.files.create({ file: await toFile(Buffer.from(lines), "in.jsonl"), purpose: "batch" });
  const asked = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" };
  let batch = await client.batches.create(asked);
  for (let step = 0; step < 3; step++) {
    batch = await client.batches.retrieve(batch.id);
  }
  const output = await (await client.files.content(batch.output_file_id)).text();
  return { status: batch.status, output: output.trim().split("\n") };
}
