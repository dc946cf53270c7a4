const STATUS_WORDS = {
  open: "It is under way.",
  ok: "The caller got the whole answer.",
  client_closed: "The caller left before the answer was complete. Nothing failed.",
  superseded: "Another call of the same turn spoke first, so this one stopped. Nothing failed.",
  interrupted: "A later turn of the conversation began, and nobody listened any more: the answer was stopped. Nothing failed.",
  upstream_error: "No provider answered, or the one that did reported an error.",
  timeout: "The providers took too long.",
  truncated: "The answer was cut off after it had begun.",
  refused: "The gateway refused the call.",
  lost: "The gateway was stopped before the call ended.",
  unpriced: "Its cost is not known.",
};
// Nobody waited for the end of these: they are no errors.
const ABANDONED = ["client_closed", "superseded", "interrupted"];
// Nobody has written their end: what is known only then is not known of these.
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
  return turn?.retry ? tag(`retry ${turn.retry}`, "The same turn was asked for before") : null;
}

function handlingTags({ buffered_ms, zero_retention }) {
  return [
    buffered_ms === null ? null : tag("buffer words", `Said ${milliseconds(buffered_ms)} after the call came`, "handling"),
    zero_retention ? tag("zero retention", "Nothing of its content was kept", "handling") : null,
  ];
}
