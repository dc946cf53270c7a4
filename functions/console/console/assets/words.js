const STATUS_WORDS = {
  open: "The call is still running.",
  ok: "The caller received the complete answer.",
  client_closed: "The caller disconnected before the answer was complete. This is not an error.",
  empty: "The answer ended before its first word: it reached its token limit or a content filter. This is not an error.",
  superseded: "Another call of the same turn answered first, so this one was stopped. This is not an error.",
  interrupted: "A later turn of the conversation began, so this answer was stopped. This is not an error.",
  upstream_error: "No provider answered, or the one that did reported an error.",
  timeout: "The providers took too long.",
  truncated: "The answer was cut off after it had begun.",
  refused: "The gateway refused the call.",
  lost: "The gateway was stopped before the call ended.",
  unpriced: "The cost is unknown.",
};
// Statuses of calls whose caller no longer waited for the end; they are not errors.
const ABANDONED = ["client_closed", "superseded", "interrupted"];
// Statuses of calls whose end is not recorded, so facts known only at the end are missing.
const UNENDED = ["open", "lost"];
const STOPPED = ["outpaced", "redirected", "turn_answered", "barge_in", "client_closed"];

// Whether a request may have gone out to a provider.
function wasAsked({ status, attempts, gateway_ms }) {
  return status !== "refused" && (attempts.length > 0 || gateway_ms !== null);
}

// FirstTokenLate → first token late
function plainWords(name) {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();
}

function badge(status, words = status.replaceAll("_", " ")) {
  return element("span", { class: `badge ${status}`, title: STATUS_WORDS[status] }, words);
}

function outcomeBadge(outcome) {
  if (outcome === "ok") return badge("ok", "answered");
  return badge(STOPPED.includes(outcome) ? "stopped" : "failing", plainWords(outcome));
}

function tag(text, title, kind = "") {
  return element("span", { class: `tag ${kind}`.trim(), title }, text);
}

function retryTag({ turn }) {
  return turn?.retry ? tag(`retry ${turn.retry}`, "A retry of an earlier call of the same turn") : null;
}

function handlingTags({ buffered_ms, zero_retention }) {
  return [
    buffered_ms === null ? null : tag("buffer words", `Sent ${milliseconds(buffered_ms)} after the call arrived`, "handling"),
    zero_retention ? tag("zero retention", "Its content was not stored", "handling") : null,
  ];
}
