// One streamed chat completion.

export class AnswerError extends Error {}

// What an answer that is no 200 says, in OpenAI's shape if it has one.
export async function messageOf(answer) {
  try {
    const { error } = await answer.json();
    if (typeof error?.message === "string") return error.message;
  } catch {
    // The platform's own errors are no JSON.
  }
  return "";
}

// Yield the pieces of text of an answer as they come. Raise AnswerError with what the proxy says, TypeError when it
// cannot be reached, AbortError when `signal` stops it; return whether the stream has ended as it should.
export async function* streamChat({ key, model, messages, signal }) {
  const answer = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "authorization": `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true }),
    signal,
  });
  if (!answer.ok) throw new AnswerError(`${answer.status} ${await messageOf(answer)}`.trim());
  for await (const data of readEvents(answer.body)) {
    if (data === "[DONE]") return true;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new AnswerError(chunk.error.message);
    const delta = chunk.choices?.[0]?.delta;
    if (delta?.content || delta?.refusal) yield delta.content || delta.refusal;
  }
  return false;
}

// Yield the data of each server-sent event. https://html.spec.whatwg.org/multipage/server-sent-events.html
async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let data = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    text = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      else if (line === "" && data.length) {
        yield data.join("\n");
        data = [];
      }
    }
  }
}
