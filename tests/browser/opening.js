// Opens the page in headless Chromium and runs scenarios with it: prints a line of JSON for each.
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { CHROMIUM, FLAGS } = process.env;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 800 };
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(" ") });

// Open a URL; `prepare` is run in the page before its own scripts.
export async function open(url, { prepare, ...options } = {}) {
  const context = await browser.newContext({ locale: "en-GB", viewport: DESK, ...options });
  if (prepare) await context.addInitScript(prepare);
  const page = await context.newPage();
  const seen = { requests: [], complaints: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("console", (message) => message.type() === "error" && seen.complaints.push(message.text()));
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  await page.goto(url);
  return { page, seen, context };
}

export async function withKey(url, key, options) {
  const opened = await open(url, options);
  await opened.page.fill("#key", key);
  await opened.page.click("#use-key");
  return opened;
}

export async function signedIn(url, key, options) {
  const opened = await withKey(url, key, options);
  await opened.page.waitForSelector("#chat-section:not([hidden])");
  return opened;
}

export async function say(page, message) {
  await page.fill("#message", message);
  await page.press("#message", "Enter");
}

export const answered = (page) => page.waitForFunction(() => !document.getElementById("send").disabled);
export const texts = (page, selector) => page.$$eval(selector, (all) => all.map((one) => one.textContent));

export async function judge(page) {
  await page.addScriptTag({ path: AXE });
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.target).join(", ")}`);
}

async function come(name, scenario) {
  let came;
  try {
    came = await scenario();
  } catch (error) {
    came = { failed: String(error) };
  }
  process.stdout.write(`${JSON.stringify({ name, came })}\n`);
}

// Run scenarios, as many at a time as `width`; those that use the clipboard share it.
export async function run(scenarios, width = 1) {
  const waiting = Object.entries(scenarios);
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await come(...next);
  };
  await Promise.all(Array.from({ length: width }, worker));
  await browser.close();
}
