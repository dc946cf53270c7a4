const MOST_TICKS = 5;

function niceStep(length) {
  const power = 10 ** Math.floor(Math.log10(length / MOST_TICKS));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => length / step <= MOST_TICKS);
}

function tickLabel(ms) {
  if (ms === 0) return "0";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${ms / 1000} s`;
}

function lastingTo({ duration_ms, attempts }) {
  return Math.max(1, duration_ms ?? 0, ...attempts.map((attempt) => attempt.started_ms + attempt.duration_ms));
}

// The attempt that ended the call: the one that succeeded, else the last that sent content, else the last.
function decisiveAttempt(attempts) {
  const candidates = attempts.filter(({ outcome }) => outcome !== "outpaced");
  const last = (wanted) => candidates.filter(wanted).at(-1);
  return last(({ outcome }) => outcome === "ok") ?? last(({ ttft_ms }) => ttft_ms !== null) ?? candidates.at(-1) ?? attempts.at(-1);
}

function piece(kind, from, to, length) {
  const made = element("span", { class: kind });
  made.style.left = `${(100 * from) / length}%`;
  made.style.width = `${(100 * Math.max(0, to - from)) / length}%`;
  return made;
}

function lane(attempt, length, ticks, bufferedMs) {
  const from = attempt.started_ms;
  const to = from + attempt.duration_ms;
  const firstAt = attempt.ttft_ms === null ? to : from + attempt.ttft_ms;
  const first = attempt.ttft_ms === null ? "no first token" : `first token at ${milliseconds(firstAt)}`;
  return element("div", { class: "lane", role: "img", "aria-label": `From ${milliseconds(from)} to ${milliseconds(to)}, ${first}` },
    ...ticks.map((tick) => piece("tick", tick, tick, length)),
    piece("silent", from, firstAt, length),
    attempt.ttft_ms === null ? null : piece("speaking", firstAt, to, length),
    bufferedMs === null ? null : piece("buffer", bufferedMs, bufferedMs, length));
}

function scale(length, ticks) {
  return element("div", { class: "scale", "aria-hidden": "true" }, ...ticks.map((tick) => {
    const label = element("span", {}, tickLabel(tick));
    const share = tick / length;
    label.style.left = `${100 * share}%`;
    label.style.translate = share < 0.05 ? "0" : share > 0.93 ? "-100%" : "-50%";
    return label;
  }));
}

function figure(name, value) {
  return element("li", {}, name, element("b", {}, value));
}

function attemptCost(trace, attempt) {
  const isOwn = attempt === decisiveAttempt(trace.attempts) && attempt.usage === null && trace.usage.source !== "absent";
  if (attempt.usage === null && !isOwn) return null;
  const own = isOwn && trace.settled_at !== null ? ownCost(trace) : null;
  const known = isOwn ? own !== null : attempt.cost_usd !== null;
  const amount = trace.settled_at === null ? "…" : known ? dollars(isOwn ? usdOf(own) : attempt.cost_usd) : badge("unpriced");
  return [figure("Tokens", tokens(attempt.usage ?? trace.usage)), figure("Cost", amount)];
}

function attemptNode(trace, attempt, length, ticks) {
  const isAnswer = attempt === decisiveAttempt(trace.attempts) && (attempt.outcome === "ok" || attempt.ttft_ms !== null);
  const look = isAnswer ? "attempt answer" : STOPPED.includes(attempt.outcome) ? "attempt" : "attempt failing";
  return element("li", { class: look },
    element("div", { class: "attempt-head" },
      element("b", {}, attempt.model),
      attempt.is_hedge ? tag("hedge", "Started in parallel with an attempt that had sent no content") : null,
      outcomeBadge(attempt.outcome)),
    lane(attempt, length, ticks, trace.buffered_ms),
    element("ul", { class: "attempt-figures" },
      element("li", { class: "where" }, `${attempt.provider} · ${attempt.host}`),
      attempt.status === null ? null : figure("HTTP", String(attempt.status)),
      figure("Began", milliseconds(attempt.started_ms)),
      attempt.ttft_ms === null ? null : figure("TTFT", milliseconds(attempt.ttft_ms)),
      figure("Took", milliseconds(attempt.duration_ms)),
      ...(attemptCost(trace, attempt) ?? [])),
    attempt.error ? element("small", { class: "failed" }, attempt.error) : null);
}

// All attempts on one time scale, from the call's arrival.
function waterfall(trace) {
  const length = lastingTo(trace);
  const step = niceStep(length);
  const ticks = Array.from({ length: Math.floor(length / step) + 1 }, (_, place) => place * step);
  return element("div", { class: "waterfall" },
    scale(length, ticks),
    element("ol", {}, ...trace.attempts.map((attempt) => attemptNode(trace, attempt, length, ticks))),
    trace.buffered_ms === null ? null
      : element("small", { class: "buffer-note" }, `Buffer words were sent at ${milliseconds(trace.buffered_ms)}.`));
}
