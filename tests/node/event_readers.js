// Streams as raw readers of events see them: CASES is JSON, the path and the body of each, `file` makes it a form.

import { createParser as version1 } from "eventsource-parser-1";
import { createParser as version2 } from "eventsource-parser-2";
import { createParser as version3 } from "eventsource-parser-3";
import { createParser as version4 } from "eventsource-parser-4";
import { run } from "./calls.js";

function reader(createParser, asCallbacks) {
  const events = [];
  const comments = [];
  const errors = [];
  const retries = [];
  const onEvent = ({ event, data }) => events.push([event ?? "", data]);
  const parser = asCallbacks
    ? createParser({
        onEvent,
        onComment: (comment) => comments.push(comment.trim()),
        onError: (error) => errors.push(error.message),
        onRetry: (milliseconds) => retries.push(milliseconds),
      })
    : createParser((parsed) => (parsed.type === "event" ? onEvent(parsed) : retries.push(parsed.value)));
  return { feed: (text) => parser.feed(text), came: { events, comments, errors, retries } };
}

function body({ file, body }) {
  if (!file) {
    return { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  }
  const form = new FormData();
  Object.entries(body).forEach(([name, value]) => form.append(name, String(value)));
  form.append("file", new Blob(["RIFF"], { type: "audio/wav" }), file);
  return { body: form, headers: {} };
}

async function read(asked) {
  const { body: sent, headers } = body(asked);
  const authorization = `Bearer ${process.env.KEY}`;
  const answer = await fetch(`${process.env.URL}/v1/${asked.path}`, {
    method: "POST",
    body: sent,
    headers: { ...headers, authorization },
  });
  const readers = [reader(version1), reader(version2), reader(version3, true), reader(version4, true)];
  let broken = false;
  try {
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      readers.forEach((one) => one.feed(text));
    }
  } catch {
    broken = true;
  }
  return { status: answer.status, broken, readers: readers.map((one) => one.came) };
}

const cases = Object.entries(JSON.parse(process.env.CASES));
await run(Object.fromEntries(cases.map(([name, asked]) => [name, () => read(asked)])));
