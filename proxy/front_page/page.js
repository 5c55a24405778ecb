// The front page: what a person needs to use this proxy, and a chat to try it.
import { AnswerError, messageOf, streamChat } from "./chat.js";
import { CLIENTS } from "./clients.js";
import { TEXTS } from "./texts.js";

const NOT_FOR_CHATS = /embed|whisper|tts|transcribe|image|dall-e|sora|realtime|audio/;
const MASKED = "••••••••";
const UNKNOWN_MODEL = "MODEL";
const STORED_KEY = "client-key";
const STORED_LANGUAGE = "language";
const SVG = "http://www.w3.org/2000/svg";

const auth = document.documentElement.dataset.clientAuth;
const asksForKey = auth !== "azure-key" && auth !== "resource-key";
const byId = (id) => document.getElementById(id);

const state = { key: "", account: null, models: [], turns: [], stopping: null, language: "en" };

const text = (name) => TEXTS[state.language][name];

function element(name, content, className) {
  const made = document.createElement(name);
  if (content !== undefined) made.textContent = content;
  if (className) made.className = className;
  return made;
}

// --- language

function chooseLanguage() {
  const wanted = sessionStorage.getItem(STORED_LANGUAGE) ?? navigator.languages?.[0] ?? navigator.language ?? "en";
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function showLanguage(language) {
  state.language = language;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = text("title");
  byId("language").value = language;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = text(one.dataset.text);
  byId("settings").setAttribute("aria-label", text("settings"));
  for (const one of document.querySelectorAll(".turn.user .who")) one.textContent = text("you");
  if (state.account) showAccount();
  showSettings();
}

// --- what a key may do

async function ask(path, key) {
  const answer = await fetch(path, { headers: { authorization: `Bearer ${key}` } });
  if (answer.status === 401) throw new AnswerError(text("refused"));
  if (!answer.ok) throw new AnswerError(`${text("failed")}: ${answer.status} ${await messageOf(answer)}`.trim());
  return answer.json();
}

function explain(error) {
  if (error instanceof AnswerError) return error.message;
  return error instanceof TypeError ? text("unreachable") : `${text("failed")}: ${error.message}`;
}

async function useKey(key) {
  byId("key-error").textContent = "";
  try {
    const [models, account] = await Promise.all([ask("/v1/models", key), ask("/usage", key)]);
    Object.assign(state, { key, account, models: models.data.map((one) => one.id) });
  } catch (error) {
    byId("key-error").textContent = explain(error);
    forgetKey();
    return;
  }
  if (byId("remember").checked) sessionStorage.setItem(STORED_KEY, key);
  showModels();
  showAccount();
  showSettings();
  byId("account-section").hidden = byId("chat-section").hidden = false;
}

function forgetKey() {
  Object.assign(state, { key: "", account: null, models: [] });
  sessionStorage.removeItem(STORED_KEY);
  byId("account-section").hidden = byId("chat-section").hidden = true;
  showModels();
  showSettings();
}

function showModels() {
  const chats = state.models.filter((name) => !NOT_FOR_CHATS.test(name));
  const names = [...chats, ...state.models.filter((name) => NOT_FOR_CHATS.test(name))];
  for (const select of document.querySelectorAll("select.model")) {
    const chosen = select.value;
    select.replaceChildren(...(names.length ? names : [UNKNOWN_MODEL]).map((name) => element("option", name)));
    if (names.includes(chosen)) select.value = chosen;
  }
}

function showAccount() {
  const { client, limits, budget, month, days } = state.account;
  byId("client-name").textContent = client;
  byId("models").replaceChildren(...state.models.map((name) => element("li", name)));
  if (!state.models.length) byId("models").append(element("li", text("noModels")));
  const shown = Object.entries(limits).filter(([, value]) => value !== null).map(([name, value]) => showLimit(name, value));
  if (budget) shown.push([text("budget"), `${budget.usd} USD`], [text("remaining"), `${budget.remaining_usd} USD`]);
  showList("limits", shown.length ? shown : [[text("noLimits"), text("none")]]);
  byId("usage").hidden = !month;
  if (month) showUsage(month, days);
}

function showLimit(name, value) {
  if (name === "models") return [text("allowed"), value.join(", ")];
  if (name === "expires") return [text(name), new Date(value * 1000).toLocaleString(document.documentElement.lang)];
  return [text(name), number(value)];
}

const number = (value) => Number(value).toLocaleString(document.documentElement.lang);

function showList(id, pairs) {
  byId(id).replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function showUsage(month, days) {
  const names = ["requests", "input_tokens", "input_cached_tokens", "output_tokens"];
  showList("usage-numbers", [
    ...names.map((name) => [text(name), number(month[name])]),
    [text("cost_usd"), month.cost_usd],
  ]);
  const tokens = days.map((day) => day.input_tokens + day.output_tokens);
  const most = Math.max(1, ...tokens);
  byId("usage-plot").replaceChildren(...tokens.map((count, at) => bar(at, (count / most) * 76, days[at].date, count)));
  byId("usage-plot").setAttribute("aria-label", `${text("tokensADay")}: ${tokens.map(number).join(", ")}`);
}

function bar(at, height, date, count) {
  const made = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x: at * 10 + 1, y: 80 - height, width: 8, height })) {
    made.setAttribute(name, value);
  }
  const title = document.createElementNS(SVG, "title");
  title.textContent = `${date}: ${number(count)}`;
  made.append(title);
  return made;
}

// --- settings for clients

function settingsOf(key) {
  const [, template] = CLIENTS[Number(byId("client").value)] ?? CLIENTS[0];
  const values = { PROXY: location.origin, KEY: key, MODEL: byId("settings-model").value || UNKNOWN_MODEL };
  // PROXY_KEY and OPENAI_API_KEY are names of variables.
  return template.replace(/(?<![A-Z_])(PROXY|KEY|MODEL)(?![A-Z_])/g, (name) => values[name]);
}

function showSettings() {
  byId("settings").textContent = settingsOf(state.key ? MASKED : "KEY");
}

async function copy(value) {
  try {
    await navigator.clipboard.writeText(value);
    byId("copied").textContent = text("copied");
  } catch {
    byId("copied").textContent = text("notCopied");
  }
}

// --- the chat

function addTurn(role, content) {
  const turn = element("div", undefined, `turn ${role}`);
  turn.append(element("span", role === "user" ? text("you") : byId("chat-model").value, "who"));
  const words = document.createTextNode(content);
  turn.append(words);
  byId("turns").append(turn);
  turn.scrollIntoView({ block: "nearest" });
  return words;
}

async function send(content) {
  const turns = state.turns;
  turns.push({ role: "user", content });
  addTurn("user", content);
  const words = addTurn("assistant", "");
  state.stopping = new AbortController();
  showBusy(true);
  byId("chat-error").textContent = "";
  try {
    const whole = await readAnswer(words);
    showEnd(turns, whole ? "" : text("brokeOff"));
  } catch (error) {
    showEnd(turns, error.name === "AbortError" ? text("stopped") : explain(error));
  }
  if (turns === state.turns) endTurn(words, content);
}

// A conversation that was left says nothing about the new one.
function showEnd(turns, message) {
  if (turns !== state.turns) return;
  showBusy(false);
  byId("chat-error").textContent = message;
}

async function readAnswer(words) {
  const pieces = streamChat({
    key: state.key,
    model: byId("chat-model").value,
    messages: state.turns,
    signal: state.stopping.signal,
  });
  for (;;) {
    const { value, done } = await pieces.next();
    if (done) return value;
    words.appendData(value);
    byId("turns").scrollTop = byId("turns").scrollHeight;
  }
}

// Keep what was answered for the next turn; a question without an answer goes back into the box.
function endTurn(words, question) {
  if (words.data) {
    state.turns.push({ role: "assistant", content: words.data });
  } else {
    state.turns.pop();
    words.parentNode.remove();
    byId("turns").lastElementChild?.remove();
    if (!byId("message").value) byId("message").value = question;
  }
  byId("message").focus();
}

function showBusy(busy) {
  byId("send").disabled = busy;
  byId("stop").disabled = !busy;
  if (!busy) state.stopping = null;
}

function submitMessage() {
  const content = byId("message").value.trim();
  if (!content || state.stopping) return;
  byId("message").value = "";
  send(content);
}

function newChat() {
  state.stopping?.abort();
  state.turns = [];
  showBusy(false);
  byId("turns").replaceChildren();
  byId("chat-error").textContent = "";
  byId("message").focus();
}

// --- the beginning

function listen() {
  byId("language").addEventListener("change", (event) => {
    sessionStorage.setItem(STORED_LANGUAGE, event.target.value);
    showLanguage(event.target.value);
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(byId("key").value.trim());
  });
  byId("remember").addEventListener("change", (event) => {
    if (!event.target.checked) sessionStorage.removeItem(STORED_KEY);
    else if (state.key) sessionStorage.setItem(STORED_KEY, state.key);
  });
  byId("copy-base-url").addEventListener("click", () => copy(byId("base-url").textContent));
  byId("copy-settings").addEventListener("click", () => copy(settingsOf(state.key || "KEY")));
  byId("client").addEventListener("change", showSettings);
  byId("settings-model").addEventListener("change", showSettings);
  byId("chat-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submitMessage();
  });
  byId("message").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submitMessage();
  });
  byId("stop").addEventListener("click", () => state.stopping?.abort());
  byId("new-chat").addEventListener("click", newChat);
}

function begin() {
  byId("base-url").textContent = `${location.origin}/v1`;
  byId("client").replaceChildren(...CLIENTS.map(([name], at) => new Option(name, at)));
  byId("key-section").hidden = !asksForKey;
  byId("no-key-section").hidden = asksForKey;
  const audience = document.documentElement.dataset.audience;
  byId("token-help").hidden = !audience;
  byId("token-command").textContent =
    `az account get-access-token --resource ${audience} --query accessToken --output tsv`;
  showModels();
  listen();
  showLanguage(chooseLanguage());
  const stored = asksForKey && sessionStorage.getItem(STORED_KEY);
  if (stored) {
    byId("key").value = stored;
    byId("remember").checked = true;
    useKey(stored);
  }
}

begin();
