// Calls in display order: newest turn first, and within a turn from its first call to its last retry.
function inTurns(traces) {
  const byId = (one, other) => (one.trace_id < other.trace_id ? -1 : 1); // ids sort by time
  const turns = [];
  const latest = new Map();
  for (const trace of [...traces].sort(byId)) {
    const calls = trace.turn && latest.get(trace.turn.turn_id);
    if (calls && !beginsTurn(trace, calls)) {
      calls.push(trace);
      continue;
    }
    turns.push([trace]);
    if (trace.turn) latest.set(trace.turn.turn_id, turns.at(-1));
  }
  return turns.reverse();
}

// Whether the call begins a new turn rather than retrying those calls: the same history has the same id.
function beginsTurn(call, calls) {
  if (call.turn.retry) return false;
  // The retry number of a call may be unknown until it ends.
  return !UNENDED.includes(call.status) || calls.some((other) => answeredBefore(other, call));
}

function answeredBefore({ started_at, status, ttft_ms, duration_ms }, call) {
  const firstContent = ttft_ms ?? (status === "ok" ? duration_ms : null);
  return firstContent !== null && Date.parse(started_at) + firstContent < Date.parse(call.started_at);
}

// A row's place in its turn; null for the only call of a turn.
function placeInTurn(calls, number) {
  if (calls.length === 1) return null;
  return { calls: calls.length, number, isLast: number === calls.length - 1, after_ms: new Date(calls[number].started_at) - new Date(calls[0].started_at) };
}

function retryName({ turn }, number) {
  if (turn.retry) return `Retry ${turn.retry}`;
  return number ? "Retry" : "First call";
}

// The listed calls of a turn, as buttons that open them; includes this call.
function turnNode(trace, calls, open) {
  const items = calls.map((call, number) => {
    const isThis = call.trace_id === trace.trace_id;
    const button = element("button", { type: "button", class: "turn-call", "aria-current": isThis ? "true" : null, on: { click: () => open(call.trace_id) } },
      element("span", {}, retryName(call, number)), badge(call.status));
    return element("li", {}, button);
  });
  return element("ol", { class: "turn-calls" }, ...items);
}
