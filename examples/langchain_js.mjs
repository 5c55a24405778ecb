import { ChatOpenAI } from "@langchain/openai";

const model = new ChatOpenAI({
  model: process.env.MODEL,
  apiKey: process.env.OPENAI_API_KEY,
  configuration: { baseURL: process.env.OPENAI_BASE_URL },
});
for await (const chunk of await model.stream("Hello")) {
  process.stdout.write(chunk.text);
}
process.stdout.write("\n");
