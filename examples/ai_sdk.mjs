import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";

const proxy = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY });
// proxy(MODEL) calls the Responses API.
const { textStream } = streamText({ model: proxy.chat(process.env.MODEL), prompt: "Hello" });
for await (const piece of textStream) {
  process.stdout.write(piece);
}
process.stdout.write("\n");
