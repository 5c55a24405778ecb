// What a newcomer does with the page whose address and key `make chat` printed.
import { chromium } from "playwright-core";

const { ADDRESS, KEY, CHROMIUM, FLAGS } = process.env;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(" ") });
const page = await browser.newPage();
await page.goto(ADDRESS);
await page.getByLabel("Key", { exact: true }).fill(KEY);
await page.getByRole("button", { name: "Use" }).click();
await page.getByLabel("Message").fill("Hello from a newcomer");
const lengths = page.evaluate(
  () =>
    new Promise((resolve) => {
      const seen = new Set();
      new MutationObserver(() => {
        seen.add(document.querySelector(".turn.assistant")?.textContent.length);
        if (!document.getElementById("send").disabled && seen.size > 1) resolve(seen.size);
      }).observe(document.body, { subtree: true, characterData: true, childList: true, attributes: true });
    }),
);
await page.getByRole("button", { name: "Send" }).click();
const came = { lengths: await lengths, answer: await page.locator(".turn.assistant").textContent() };
process.stdout.write(`${JSON.stringify({ name: "newcomer", came })}\n`);
await browser.close();
