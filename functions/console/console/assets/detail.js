function missingUsageText(trace) {
  if (!wasAsked(trace)) return "No provider was called.";
  if (trace.status === "open") return "Not reported yet.";
  return trace.status === "lost" ? "Unknown: the call's end was not recorded." : "The provider reported no usage.";
}

function usageNode(trace) {
  const { usage } = trace;
  if (usage.source === "absent") return element("p", { class: "nothing" }, missingUsageText(trace));
  const written = usage.cache_write_5m + usage.cache_write_1h;
  const audio = usage.audio_input + usage.audio_cache_read + usage.audio_output;
  const images = usage.image_input + usage.image_cache_read + usage.image_output;
  const list = facts([
    ["Fresh input", count(usage.fresh_input)],
    ["Cache read", count(usage.cache_read)],
    ["Cache write", written ? `${count(usage.cache_write_5m)} (5 min), ${count(usage.cache_write_1h)} (1 h)` : "0"],
    ["Output", count(usage.output)],
    ["of which reasoning", usage.reasoning ? count(usage.reasoning) : null],
    ["Audio", audio ? `${count(usage.audio_input)} in, ${count(usage.audio_cache_read)} cached, ${count(usage.audio_output)} out` : null],
    ["Images", images ? `${count(usage.image_input)} in, ${count(usage.image_cache_read)} cached, ${count(usage.image_output)} out` : null],
    ["Web searches", usage.searches ? count(usage.searches) : null],
    ["Service tier", usage.service_tier],
    ["Region", usage.region],
    ["Speed", usage.speed],
    ["Answered by", usage.answer_model],
    ["Source", usage.source === "estimated" ? "estimated by length" : usage.source],
  ]);
  list.className = "figures";
  return list;
}

function endingNode({ status, error }) {
  if (ABANDONED.includes(status)) {
    return element("div", { class: "ending" }, element("b", {}, error?.code ?? status), element("p", {}, STATUS_WORDS[status]));
  }
  if (!error) return null;
  return element("div", { class: "ending error" },
    element("b", {}, `${error.code} · ${error.http_status}`), element("p", {}, error.message));
}

function rawButton(trace, which, label) {
  const button = element("button", { type: "button", class: "quiet" }, label);
  button.addEventListener("click", async () => {
    try {
      await saveRaw(trace.trace_id, which);
    } catch (problem) {
      button.replaceWith(element("span", { class: "nothing" }, problem.message));
    }
  });
  return button;
}

function detailHead(trace, close) {
  return element("div", { class: "detail-head" },
    element("div", { class: "detail-title", "data-under-way": trace.settled_at === null ? "" : null }, badge(trace.status), element("h2", {}, trace.task_id), retryTag(trace), ...handlingTags(trace)),
    element("button", { type: "button", class: "quiet close", "aria-label": "Close", on: { click: close } }, "✕"),
    element("code", { class: "trace-id" }, trace.trace_id));
}

function detailFacts(trace) {
  return facts([
    ["Began", new Date(trace.started_at).toLocaleString("en-GB")],
    ["Model", trace.model],
    ["Provider", trace.provider],
    ["Environment", trace.environment],
    ["Delivery", trace.model === null ? null : trace.streamed ? "streamed" : "in one piece"],
    ["Finish reason", trace.finish_reason],
    ["Key", element("code", {}, trace.key_id)],
  ]);
}

const NOT_STORED = {
  open: "Not stored until the call has ended.",
  lost: "Not stored: the call's end was not recorded.",
  refused: "Not stored: the call was refused.",
};

function notStoredReason(trace) {
  if (trace.zero_retention) return "Not stored: the call was made under zero retention.";
  return trace.request === null && trace.response === null ? NOT_STORED[trace.status] : null;
}

function bodyNodes(trace) {
  if (trace.bodies === "loading") return [element("p", { class: "nothing" }, "Loading …")];
  if (trace.bodies) return [element("p", { class: "problem" }, trace.bodies)];
  const notStored = notStoredReason(trace);
  if (notStored) return [section("Content", element("p", { class: "nothing" }, notStored))];
  return [
    section("Request", ...requestNodes(trace.request).filter(Boolean)),
    section("Response", ...responseNodes(trace.response)),
    section("As sent, byte for byte", element("div", { class: "raw" },
      rawButton(trace, "request", "Save request"), rawButton(trace, "response", "Save response"),
      element("code", {}, `${BASE}/api/traces/${trace.trace_id}/response`))),
  ];
}

// A list's entry has no bodies: `bodies` is "loading" or an error message. `calls`: those of its turn.
function detailNodes(trace, calls, { close, open }) {
  const metadata = Object.entries(trace.metadata);
  return [
    detailHead(trace, close),
    endingNode(trace),
    calls.length > 1 ? section("Turn", turnNode(trace, calls, open)) : null,
    section("Time", timing(trace)),
    trace.attempts.length ? section("Attempts", waterfall(trace)) : null,
    detailFacts(trace),
    metadata.length ? section("Metadata", facts(metadata)) : null,
    section("Tokens", usageNode(trace)),
    section("Cost", ...costNodes(trace)),
    trace.notes.length ? section("Notes", element("ul", { class: "notes" }, ...trace.notes.map((note) => element("li", {}, note)))) : null,
    ...bodyNodes(trace),
  ].filter(Boolean);
}
