// Money is exact: decimal strings of USD, reckoned in whole pico-dollars.
const PICO_DIGITS = 12;
const TOKENS_PER_RATE = 1_000_000n;

function pico(usd) {
  const [whole, fraction = ""] = usd.split(".");
  return BigInt(whole + fraction.padEnd(PICO_DIGITS, "0"));
}

function usdOf(amount) {
  const digits = String(amount).padStart(PICO_DIGITS + 1, "0");
  const fraction = digits.slice(-PICO_DIGITS).replace(/0+$/, "");
  return digits.slice(0, -PICO_DIGITS) + (fraction && `.${fraction}`);
}

function dollarParts(usd) {
  const [whole, fraction] = usd.split(".");
  return [`$${numbers.format(BigInt(whole))}`, fraction ? `.${fraction}` : ""];
}

const dollars = (usd) => dollarParts(usd).join("");

// The point stands at the same place in every row.
function moneyNode(usd) {
  const [whole, fraction] = dollarParts(usd);
  return element("span", { class: "money" }, whole, element("span", { class: "fraction" }, fraction));
}

function callCost(trace) {
  if (trace.settled_at === null) return element("span", { class: "nothing", title: "Not settled yet" }, "…");
  return trace.unpriced ? badge("unpriced") : moneyNode(trace.cost_usd);
}

// A sum in which nothing is known is no 0.
function sumNode(counters) {
  const { calls, unpriced_calls, cost_usd } = counters;
  return calls > 0 && unpriced_calls === calls ? badge("unpriced") : moneyNode(cost_usd);
}

const CLASSES = [
  ["fresh_input", "Fresh input"],
  ["cache_read", "Cache read"],
  ["cache_write_5m", "Cache write, 5 min"],
  ["cache_write_1h", "Cache write, 1 h"],
  ["output", "Output"],
];

function billRows({ usage, price }) {
  return CLASSES.filter(([name]) => usage[name] > 0).map(([name, label]) => {
    const rate = price.usd_per_million[name];
    const amount = (BigInt(usage[name]) * pico(rate)) / TOKENS_PER_RATE;
    return element("tr", {},
      element("td", {}, label),
      element("td", { class: "number" }, count(usage[name])),
      element("td", { class: "number" }, "× ", dollars(rate)),
      element("td", { class: "number" }, moneyNode(usdOf(amount))));
  });
}

function bill(trace) {
  const head = [["", "Class"], ["number", "Tokens"], ["number", "Per million"], ["number", "Cost"]];
  const total = element("tr", { class: "total" },
    element("td", { colspan: "3" }, trace.usage.source === "estimated" ? "Cost, of estimated tokens" : "Cost"),
    element("td", { class: "number" }, moneyNode(trace.cost_usd)));
  return element("div", { class: "scroll" }, element("table", { class: "bill" },
    element("thead", {}, element("tr", {}, ...head.map(([kind, name]) => element("th", { class: kind }, name)))),
    element("tbody", {}, ...billRows(trace), total)));
}

function priceOrigin(price) {
  // 1970: the first day of this price is not known.
  const since = price.valid_from.startsWith("1970") ? "" : `, since ${price.valid_from.slice(0, 10)}`;
  return element("small", {}, `Price: ${price.source}${since}.`);
}

function costNodes(trace) {
  const say = (text) => [element("p", { class: "nothing" }, text)];
  if (trace.settled_at === null) return say("Not settled yet.");
  if (trace.price) return [bill(trace), priceOrigin(trace.price)];
  if (!trace.unpriced) return [element("p", {}, `${dollars(trace.cost_usd)}: it used no token.`)];
  const reason = trace.usage.source === "absent" ? "How many tokens it used is not known." : "No price is known for this model at this provider.";
  return [element("p", { class: "unknown" }, badge("unpriced"), ` ${reason}`)];
}
