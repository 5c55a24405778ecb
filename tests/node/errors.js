// What is refused, as the SDK's own exceptions, and what is broken off.

import { toFile } from "openai";
import { azure, client, clientWithKey, collected, run } from "./calls.js";

const messages = [{ role: "user", content: "hello world" }];
const chat = (asked, of = client) => of.chat.completions.create({ model: "chat", messages, ...asked });

await run({
  "a wrong key": () => chat({}, clientWithKey("sk-wrong")),
  "an unknown model": () => chat({ model: "nothing" }),
  "no model": () => chat({ model: undefined }),
  "too many requests": () => chat({ model: "error-429-2026" }),
  "a broken server": () => chat({ model: "error-500" }),
  "a broken line": () => chat({ model: "connection-reset" }),
  "a filtered prompt": () => chat({ model: "error-400-content-filter" }),
  "an error in a stream": async () => collected(await chat({ model: "stream-error-429", stream: true })),
  "a file that is not there": () => client.files.retrieve("file-nothing"),
  "a form without a model": async () =>
    client.audio.transcriptions.create({ model: undefined, file: await toFile(Buffer.from("x"), "a.wav") }),
  moderation: () => client.moderations.create({ input: "hello" }),
  "an unknown model of azure's client": () => chat({ model: "nothing" }, azure),
  "a stream that its reader leaves": async () => {
    const stream = await chat({ model: "gated", stream: true });
    stream.controller.abort();
    return (await collected(stream)).length;
  },
  "a call that is aborted": async () => {
    const leaving = new AbortController();
    const call = client.chat.completions.create({ model: "gated-answer", messages }, { signal: leaving.signal });
    leaving.abort();
    return call;
  },
});
