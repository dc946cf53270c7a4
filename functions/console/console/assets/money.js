// Money is exact: decimal strings of USD, computed in whole pico-dollars.
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

// The decimal point is aligned in every row.
function moneyNode(usd) {
  const [whole, fraction] = dollarParts(usd);
  return element("span", { class: "money" }, whole, element("span", { class: "fraction" }, fraction));
}

function callCost(trace) {
  if (trace.settled_at === null) return element("span", { class: "nothing", title: "Not settled yet" }, "…");
  return trace.unpriced ? badge("unpriced") : moneyNode(trace.cost_usd);
}

// A sum without any known cost is unpriced, not 0.
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
  ["audio_input", "Audio input"],
  ["audio_cache_read", "Audio cache read"],
  ["audio_output", "Audio output"],
  ["image_input", "Image input"],
  ["image_cache_read", "Image cache read"],
  ["image_output", "Image output"],
];

function classCosts({ usage, price }) {
  const rows = CLASSES.map(([name, label]) => [usage[name], label, price.usd_per_million[name] ?? null, TOKENS_PER_RATE]);
  rows.push([usage.searches, "Web searches", price.usd_per_search, 1n]);
  return rows.filter(([used]) => used > 0).map(([used, label, rate, per]) =>
    ({ label, tokens: used, rate, amount: rate === null ? null : (BigInt(used) * pico(rate)) / per }));
}

const sumOf = (amounts) => amounts.reduce((sum, amount) => sum + (amount ?? 0n), 0n);
const beside = (trace) => trace.attempts.filter((attempt) => attempt.usage !== null);

const ENDED_WITHOUT_A_COUNT = ["ok", "lost"];

// Whether the answer certainly used no token: refused, stopped, or failed before the first one.
function usedNothing({ usage, ttft_ms, status }) {
  if (usage.source !== "absent") return promptTokens(usage) + completionTokens(usage) + usage.searches === 0;
  return ttft_ms === null && !ENDED_WITHOUT_A_COUNT.includes(status);
}

// The cost of the call's own tokens, without the other attempts; null if unknown.
function ownCost(trace) {
  if (trace.usage.billed_usd !== null) return pico(trace.usage.billed_usd);
  if (trace.price) return sumOf(classCosts(trace).map(({ amount }) => amount));
  return usedNothing(trace) ? 0n : null;
}

function billRow(label, tokens, rate, amount) {
  return element("tr", {},
    element("td", {}, label),
    element("td", { class: "number" }, tokens),
    element("td", { class: "number" }, rate),
    element("td", { class: "number" }, amount));
}

function ownRows(trace) {
  if (trace.price) {
    return classCosts(trace).map(({ label, tokens, rate, amount }) =>
      billRow(label, count(tokens), rate === null ? "" : `× ${dollars(rate)}`, amount === null ? badge("unpriced") : moneyNode(usdOf(amount))));
  }
  if (trace.usage.billed_usd === null) return [];
  return [billRow("As the provider billed it", tokens(trace.usage), "", moneyNode(trace.usage.billed_usd))];
}

function besideRows(trace) {
  return beside(trace).map((attempt) => {
    const label = element("span", {}, attempt.is_hedge ? "Hedge" : "Attempt", element("small", {}, attempt.model));
    return billRow(label, tokens(attempt.usage), "", attempt.cost_usd === null ? badge("unpriced") : moneyNode(attempt.cost_usd));
  });
}

function bill(trace) {
  const head = [["", "Class"], ["number", "Tokens"], ["number", "Per million"], ["number", "Cost"]];
  const isEstimated = [trace.usage, ...beside(trace).map(({ usage }) => usage)].some(({ source }) => source === "estimated");
  const total = element("tr", { class: "total" },
    element("td", { colspan: "3" }, isEstimated ? "Cost, of estimated tokens" : "Cost"),
    element("td", { class: "number" }, trace.unpriced ? badge("unpriced") : moneyNode(trace.cost_usd)));
  return element("div", { class: "scroll" }, element("table", { class: "bill" },
    element("thead", {}, element("tr", {}, ...head.map(([kind, name]) => element("th", { class: kind }, name)))),
    element("tbody", {}, ...ownRows(trace), ...besideRows(trace), total)));
}

function priceOrigin(prices) {
  // 1970: the start of this price is unknown.
  const origins = prices.map(({ source, valid_from }) => (valid_from.startsWith("1970") ? source : `${source}, since ${valid_from.slice(0, 10)}`));
  return element("small", {}, `Price: ${[...new Set(origins)].join("; ")}.`);
}

// The cost of the call's own tokens is unknown, else that of another attempt.
function unpricedReason(trace) {
  const isOwn = ownCost(trace) === null;
  if (isOwn && trace.usage.source === "absent") return "The number of tokens is unknown.";
  const { model, provider } = isOwn ? trace : beside(trace).find(({ cost_usd }) => cost_usd === null);
  const told = isOwn && trace.usage.service_tier ? ` in the service tier ${trace.usage.service_tier}` : "";
  return `The price of ${model} at ${provider}${told} is unknown.`;
}

const LABELS = { ...Object.fromEntries(CLASSES), searches: "Web searches" };

function partlyPricedReason({ unpriced_classes }) {
  return `No price is known of: ${unpriced_classes.map((name) => LABELS[name] ?? name).join(", ")}. The cost is that of the rest.`;
}

function costNodes(trace) {
  if (trace.settled_at === null) return [element("p", { class: "nothing" }, "Not settled yet.")];
  const hasRows = trace.price !== null || trace.usage.billed_usd !== null || beside(trace).length > 0;
  if (!hasRows && !trace.unpriced) return [element("p", { class: "nothing" }, `${dollars(trace.cost_usd)}: no tokens were used.`)];
  const prices = [trace.price, ...beside(trace).map(({ price }) => price)].filter(Boolean);
  return [
    hasRows ? bill(trace) : null,
    prices.length ? priceOrigin(prices) : null,
    trace.partly_priced ? element("p", { class: "unknown" }, badge("unpriced", "partly priced"), ` ${partlyPricedReason(trace)}`) : null,
    trace.unpriced ? element("p", { class: "unknown" }, hasRows ? null : badge("unpriced"), ` ${unpricedReason(trace)}`) : null,
  ].filter(Boolean);
}
