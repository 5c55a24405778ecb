// Chat on a deployment that offers Responses alone, and responses on one that offers chat alone.

import { client, collected, run } from "./calls.js";

const messages = [{ role: "user", content: "hello world" }];
const [codex, chatty] = [process.env.RESPONSES_ALONE, process.env.CHAT_ALONE];
const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const said = { type: "object", properties: { said: { type: "string" } }, required: ["said"] };
const spoken = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
const tool = { type: "function", name: "weather", strict: false, parameters: city };

await run({
  chat: async () => (await client.chat.completions.create({ model: codex, messages })).choices[0].message.content,
  "chat streamed": async () =>
    spoken(await collected(await client.chat.completions.create({ model: codex, messages, stream: true }))),
  "chat by the stream helper": async () =>
    (await client.chat.completions.stream({ model: codex, messages }).finalMessage()).content,
  "usage of a chat": async () => {
    const asked = { model: codex, messages, stream: true, stream_options: { include_usage: true } };
    const { usage } = (await collected(await client.chat.completions.create(asked))).at(-1);
    return [usage.total_tokens > 64, usage.completion_tokens_details.reasoning_tokens];
  },
  "chat that stops": async () =>
    (await client.chat.completions.create({ model: codex, messages, stop: " world" })).choices[0].message.content,
  "chat as JSON": async () => {
    const response_format = { type: "json_schema", json_schema: { name: "said", schema: said } };
    const answer = await client.chat.completions.create({ model: codex, messages, response_format });
    return JSON.parse(answer.choices[0].message.content);
  },
  "chat that calls tools": async () => {
    const ran = [];
    const weather = { name: "weather", parameters: city, parse: JSON.parse, function: (given) => ran.push(given.city) };
    const tools = [{ type: "function", function: weather }];
    const tool_choice = { type: "function", function: { name: "weather" } };
    await client.chat.completions.runTools({ model: codex, messages, tools, tool_choice }).done();
    return ran.length;
  },
  "chat that is not possible": async () => client.chat.completions.create({ model: codex, messages, n: 2 }),
  response: async () => (await client.responses.create({ model: chatty, input: "hello world" })).output_text,
  "response streamed": async () => {
    const stream = await client.responses.create({ model: chatty, input: "hello world", stream: true });
    const events = await collected(stream);
    const deltas = events.filter((event) => event.type === "response.output_text.delta");
    return [deltas.map((event) => event.delta).join(""), events.at(-1).type, events.at(-1).response.store];
  },
  "response by the stream helper": async () =>
    (await client.responses.stream({ model: chatty, input: "hello world" }).finalResponse()).output_text,
  "response as JSON": async () => {
    const text = { format: { type: "json_schema", name: "said", schema: said } };
    return JSON.parse((await client.responses.create({ model: chatty, input: "hello world", text })).output_text);
  },
  "response that calls a tool": async () => {
    const asked = { model: chatty, tools: [tool] };
    const input = [{ role: "user", content: "hello world" }];
    const first = await client.responses.create({ ...asked, input, tool_choice: "required" });
    const call = first.output.find((item) => item.type === "function_call");
    const output = { type: "function_call_output", call_id: call.call_id, output: "sunny" };
    return (await client.responses.create({ ...asked, input: [...input, ...first.output, output] })).output_text;
  },
  "response that goes on": async () => {
    const { id } = await client.responses.create({ model: chatty, input: "hello world" });
    return client.responses.create({ model: chatty, input: "hello", previous_response_id: id });
  },
  "response retrieved": async () => {
    const { id } = await client.responses.create({ model: chatty, input: "hello world" });
    return client.responses.retrieve(id);
  },
});
