const NOTHING = "–";
const numbers = new Intl.NumberFormat("en");

function milliseconds(value) {
  if (value === null || value === undefined) return NOTHING;
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1000).toFixed(2)} s`;
  return `${Math.floor(value / 60_000)} min ${Math.round((value % 60_000) / 1000)} s`;
}

function count(value) {
  return value === null || value === undefined ? NOTHING : numbers.format(value);
}

function promptTokens(usage) {
  const media = usage.audio_input + usage.audio_cache_read + usage.image_input + usage.image_cache_read;
  return usage.fresh_input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h + media;
}

function completionTokens(usage) {
  return usage.output + usage.audio_output + usage.image_output;
}

function tokens(usage) {
  if (usage.source === "absent") return NOTHING;
  const about = usage.source === "estimated" ? "≈ " : "";
  return `${about}${count(promptTokens(usage))} → ${count(completionTokens(usage))}`;
}

function clock(iso) {
  const moment = new Date(iso);
  const time = moment.toLocaleTimeString("en-GB");
  if (moment.toDateString() === new Date().toDateString()) return time;
  return `${moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time}`;
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function prettyArguments(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text ?? "";
  }
}
