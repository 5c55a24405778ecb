// What a key may use, and what has been used with it.
import { byId, element } from "./dom.js";

const DATE = { dateStyle: "medium", timeStyle: "short" };
// The part of a budget below which it counts as used up: of a hard one less than a call may cost is always left.
const LITTLE = { hard: 0.01, soft: Number.EPSILON };
const SVG = "http://www.w3.org/2000/svg";

export function showAccount(state, text, explain) {
  const { account, models, modelsError } = state;
  byId("client-name").textContent = account.client;
  byId("models").replaceChildren(...models.map((name) => element("li", name)));
  if (modelsError) byId("models").append(element("li", explain(modelsError)));
  else if (!models.length) byId("models").append(element("li", text("noModels")));
  showUsed(account, text);
}

export function showUsed({ limits, budget, month, days }, text) {
  const shown = Object.entries(limits).filter(([, value]) => value !== null).map(([name, value]) => showLimit(name, value, text));
  if (budget) shown.push(...budgetRows(budget, text));
  showList("limits", shown.length ? shown : [[text("noLimits"), text("none")]]);
  const note = budget && budget.remaining_usd < budget.usd * LITTLE[budget.kind] ? text(`spent_${budget.kind}`) : "";
  // What stays as it was is not read aloud again.
  if (byId("budget-note").textContent !== note) byId("budget-note").textContent = note;
  byId("usage").hidden = !month;
  if (month) showMonth(month, days, text);
}

function showLimit(name, value, text) {
  if (name === "models") return [text("allowed"), value.join(", ")];
  if (name === "expires") return [text(name), new Date(value * 1000).toLocaleString(locale(), DATE)];
  return [text(name), number(value)];
}

function budgetRows({ usd, remaining_usd, kind, resets }, text) {
  return [
    [text("budget"), `${dollars(usd)} (${text(kind)})`],
    [text("remaining"), dollars(remaining_usd)],
    [text("resets"), new Date(resets * 1000).toLocaleString(locale(), DATE)],
  ];
}

// The browser's own variant of the page's language: English dates of Britain and of America differ.
function locale() {
  const { lang } = document.documentElement;
  return navigator.languages.find((one) => one.slice(0, 2) === lang.slice(0, 2)) ?? lang;
}

export const number = (value) => Number(value).toLocaleString(locale());
// A call may cost less than a cent.
const MONEY = { style: "currency", currency: "USD", currencyDisplay: "code", maximumFractionDigits: 6 };
const dollars = (value) => Number(value).toLocaleString(locale(), MONEY);

function showList(id, pairs) {
  byId(id).replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function showMonth(month, days, text) {
  const names = ["requests", "input_tokens", "input_cached_tokens", "output_tokens"];
  showList("usage-numbers", [
    ...names.map((name) => [text(name), number(month[name])]),
    [text("cost"), dollars(month.cost_usd)],
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
