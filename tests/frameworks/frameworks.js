// Calls of frameworks by both APIs, each of a model that the environment names; a line of JSON says what came of each.

import { createOpenAI } from "@ai-sdk/openai";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, tool as agentTool } from "@openai/agents";
import { generateText, Output, stepCountIs, streamText, tool as aiTool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const [baseURL, apiKey, api, model] = [`${process.env.URL}/v1`, process.env.KEY, process.env.API, process.env.MODEL];
const responses = api === "responses";
const prompt = "hello world";
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const runner = new Runner({ tracingDisabled: true });
const place = z.object({ city: z.string() });
const said = z.object({ said: z.string() });
const about = { name: "weather", description: "Tells the weather." };

function agentsModel() {
  return responses ? new OpenAIResponsesModel(client, model) : new OpenAIChatCompletionsModel(client, model);
}

async function agents() {
  const agent = new Agent({ name: "plain", model: agentsModel(), modelSettings: { store: false } });
  return (await runner.run(agent, prompt)).finalOutput;
}

async function agentsStreamed() {
  const agent = new Agent({ name: "streamed", model: agentsModel(), modelSettings: { store: false } });
  const stream = await runner.run(agent, prompt, { stream: true });
  let text = "";
  for await (const piece of stream.toTextStream()) {
    text += piece;
  }
  return text;
}

async function agentsWithTools() {
  let ran = 0;
  const execute = async () => {
    ran += 1;
    return "sunny";
  };
  const tools = [agentTool({ ...about, parameters: place, execute })];
  const modelSettings = { store: false, toolChoice: "required" };
  const agent = new Agent({ name: "busy", model: agentsModel(), modelSettings, tools });
  const result = await runner.run(agent, prompt);
  const again = await runner.run(agent, [...result.history, { role: "user", content: prompt }], { maxTurns: 5 });
  return [ran, result.finalOutput, again.finalOutput];
}

const aiProvider = createOpenAI({ baseURL, apiKey });
const aiModel = responses ? aiProvider.responses(model) : aiProvider.chat(model);
const aiOptions = { model: aiModel, prompt, maxRetries: 0, providerOptions: { openai: { store: false } } };

async function ai() {
  return (await generateText(aiOptions)).text;
}

async function aiStreamed() {
  const { textStream, finishReason } = streamText(aiOptions);
  let text = "";
  for await (const piece of textStream) {
    text += piece;
  }
  return [text, await finishReason];
}

async function aiWithTools() {
  let ran = 0;
  const execute = async () => {
    ran += 1;
    return "sunny";
  };
  const tools = { weather: aiTool({ description: about.description, inputSchema: place, execute }) };
  const prepareStep = ({ stepNumber }) => ({ toolChoice: stepNumber ? "auto" : "required" });
  const { text, steps } = await generateText({ ...aiOptions, tools, prepareStep, stopWhen: stepCountIs(3) });
  return [ran, steps.length, text];
}

async function aiAsObject() {
  return (await generateText({ ...aiOptions, output: Output.object({ schema: said }) })).output;
}

const langchain = new ChatOpenAI({
  model,
  apiKey,
  configuration: { baseURL },
  maxRetries: 0,
  useResponsesApi: responses,
  zdrEnabled: responses,
});

async function langchainPlain() {
  return (await langchain.invoke(prompt)).text;
}

async function langchainStreamed() {
  let text = "";
  for await (const chunk of await langchain.stream(prompt)) {
    text += chunk.text;
  }
  return text;
}

async function langchainWithTools() {
  const weather = langchainTool(async () => "sunny", { ...about, schema: place });
  const asked = [new HumanMessage(prompt)];
  const called = await langchain.bindTools([weather], { tool_choice: "weather" }).invoke(asked);
  const outputs = called.tool_calls.map((call) => new ToolMessage({ tool_call_id: call.id, content: "sunny" }));
  const answer = await langchain.bindTools([weather]).invoke([...asked, called, ...outputs]);
  return [called.tool_calls.map((call) => call.name), answer.text];
}

async function langchainAsObject() {
  return langchain.withStructuredOutput(said, { method: "jsonSchema" }).invoke(prompt);
}

const calls = {
  "Agents SDK": agents,
  "Agents SDK, streamed": agentsStreamed,
  "Agents SDK with tools": agentsWithTools,
  "AI SDK": ai,
  "AI SDK, streamed": aiStreamed,
  "AI SDK with tools": aiWithTools,
  "AI SDK as an object": aiAsObject,
  LangChain: langchainPlain,
  "LangChain, streamed": langchainStreamed,
  "LangChain with tools": langchainWithTools,
  "LangChain as an object": langchainAsObject,
};
for (const [name, call] of Object.entries(calls)) {
  let came;
  try {
    came = await call();
  } catch (error) {
    came = { failed: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify({ name, came })}\n`);
}
