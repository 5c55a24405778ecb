// What a key may use, and what has been used with it.
import { byId, element } from "./dom.js";

const DATE = { dateStyle: "medium", timeStyle: "short" };
const SVG = "http://www.w3.org/2000/svg";

export function showAccount({ account, models, modelsError }, text, explain) {
  const { client, limits, budget, month, days } = account;
  byId("client-name").textContent = client;
  byId("models").replaceChildren(...models.map((name) => element("li", name)));
  if (modelsError) byId("models").append(element("li", explain(modelsError)));
  else if (!models.length) byId("models").append(element("li", text("noModels")));
  const shown = Object.entries(limits).filter(([, value]) => value !== null).map(([name, value]) => showLimit(name, value, text));
  if (budget) shown.push([text("budget"), `${budget.usd} USD`], [text("remaining"), `${budget.remaining_usd} USD`]);
  showList("limits", shown.length ? shown : [[text("noLimits"), text("none")]]);
  byId("usage").hidden = !month;
  if (month) showUsage(month, days, text);
}

function showLimit(name, value, text) {
  if (name === "models") return [text("allowed"), value.join(", ")];
  if (name === "expires") return [text(name), new Date(value * 1000).toLocaleString(locale(), DATE)];
  return [text(name), number(value)];
}

// The browser's own variant of the page's language: English dates of Britain and of America differ.
function locale() {
  const { lang } = document.documentElement;
  return navigator.languages.find((one) => one.slice(0, 2) === lang.slice(0, 2)) ?? lang;
}

export const number = (value) => Number(value).toLocaleString(locale());

function showList(id, pairs) {
  byId(id).replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function showUsage(month, days, text) {
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
