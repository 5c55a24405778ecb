// One streamed chat completion.

// What the proxy says in place of an answer; the status is 0 within a stream, the seconds of `retryAfter` may be 0.
export class AnswerError extends Error {
  constructor({ message, code }, status = 0, retryAfter = 0) {
    super(message ?? "");
    Object.assign(this, { code, status, retryAfter });
  }
}

// Return the error that an answer is.
export async function errorOf(answer) {
  return new AnswerError(await readError(answer), answer.status, Number(answer.headers.get("retry-after")) || 0);
}

// What an answer that is no 200 says, in OpenAI's shape if it has one.
async function readError(answer) {
  try {
    const { error } = await answer.json();
    if (typeof error?.message === "string") return error;
  } catch {
    // The platform's own errors are no JSON.
  }
  return {};
}

// Yield the pieces of text of an answer as they come. Raise AnswerError with what the proxy says, TypeError when it
// cannot be reached, AbortError when `signal` stops it; return why the answer ended, null when its end is missing.
export async function* streamChat({ key, model, messages, signal }) {
  const answer = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "authorization": `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true }),
    signal,
  });
  if (!answer.ok) throw await errorOf(answer);
  let reason = "stop";
  for await (const data of readEvents(answer.body)) {
    if (data === "[DONE]") return reason;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new AnswerError(chunk.error);
    const { delta, finish_reason: finished } = chunk.choices?.[0] ?? {};
    reason = finished ?? reason;
    if (delta?.content || delta?.refusal) yield delta.content || delta.refusal;
  }
  return null;
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
