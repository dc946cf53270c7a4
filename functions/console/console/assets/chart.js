const SVG = byId("drawing").content.firstElementChild.namespaceURI;
const PLOT_HEIGHT = 100;
const LEAST_HEIGHT = 2; // so that a small cost is visible
const NO_CALLS = { calls: 0, errors: 0, cost_usd: "0", unpriced_calls: 0, prompt_tokens: 0, completion_tokens: 0 };

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function nextStart(start, granularity) {
  const next = new Date(start);
  if (granularity === "hour") next.setUTCHours(next.getUTCHours() + 1);
  else if (granularity === "day") next.setUTCDate(next.getUTCDate() + 1);
  else next.setUTCMonth(next.getUTCMonth() + 1, 1);
  return next;
}

// Every period of the range, including those without calls, which the API leaves out.
function everyPeriod(costs) {
  const found = new Map(costs.periods.map((period) => [period.start, period]));
  const periods = [];
  const end = new Date(costs.to);
  for (let at = new Date(costs.from); at < end; at = nextStart(at, costs.granularity)) {
    const start = at.toISOString();
    periods.push({ ...(found.get(start) ?? NO_CALLS), start, label: periodLabel(at, costs.granularity) });
  }
  return periods;
}

function periodLabel(start, granularity) {
  const parts = {
    hour: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    day: { day: "numeric", month: "short" },
    month: { month: "short", year: "numeric" },
  };
  return start.toLocaleString("en-GB", { ...parts[granularity], timeZone: "UTC" });
}

function periodText({ label, calls, cost_usd, unpriced_calls }) {
  const unpriced = unpriced_calls ? `, ${count(unpriced_calls)} unpriced` : "";
  const cost = calls > 0 && unpriced_calls === calls ? "cost unknown" : dollars(cost_usd);
  return `${label}: ${cost}, ${calls === 1 ? "1 call" : `${count(calls)} calls`}${unpriced}`;
}

function barsOf(periods, most) {
  return periods.flatMap((period, place) => {
    // A float is exact enough for pixels; displayed amounts are exact.
    const share = most > 0 ? (Number(period.cost_usd) / most) * PLOT_HEIGHT : 0;
    const height = share > 0 ? Math.max(share, LEAST_HEIGHT) : 0;
    const bar = { x: place + 0.12, width: 0.76 };
    return [
      drawn("rect", { ...bar, y: PLOT_HEIGHT - height, height, class: "priced" }),
      ...(period.unpriced_calls ? [drawn("rect", { ...bar, y: PLOT_HEIGHT - LEAST_HEIGHT, height: LEAST_HEIGHT, class: "unknown" })] : []),
    ];
  });
}

// A bar chart of costs. Pointer and arrow keys select a period, whose values are shown above and read by screen readers.
function chart(costs, name) {
  const periods = everyPeriod(costs);
  const top = periods.reduce((best, period) => (pico(period.cost_usd) > pico(best) ? period.cost_usd : best), "0");
  const readout = element("p", { class: "readout" });
  const marker = drawn("rect", { class: "marker", x: 0, y: 0, width: 1, height: PLOT_HEIGHT });
  const plot = drawn("svg", {
    class: "plot", viewBox: `0 0 ${periods.length} ${PLOT_HEIGHT}`, preserveAspectRatio: "none",
    tabindex: "0", role: "slider", "aria-label": name, "aria-valuemin": 1, "aria-valuemax": periods.length,
  });
  plot.append(marker, ...barsOf(periods, Number(top)));
  let chosen = periods.length - 1;

  function choose(place) {
    chosen = Math.min(Math.max(place, 0), periods.length - 1);
    marker.setAttribute("x", chosen);
    plot.setAttribute("aria-valuenow", chosen + 1);
    plot.setAttribute("aria-valuetext", periodText(periods[chosen]));
    readout.textContent = periodText(periods[chosen]);
  }
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    choose(Math.floor(((event.clientX - box.left) / box.width) * periods.length));
  });
  plot.addEventListener("keydown", (event) => {
    const places = { ArrowLeft: chosen - 1, ArrowDown: chosen - 1, ArrowRight: chosen + 1, ArrowUp: chosen + 1, Home: 0, End: periods.length - 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    choose(places[event.key]);
  });
  choose(chosen);
  const axis = element("div", { class: "axis" }, element("span", {}, periods[0].label), element("span", {}, periods.at(-1).label));
  return element("div", { class: "chart" }, readout, element("span", { class: "top-value" }, dollars(top)), plot, axis);
}

function periodTable(costs) {
  const columns = ["Begins (UTC)", "Cost", "Calls", "Errors", "Tokens"];
  const head = columns.map((name, place) => element("th", { class: place ? "number" : null }, name));
  const rows = everyPeriod(costs).filter((period) => period.calls).reverse().map((period) =>
    element("tr", {},
      element("td", {}, period.label),
      element("td", { class: "number" }, sumNode(period)),
      element("td", { class: "number" }, count(period.calls)),
      element("td", { class: "number" }, count(period.errors)),
      element("td", { class: "number" }, `${count(period.prompt_tokens)} → ${count(period.completion_tokens)}`)));
  return element("div", { class: "scroll" }, element("table", { class: "bill" },
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)));
}
