// The parts of a call's time. The queue is before the arrival; all other times count from the arrival.
function timingParts(trace) {
  const gateway = (wasAsked(trace) ? trace.gateway_ms : trace.duration_ms) ?? 0;
  const parts = [
    ["queue", "Queue", trace.queue_ms],
    ["gateway", "Gateway", gateway],
  ];
  let past = gateway;
  if (trace.buffered_ms !== null) {
    parts.push(["waiting", "To buffer words", trace.buffered_ms - gateway]);
    past = trace.buffered_ms;
  }
  if (trace.ttft_ms !== null) {
    parts.push([trace.buffered_ms === null ? "waiting" : "buffered", "To first token", trace.ttft_ms - past]);
    past = trace.ttft_ms;
  }
  if (trace.duration_ms !== null) {
    const answer = trace.duration_ms - past;
    const hasAnswer = trace.ttft_ms !== null || trace.status === "ok";
    parts.push([hasAnswer ? "answer" : "waiting", trace.ttft_ms === null ? "Upstream" : "Answer", answer]);
  }
  return parts.filter(([, , length]) => length !== null && length > 0);
}

const UNKNOWN_DURATIONS = { open: "The call is still running.", lost: "The duration is unknown." };

// A call without an end has no bar, which would look like a complete one.
function timing(trace) {
  const parts = timingParts(trace);
  const legend = element("ul", { class: "legend" }, ...parts.map(([kind, name, length]) =>
    element("li", { class: kind }, name, element("b", {}, milliseconds(length)))));
  const missing = UNKNOWN_DURATIONS[trace.status] ?? (parts.length ? null : "Nothing was measured.");
  return element("div", {}, missing ? element("p", { class: "nothing" }, missing) : timeBar(parts), legend);
}

function timeBar(parts) {
  const label = parts.map(([, name, length]) => `${name} ${milliseconds(length)}`).join(", ");
  const bar = element("div", { class: "bar", role: "img", "aria-label": label });
  for (const [kind, , length] of parts) {
    const piece = element("span", { class: kind });
    piece.style.flexGrow = String(length);
    bar.append(piece);
  }
  return bar;
}
