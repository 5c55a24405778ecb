// A stream that is silent for a while, as parsers read it that are found in web pages; each says what it read as text.

import { run } from "./calls.js";

const url = `${process.env.URL}/v1/chat/completions`;
const headers = { "content-type": "application/json", authorization: `Bearer ${process.env.KEY}` };
const messages = [{ role: "user", content: "hello world" }];
const body = JSON.stringify({ model: "gated-answer", messages, stream: true });
const said = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

// What sse.js needs of a browser's XMLHttpRequest.
class Request extends EventTarget {
  responseText = "";
  readyState = 0;
  sent = {};
  open(method, address) {
    Object.assign(this, { method, address });
  }
  setRequestHeader(name, value) {
    this.sent[name] = value;
  }
  getAllResponseHeaders = () => "content-type: text/event-stream\r\n";
  abort() {}
  async send(payload) {
    try {
      const answer = await fetch(this.address, { method: this.method, headers: this.sent, body: payload });
      Object.assign(this, { status: answer.status, readyState: 2 });
      this.dispatchEvent(new Event("readystatechange"));
      for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
        this.responseText += text;
        this.dispatchEvent(new Event("progress"));
      }
      this.dispatchEvent(new Event("load"));
    } catch {
      this.dispatchEvent(new Event("error"));
    }
  }
}
Request.HEADERS_RECEIVED = 2;
globalThis.XMLHttpRequest = Request;
const { SSE } = await import("sse.js");

async function texts() {
  const answer = await fetch(url, { method: "POST", headers, body });
  const parts = [];
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    parts.push(text);
  }
  return parts;
}

await run({
  // BetterChatGPT: what does not parse is put before what comes next.
  "blank lines, each part for itself": async () => {
    const chunks = [];
    let partial = "";
    for (const part of await texts()) {
      for (const block of (partial + part).split("\n\n").filter(Boolean)) {
        const json = block.replace(/^data: /, "");
        try {
          chunks.push(JSON.parse(json));
          partial = "";
        } catch {
          partial = json === "[DONE]" ? "" : block;
        }
      }
    }
    return said(chunks);
  },
  "blank lines, what begins with data": async () => {
    const blocks = (await texts()).join("").split("\n\n").filter(Boolean);
    if (!blocks.every((block) => block.startsWith("data: "))) {
      throw new Error(blocks.join("|"));
    }
    return said(blocks.slice(0, -1).map((block) => JSON.parse(block.slice(6))));
  },
  "sse.js": () =>
    new Promise((resolve, reject) => {
      const source = new SSE(url, { headers, payload: body });
      const chunks = [];
      source.addEventListener("message", ({ data }) => {
        if (data === "[DONE]") {
          resolve(said(chunks));
        } else {
          chunks.push(JSON.parse(data));
        }
      });
      source.addEventListener("error", () => reject(new Error("sse.js has an error")));
    }),
});
