// Where a call's time went. Queue lies before the arrival, from which everything else is counted.
function timingParts(trace) {
  const gateway = trace.gateway_ms ?? 0;
  const parts = [
    ["queue", "Queue", trace.queue_ms],
    ["gateway", "Gateway", trace.gateway_ms],
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
    parts.push(["answer", trace.ttft_ms === null ? "Upstream" : "Answer", answer]);
  }
  return parts.filter(([, , length]) => length !== null && length > 0);
}

function timing(trace) {
  const parts = timingParts(trace);
  if (!parts.length) return element("p", { class: "nothing" }, "Nothing measured yet.");
  const bar = element("div", { class: "bar", role: "img", "aria-label": parts.map(([, name, ms]) => `${name} ${milliseconds(ms)}`).join(", ") });
  const legend = element("ul", { class: "legend" });
  for (const [kind, name, length] of parts) {
    const piece = element("span", { class: kind });
    piece.style.flexGrow = String(length);
    bar.append(piece);
    legend.append(element("li", { class: kind }, name, element("b", {}, milliseconds(length))));
  }
  return element("div", {}, bar, legend);
}
