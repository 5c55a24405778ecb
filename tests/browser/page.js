// Uses the front page as a person does, in headless Chromium: prints a line of JSON for each scenario.
import { answered, DESK, judge, open, PHONE, run, say, signedIn as signIn, texts, withKey as giveKey } from "./opening.js";

const { URL: PROXY, DEAD_URL, AZURE_KEY_URL, KEY, POOR_KEY, SOFT_KEY, SCREENSHOTS } = process.env;
const withKey = (options, key = KEY) => giveKey(PROXY, key, options);
const signedIn = (options) => signIn(PROXY, KEY, options);
const turns = (page) => texts(page, ".turn");
const LANGUAGES = ["en-GB", "zh-CN"];

async function used(page) {
  const [requests, input, , output] = (await texts(page, "#usage-numbers dd")).map((one) => Number(one.replace(",", "")));
  const left = (await texts(page, "#limits dd"))[4];
  return { requests, tokens: input + output, left: Number(left.replace("USD", "")) };
}

const changed = (page, before) =>
  page.waitForFunction((was) => document.querySelector("#usage-numbers dd").textContent !== String(was), before.requests);

async function inEachLanguage(scenario) {
  const came = {};
  for (const locale of LANGUAGES) came[locale] = await scenario(locale);
  return came;
}

const scenarios = {
  async first_look() {
    const { page, seen } = await open(PROXY);
    const base = await page.textContent("#base-url");
    const shown = await page.isVisible("#chat-section");
    return { base, shown, hosts: [...new Set(seen.requests.map((url) => new URL(url).origin))], complaints: seen.complaints };
  },
  async account() {
    const { page, seen } = await signedIn();
    return {
      client: await page.textContent("#client-name"),
      models: await texts(page, "#models li"),
      limits: await texts(page, "#limits dt, #limits dd"),
      complaints: seen.complaints,
    };
  },
  async settings() {
    const { page, context } = await signedIn();
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const every = {};
    for (const { label, value } of await page.$$eval("#client option", (all) => all.map(({ label, value }) => ({ label, value })))) {
      await page.selectOption("#client", value);
      await page.click("#copy-settings");
      await page.waitForFunction(() => document.getElementById("settings-copied").textContent !== "");
      every[label] = {
        shown: await page.textContent("#settings"),
        copied: await page.evaluate(() => navigator.clipboard.readText()),
      };
    }
    return every;
  },
  async streamed_chat() {
    const { page, seen } = await signedIn();
    await page.evaluate(() => {
      globalThis.lengths = [];
      new MutationObserver(() => {
        const last = [...document.querySelectorAll(".turn.assistant")].at(-1);
        if (last) globalThis.lengths.push(last.textContent.length);
      }).observe(document.getElementById("turns"), { subtree: true, characterData: true, childList: true });
    });
    await say(page, "one two three four five six seven eight");
    await answered(page);
    const lengths = await page.evaluate(() => new Set(globalThis.lengths).size);
    await say(page, "and <b>bold</b> ![image](https://example.com/x.png)");
    await answered(page);
    return { turns: await turns(page), lengths, elements: await page.$$eval(".turn b, .turn img", (all) => all.length), complaints: seen.complaints };
  },
  async paid() {
    const { page } = await signedIn();
    const before = await used(page);
    await say(page, "Hello");
    await answered(page);
    await changed(page, before);
    return { before, after: await used(page), note: await page.textContent("#budget-note") };
  },
  poor: () =>
    inEachLanguage(async (locale) => {
      const { page } = await signIn(PROXY, POOR_KEY, { locale });
      await say(page, "Hello");
      await page.waitForFunction(() => document.getElementById("chat-error").textContent);
      const message = await page.textContent("#chat-error");
      return { message, box: await page.inputValue("#message"), turns: (await turns(page)).length };
    }),
  soft: () =>
    inEachLanguage(async (locale) => {
      const { page } = await signIn(PROXY, SOFT_KEY, { locale });
      await say(page, "Hello");
      await answered(page);
      await page.waitForFunction(() => document.getElementById("budget-note").textContent);
      return page.textContent("#budget-note");
    }),
  async little_left() {
    const { page, context } = await open(PROXY, { viewport: PHONE, colorScheme: "dark", bypassCSP: true });
    await page.route("**/usage", async (route) => {
      const answer = await route.fetch();
      const account = await answer.json();
      account.budget.remaining_usd = "0.012345";
      await route.fulfill({ response: answer, json: account });
    });
    await page.fill("#key", KEY);
    await page.click("#use-key");
    await page.waitForSelector("#chat-section:not([hidden])");
    const note = await page.textContent("#budget-note");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    const violations = await judge(page);
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/little-left.png`, fullPage: true });
    await context.close();
    return { note, wide, violations };
  },
  async stop() {
    const { page } = await signedIn();
    await say(page, "word ".repeat(400).trim());
    await page.waitForFunction(() => document.querySelector(".turn.assistant")?.textContent.includes("word"));
    await page.click("#stop");
    await answered(page);
    return { message: await page.textContent("#chat-error"), kept: (await turns(page)).length, focused: await page.evaluate(() => document.activeElement.id) };
  },
  async wrong_key() {
    const { page } = await withKey({}, "sk-wrong");
    await page.waitForFunction(() => document.getElementById("key-error").textContent);
    return { message: await page.textContent("#key-error"), shown: await page.isVisible("#chat-section") };
  },
  async dead_upstream() {
    const { page } = await open(DEAD_URL);
    await page.fill("#key", KEY);
    await page.click("#use-key");
    await page.waitForSelector("#chat-section:not([hidden])");
    await say(page, "Hello");
    await page.waitForFunction(() => document.getElementById("chat-error").textContent);
    return { message: await page.textContent("#chat-error"), box: await page.inputValue("#message") };
  },
  async key_in_the_tab() {
    const { page } = await signedIn();
    await page.reload();
    const forgotten = !(await page.inputValue("#key"));
    await page.check("#remember");
    await page.fill("#key", KEY);
    await page.click("#use-key");
    await page.waitForSelector("#chat-section:not([hidden])");
    await page.reload();
    await page.waitForSelector("#chat-section:not([hidden])");
    const local = await page.evaluate(() => JSON.stringify(localStorage) + document.cookie);
    return { forgotten, kept: (await page.inputValue("#key")) === KEY, local };
  },
  async chinese() {
    const { page } = await open(PROXY, { locale: "zh-CN" });
    const chinese = [await page.title(), await page.textContent("#use-key"), await page.getAttribute("html", "lang")];
    await page.selectOption("#language", "en");
    return { chinese, english: [await page.title(), await page.textContent("#use-key"), await page.getAttribute("html", "lang")] };
  },
  async azure_keys() {
    const { page } = await open(AZURE_KEY_URL);
    return { asks: await page.isVisible("#key"), says: await page.textContent("#no-key-section"), settings: await page.isVisible("#settings") };
  },
  async tokens() {
    const { page } = await open(DEAD_URL);
    const asks = (await page.isVisible("#key")) && (await page.isVisible("#token-help"));
    const command = await page.textContent("#token-command");
    const { page: other } = await open(PROXY);
    return { asks, command, elsewhere: await other.isVisible("#token-help") };
  },
  async looks() {
    const looks = {};
    for (const [size, viewport] of Object.entries({ phone: PHONE, desk: DESK })) {
      for (const colorScheme of ["light", "dark"]) {
        for (const locale of ["en-GB", "zh-CN"]) {
          const { page, context } = await signedIn({ viewport, colorScheme, locale, bypassCSP: true });
          await say(page, "Hello");
          await answered(page);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          const name = `${size}-${colorScheme}-${locale}`;
          looks[name] = { wide, violations: await judge(page) };
          if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
          await context.close();
        }
      }
    }
    return looks;
  },
};

await run(scenarios);
