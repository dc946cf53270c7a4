// Calls in the order of the page: newest turn first, and within a turn from its first call to its last retry.
function inTurns(traces) {
  const turns = new Map();
  for (const trace of traces) {
    const name = trace.turn ? `turn ${trace.turn.turn_id}` : trace.trace_id;
    turns.set(name, [...(turns.get(name) ?? []), trace]);
  }
  const byId = (one, other) => (one.trace_id < other.trace_id ? -1 : 1); // ids sort by time
  return [...turns.values()].map((calls) => calls.sort(byId)).sort((one, other) => byId(other[0], one[0]));
}

// What a row says of its turn; null for a call that is alone in it.
function placeInTurn(calls, number) {
  if (calls.length === 1) return null;
  return { calls: calls.length, number, isLast: number === calls.length - 1, after_ms: new Date(calls[number].started_at) - new Date(calls[0].started_at) };
}

function retryName({ turn }) {
  return turn.retry ? `Retry ${turn.retry}` : "First call";
}

// The calls of a turn that the list has, each to be opened; this one among them.
function turnNode(trace, calls, open) {
  const items = calls.map((call) => {
    const isThis = call.trace_id === trace.trace_id;
    const button = element("button", { type: "button", class: "turn-call", "aria-current": isThis ? "true" : null, on: { click: () => open(call.trace_id) } },
      element("span", {}, retryName(call)), badge(call.status));
    return element("li", {}, button);
  });
  return element("ol", { class: "turn-calls" }, ...items);
}
