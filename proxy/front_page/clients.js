// The settings of each client. PROXY is the address of the proxy, KEY the client key, MODEL the chosen model.
export const CLIENTS = [
  ["NextChat", "BASE_URL=PROXY\nOPENAI_API_KEY=KEY\nCUSTOM_MODELS=+MODEL"],
  ["LobeChat", "OPENAI_PROXY_URL=PROXY/v1\nOPENAI_API_KEY=KEY\nOPENAI_MODEL_LIST=+MODEL"],
  ["chatgpt-web", "OPENAI_API_BASE_URL=PROXY\nOPENAI_API_KEY=KEY\nOPENAI_API_MODEL=MODEL"],
  ["chatgpt-lite", "OPENAI_API_BASE_URL=PROXY\nOPENAI_API_KEY=KEY\nOPENAI_MODEL=MODEL"],
  ["chatgpt-minimal", "OPENAI_API_BASE_URL=PROXY\nOPENAI_API_KEY=KEY"],
  [
    "chatbot-ui",
    `# A new model in its sidebar
Name: MODEL
Model ID: MODEL
Base URL: PROXY/v1
API Key: KEY

# The version of 2023, its branch legacy
OPENAI_API_HOST=PROXY
OPENAI_API_KEY=KEY`,
  ],
  ["Open WebUI", "OPENAI_API_BASE_URL=PROXY/v1\nOPENAI_API_KEY=KEY"],
  [
    "LibreChat",
    `# librechat.yaml
version: 1.3.17
endpoints:
  custom:
    - name: "Azure"
      baseURL: "PROXY/v1"
      apiKey: "KEY"
      titleModel: "MODEL"
      models:
        default: ["MODEL"]
        fetch: true`,
  ],
  ["Cline", "API Provider: OpenAI Compatible\nBase URL: PROXY/v1\nAPI Key: KEY\nModel ID: MODEL"],
  ["Zoo Code, Roo Code", "API Provider: OpenAI Compatible\nBase URL: PROXY/v1\nAPI Key: KEY\nModel: MODEL"],
  [
    "Continue",
    `# config.yaml
name: proxy
version: 1.0.0
schema: v1
models:
  - name: MODEL
    provider: openai
    apiBase: PROXY/v1
    apiKey: KEY
    model: MODEL`,
  ],
  ["Cursor", "OpenAI API Key: KEY\nOverride OpenAI Base URL: PROXY/v1\nCustom model: MODEL"],
  [
    "Zed",
    `// settings.json; the key goes into Zed's settings or into PROXY_API_KEY=KEY
{
  "language_models": {
    "openai_compatible": {
      "proxy": {
        "api_url": "PROXY/v1",
        "available_models": [{"name": "MODEL", "max_tokens": 128000}]
      }
    }
  }
}`,
  ],
  [
    "Aider",
    "export OPENAI_API_BASE=PROXY/v1\nexport OPENAI_API_KEY=KEY\naider --model openai/MODEL --weak-model openai/MODEL",
  ],
  [
    "llm",
    `# extra-openai-models.yaml in the folder that \`llm logs path\` shows
- model_id: proxy
  model_name: MODEL
  api_base: "PROXY/v1"
  api_key_name: proxy
# llm keys set proxy --value KEY
# llm -m proxy "Hello"`,
  ],
  [
    "Codex CLI",
    `# ~/.codex/config.toml; export PROXY_KEY=KEY
model = "MODEL"
model_provider = "proxy"

[model_providers.proxy]
name = "proxy"
base_url = "PROXY/v1"
env_key = "PROXY_KEY"
wire_api = "responses"`,
  ],
  [
    "openai-python",
    `from openai import OpenAI

client = OpenAI(base_url="PROXY/v1", api_key="KEY")
answer = client.chat.completions.create(
    model="MODEL", messages=[{"role": "user", "content": "Hello"}]
)
print(answer.choices[0].message.content)`,
  ],
  [
    "openai-node",
    `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "PROXY/v1", apiKey: "KEY" });
const answer = await client.chat.completions.create({
  model: "MODEL",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`,
  ],
  [
    "openai-dotnet",
    `using System.ClientModel;
using OpenAI;

var client = new OpenAIClient(
    new ApiKeyCredential("KEY"),
    new OpenAIClientOptions { Endpoint = new Uri("PROXY/v1") });
var answer = await client.GetChatClient("MODEL").CompleteChatAsync("Hello");
Console.WriteLine(answer.Value.Content[0].Text);`,
  ],
  [
    "LangChain (Python)",
    `from langchain_openai import ChatOpenAI

model = ChatOpenAI(base_url="PROXY/v1", api_key="KEY", model="MODEL")
print(model.invoke("Hello").content)`,
  ],
  [
    "LangChain (JS)",
    `import { ChatOpenAI } from "@langchain/openai";

const model = new ChatOpenAI({
  model: "MODEL", apiKey: "KEY", configuration: { baseURL: "PROXY/v1" },
});
console.log((await model.invoke("Hello")).content);`,
  ],
  [
    "LlamaIndex",
    `from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(model="MODEL", api_base="PROXY/v1", api_key="KEY", is_chat_model=True)
print(model.complete("Hello"))`,
  ],
  [
    "Vercel AI SDK",
    `import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";

const proxy = createOpenAI({ baseURL: "PROXY/v1", apiKey: "KEY" });
const { text } = await generateText({ model: proxy.chat("MODEL"), prompt: "Hello" });
console.log(text);`,
  ],
  [
    "curl",
    `curl -N PROXY/v1/chat/completions \\
  -H 'Authorization: Bearer KEY' -H 'Content-Type: application/json' \\
  -d '{"model": "MODEL", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'`,
  ],
];
