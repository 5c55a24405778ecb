// The usage and costs endpoints, read by the official client of an admin.

import OpenAI from "openai";

import { run } from "./calls.js";

const { URL: url, KEY: adminAPIKey, START: start } = process.env;
const { usage } = new OpenAI({ baseURL: `${url}/v1`, adminAPIKey, apiKey: "none", maxRetries: 0 }).admin.organization;
const start_time = Number(start);

await run({
  "the usage of completions": () => usage.completions({ start_time, group_by: ["model", "api_key_id"] }),
  "the costs": () => usage.costs({ start_time, group_by: ["line_item"] }),
});
