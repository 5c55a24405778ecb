// What the page makes of answers that are rare: a server of this script's own gives them, and the app all the rest.
import { createServer, request } from "node:http";
import { answered, judge, open, PHONE, run, say, signedIn, texts } from "./opening.js";

const { URL: PROXY, KEY, SCREENSHOTS } = process.env;
const MODELS = Array.from({ length: 300 }, (_, at) => `a-model-of-a-very-long-name-without-a-space-${"x".repeat(60)}-${at}`);
const LONG = 30_000;

const event = (choice) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`;
const piece = (content) => event({ delta: { content } });
const ended = (reason) => `${event({ delta: {}, finish_reason: reason })}data: [DONE]\n\n`;
const failure = (message) => JSON.stringify({ error: { message, type: "server_error", param: null, code: null } });
let speak = () => {};

const answers = {
  busy: (answer) => answer.writeHead(429, { "retry-after": "17" }).end(failure("Too many requests.")),
  platform: (answer) => answer.writeHead(503).end("<html>Service Unavailable</html>"),
  refusal: (answer) => answer.end(event({ delta: { refusal: "I cannot help with that." } }) + ended("stop")),
  used_up: (answer) => answer.end(ended("length")),
  filtered: (answer) => answer.end(piece("Once upon") + ended("content_filter")),
  silent: (answer) => {
    answer.write("\n\n");
    speak = () => answer.end(piece("At last.") + ended("stop"));
  },
  never: (answer) => answer.write("\n\n"),
  lost: (answer) => answer.write(piece("Half an"), () => setTimeout(() => answer.destroy(), 50)),
  failed: (answer) => answer.end(`${piece("Half an")}data: ${failure("The model failed.")}\n\n`),
  long: (answer) => answer.end(piece("word ").repeat(LONG) + ended("stop")),
};

async function model(asked) {
  let body = "";
  for await (const part of asked) body += part;
  return JSON.parse(body).model;
}

const server = createServer(async (asked, answer) => {
  if (asked.url === "/v1/chat/completions") {
    answers[await model(asked)](answer);
  } else if (asked.url === "/v1/models") {
    const broken = asked.headers["accept-language"]?.startsWith("fr");
    if (broken) answer.writeHead(502).end(failure("The list cannot be had."));
    else answer.end(JSON.stringify({ object: "list", data: MODELS.map((id) => ({ id, object: "model" })) }));
  } else {
    const passed = request(`${PROXY}${asked.url}`, { method: asked.method, headers: asked.headers }, (came) => {
      answer.writeHead(came.statusCode, came.headers);
      came.pipe(answer);
    });
    passed.end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const HERE = `http://127.0.0.1:${server.address().port}`;

async function ask(name, options) {
  const { page, seen } = await signedIn(HERE, KEY, options);
  await page.selectOption("#chat-model", "");
  await page.fill("#chat-model-other", name);
  await say(page, "Hello");
  return { page, seen };
}

async function come(page) {
  await answered(page);
  return {
    turns: await texts(page, ".turn"),
    message: await page.textContent("#chat-error"),
    box: await page.inputValue("#message"),
    status: await page.textContent("#chat-status"),
  };
}

async function tabTo(page, id) {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(() => document.activeElement.id)) === id) return;
  }
  throw new Error(`${id} is not reached with the keyboard`);
}

const plain = ["busy", "platform", "refusal", "used_up", "filtered", "lost", "failed"];
const scenarios = {
  ...Object.fromEntries(plain.map((name) => [name, async () => come((await ask(name)).page)])),
  async silent() {
    const { page } = await ask("silent");
    await page.waitForFunction(() => / [1-9]/.test(document.getElementById("chat-status").textContent));
    const waiting = await page.textContent("#chat-status");
    const busy = await page.getAttribute("#turns", "aria-busy");
    speak();
    return { waiting, busy, ...(await come(page)) };
  },
  async long() {
    const { page } = await ask("long");
    const { turns, message } = await come(page);
    const bottom = await page.$eval("#turns", (one) => one.scrollHeight - one.scrollTop - one.clientHeight);
    return { length: turns[1].length - "long".length, message, bottom: bottom < 2 };
  },
  async many_models() {
    const { page, context } = await signedIn(HERE, KEY, { viewport: PHONE, bypassCSP: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    const listed = [(await texts(page, "#models li")).length, await page.$$eval("#chat-model option", (all) => all.length)];
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/many-models.png`, fullPage: true });
    const violations = await judge(page);
    await context.close();
    return { wide, listed, violations };
  },
  async no_list() {
    const { page } = await signedIn(HERE, KEY, { locale: "fr-FR" });
    await say(page, "Hello");
    const focused = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.type("refusal");
    await page.press("#message", "Enter");
    const { turns } = await come(page);
    return { models: await texts(page, "#models li"), focused, turns };
  },
  async keyboard() {
    const { page } = await open(HERE);
    await tabTo(page, "key");
    await page.keyboard.type(KEY);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#chat-section:not([hidden])");
    await tabTo(page, "models");
    await tabTo(page, "copy-settings");
    await tabTo(page, "chat-model");
    await page.keyboard.press("End");
    await tabTo(page, "chat-model-other");
    await page.keyboard.type("never");
    await tabTo(page, "message");
    await page.keyboard.type("Hello");
    await page.keyboard.press("Enter");
    await tabTo(page, "stop");
    await page.keyboard.press("Enter");
    return come(page);
  },
  async no_storage() {
    const prepare = () =>
      Object.defineProperty(globalThis, "sessionStorage", {
        get() {
          throw new DOMException("Access is denied.", "SecurityError");
        },
      });
    const { page, seen } = await open(HERE, { prepare });
    await page.check("#remember");
    await page.fill("#key", KEY);
    await page.click("#use-key");
    await page.waitForSelector("#chat-section:not([hidden])");
    return { complaints: seen.complaints };
  },
  async no_clipboard() {
    const prepare = () => Object.defineProperty(navigator, "clipboard", { value: undefined });
    const { page } = await signedIn(HERE, KEY, { prepare });
    await page.click("#copy-settings");
    await page.waitForFunction(() => document.getElementById("settings-copied").textContent !== "");
    return { selected: await page.evaluate(() => getSelection().toString()), says: await page.textContent("#settings-copied") };
  },
};

await run(scenarios, 4);
server.close();
server.closeAllConnections();
