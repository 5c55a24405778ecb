// Two clients with budgets: one that can pay, and one that cannot, which is not to try again.

import { clientWithKey, run } from "./calls.js";

const asked = { model: "gpt-4o", messages: [{ role: "user", content: "hello" }] };
const spent = clientWithKey(process.env.POOR).withOptions({ maxRetries: 3 });

await run({
  "a call that is paid": async () => {
    const { response } = await clientWithKey(process.env.RICH).chat.completions.create(asked).withResponse();
    return [response.headers.get("x-proxy-cost-usd"), response.headers.get("x-proxy-budget-remaining-usd")];
  },
  "a call that is not paid": () => spent.chat.completions.create(asked),
});
