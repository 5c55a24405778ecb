import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY });
const chunks = await client.chat.completions.create({
  model: process.env.MODEL,
  stream: true,
  messages: [{ role: "user", content: "Hello" }],
});
for await (const chunk of chunks) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
}
process.stdout.write("\n");
