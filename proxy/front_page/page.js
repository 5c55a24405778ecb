// The front page: what a person needs to use this proxy, and a chat to try it.
import { number, showAccount, showUsed } from "./account.js";
import { AnswerError, errorOf, streamChat } from "./chat.js";
import { CLIENTS } from "./clients.js";
import { byId, element, tab, writeInFrames } from "./dom.js";
import { TEXTS } from "./texts.js";

const NOT_FOR_CHATS = /embed|whisper|tts|transcribe|image|dall-e|sora|realtime|audio/;
const MASKED = "••••••••";
const UNKNOWN_MODEL = "MODEL";
const STORED_KEY = "client-key";
const STORED_LANGUAGE = "language";
// Milliseconds behind an answer at which it is counted for sure: of one that was stopped the proxy hears a little later.
const COUNTED = 2000;
// The key that a browser reports while an input method composes; Safari does so for the Enter that ends it.
const COMPOSING = 229;

const auth = document.documentElement.dataset.clientAuth;
const asksForKey = auth !== "azure-key" && auth !== "resource-key";

const state = { key: "", account: null, models: [], modelsError: null, turns: [], stopping: null, language: "en" };

const text = (name) => TEXTS[state.language][name];

// --- language

function chooseLanguage() {
  const wanted = tab.read(STORED_LANGUAGE) ?? navigator.languages?.[0] ?? navigator.language ?? "en";
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
  for (const one of document.querySelectorAll("option.other")) one.textContent = text("otherModel");
  if (state.account) showAccount(state, text, explain);
  showSettings();
}

// --- what a key may do

async function ask(path, key) {
  const answer = await fetch(path, { headers: { authorization: `Bearer ${key}` } });
  if (!answer.ok) throw await errorOf(answer);
  return answer.json();
}

function explain(error) {
  if (error instanceof AnswerError) return explainAnswer(error);
  return error instanceof TypeError ? text("unreachable") : `${text("failed")}: ${error.message}`;
}

function explainAnswer({ status, code, message, retryAfter }) {
  if (status === 401) return text("refused");
  const known = text(`error_${code}`);
  if (known) return `${known} ${message}`;
  const said = status ? `${text("failed")}: ${status} ${message}`.trim() : message || text("brokeOff");
  return retryAfter ? `${said} ${text("retryAfter").replace("SECONDS", number(retryAfter))}` : said;
}

async function useKey(key) {
  byId("key-error").textContent = "";
  byId("key-status").textContent = text("checking");
  byId("use-key").disabled = true;
  try {
    const [models, account] = await Promise.all([askForModels(key), ask("/usage", key)]);
    Object.assign(state, { key, account }, models);
  } catch (error) {
    byId("key-error").textContent = explain(error);
    byId("key-status").textContent = "";
    forgetKey();
    if (error.status === 401) tab.write(STORED_KEY, null);
    return;
  } finally {
    byId("use-key").disabled = false;
  }
  if (byId("remember").checked) tab.write(STORED_KEY, key);
  byId("key-status").textContent = text("accepted");
  showModels();
  showAccount(state, text, explain);
  showSettings();
  byId("account-section").hidden = byId("chat-section").hidden = false;
}

// A list that cannot be had is no reason to refuse the key: a model can be named by hand.
async function askForModels(key) {
  try {
    const { data } = await ask("/v1/models", key);
    return { models: data.map((one) => one.id), modelsError: null };
  } catch (error) {
    return { models: [], modelsError: error };
  }
}

// What was used and what is left change with each answer; what cannot be read again stays as it was.
async function askAgain() {
  const { key } = state;
  if (!key) return;
  try {
    const account = await ask("/usage", key);
    if (key !== state.key) return;
    state.account = account;
    showUsed(account, text);
  } catch {
    // The next answer asks again.
  }
}

function forgetKey() {
  Object.assign(state, { key: "", account: null, models: [], modelsError: null });
  byId("account-section").hidden = byId("chat-section").hidden = true;
  showModels();
  showSettings();
}

function showModels() {
  const chats = state.models.filter((name) => !NOT_FOR_CHATS.test(name));
  const names = [...chats, ...state.models.filter((name) => NOT_FOR_CHATS.test(name))];
  for (const select of document.querySelectorAll("select.model")) {
    const chosen = select.value;
    const other = element("option", text("otherModel"), "other");
    other.value = "";
    select.replaceChildren(...names.map((name) => element("option", name)), other);
    if (names.includes(chosen)) select.value = chosen;
    showOther(select);
  }
}

// Deployments can be used that no list names.
const otherOf = (select) => byId(`${select.id}-other`);
const modelOf = (select) => select.value || otherOf(select).value.trim();

function showOther(select) {
  otherOf(select).parentElement.hidden = select.value !== "";
}

// --- settings for clients

function settingsOf(key) {
  const [, template] = CLIENTS[Number(byId("client").value)] ?? CLIENTS[0];
  const values = { PROXY: location.origin, KEY: key, MODEL: modelOf(byId("settings-model")) || UNKNOWN_MODEL };
  // PROXY_KEY and OPENAI_API_KEY are names of variables.
  return template.replace(/(?<![A-Z_])(PROXY|KEY|MODEL)(?![A-Z_])/g, (name) => values[name]);
}

function showSettings() {
  byId("settings").textContent = settingsOf(state.key ? MASKED : "KEY");
  byId("settings-copied").textContent = "";
}

// Where the browser does not allow it, as on plain HTTP, what is to be copied is shown and selected.
async function copy(value, id) {
  const status = byId(`${id}-copied`);
  status.textContent = "";
  try {
    await navigator.clipboard.writeText(value);
    status.textContent = text("copied");
  } catch {
    byId(id).textContent = value;
    getSelection().selectAllChildren(byId(id));
    status.textContent = text("notCopied");
  }
}

// --- the chat

function addTurn(role, content) {
  const turn = element("div", undefined, `turn ${role}`);
  turn.append(element("span", role === "user" ? text("you") : modelOf(byId("chat-model")), "who"));
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
  const waiting = showWaiting(turns);
  try {
    const reason = await readAnswer(words, waiting);
    showEnd(turns, explainEnd(reason, words.data));
  } catch (error) {
    showEnd(turns, explainFailure(error, words.data));
  }
  waiting.end();
  if (turns === state.turns) endTurn(words, content);
  askAgain();
  setTimeout(askAgain, COUNTED);
}

// What is to be said of an answer that has ended for a `reason`, which is null when the end is missing.
function explainEnd(reason, answer) {
  if (reason === null) return text("brokeOff");
  return text(`ended_${reason}`) ?? (answer ? "" : text("empty"));
}

function explainFailure(error, answer) {
  if (error.name === "AbortError") return text("stopped");
  return answer && error instanceof TypeError ? text("brokeOff") : explain(error);
}

// A conversation that was left says nothing about the new one.
function showEnd(turns, message) {
  if (turns !== state.turns) return;
  showBusy(false);
  byId("chat-error").textContent = message;
}

// Count the seconds until an answer begins; models that reason are silent for minutes.
function showWaiting(turns) {
  const begun = Date.now();
  const show = (words) => {
    if (turns === state.turns) byId("chat-status").textContent = words;
  };
  const count = () => show(text("waiting").replace("SECONDS", number(Math.round((Date.now() - begun) / 1000))));
  const timer = setInterval(count, 1000);
  count();
  return {
    end() {
      clearInterval(timer);
      show("");
    },
  };
}

async function readAnswer(words, waiting) {
  const pieces = streamChat({
    key: state.key,
    model: modelOf(byId("chat-model")),
    messages: state.turns,
    signal: state.stopping.signal,
  });
  const writer = writeInFrames(words);
  try {
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) return value;
      waiting.end();
      writer.write(value);
    }
  } finally {
    writer.flush();
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
  // What is read aloud is the whole answer, not each of its pieces.
  byId("turns").setAttribute("aria-busy", busy);
  if (!busy) state.stopping = null;
}

function submitMessage() {
  const content = byId("message").value.trim();
  if (!content || state.stopping) return;
  if (!modelOf(byId("chat-model"))) {
    otherOf(byId("chat-model")).reportValidity();
    return;
  }
  byId("message").value = "";
  send(content);
}

function newChat() {
  state.stopping?.abort();
  state.turns = [];
  showBusy(false);
  byId("turns").replaceChildren();
  byId("chat-status").textContent = "";
  byId("chat-error").textContent = "";
  byId("message").focus();
}

// --- the beginning

function listen() {
  byId("language").addEventListener("change", (event) => {
    tab.write(STORED_LANGUAGE, event.target.value);
    showLanguage(event.target.value);
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(byId("key").value.trim());
  });
  byId("remember").addEventListener("change", (event) => {
    if (!event.target.checked) tab.write(STORED_KEY, null);
    else if (state.key) tab.write(STORED_KEY, state.key);
  });
  byId("copy-base-url").addEventListener("click", () => copy(byId("base-url").textContent, "base-url"));
  byId("copy-settings").addEventListener("click", () => copy(settingsOf(state.key || "KEY"), "settings"));
  byId("client").addEventListener("change", showSettings);
  for (const select of document.querySelectorAll("select.model")) {
    select.addEventListener("change", () => showOther(select));
  }
  byId("settings-model").addEventListener("change", showSettings);
  byId("settings-model-other").addEventListener("input", showSettings);
  byId("chat-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submitMessage();
  });
  byId("message").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
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
  const stored = asksForKey && tab.read(STORED_KEY);
  if (stored) {
    byId("key").value = stored;
    byId("remember").checked = true;
    useKey(stored);
  }
}

begin();
