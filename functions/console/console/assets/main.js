const REFRESH_MS = 4000;
const detail = byId("detail");
const listing = new Listing(byId("rows"), openTrace);
let asked = 0; // which question is the latest: an older one's answer comes too late
let isAsking = false;

function readFilters() {
  const range = byId("range").value;
  const iso = (id) => (byId(id).value ? new Date(byId(id).value).toISOString() : "");
  const filters = { task_id: byId("task").value.trim(), from: "", to: "" };
  if (range === "between") return { ...filters, from: iso("from"), to: iso("to") };
  if (range) filters.from = new Date(Date.now() - Number(range) * 60_000).toISOString();
  return filters;
}

async function ifCurrent(question, take) {
  const number = ++asked;
  isAsking = true;
  try {
    const answer = await question();
    if (number !== asked) return;
    show(byId("list-problem"), null);
    take(answer);
    await drawAround();
  } catch (problem) {
    if (number !== asked) return;
    if (problem.isAboutKey) signOut(problem.message);
    else show(byId("list-problem"), problem.message);
  } finally {
    if (number === asked) isAsking = false;
  }
}

const load = () => ifCurrent(() => askJson("/api/traces", readFilters()), (page) => listing.replace(page));
const refresh = () => ifCurrent(() => askJson("/api/traces", readFilters()), (page) => listing.refresh(page));
const older = () =>
  ifCurrent(() => askJson("/api/traces", { ...readFilters(), cursor: listing.cursor }), (page) => listing.append(page));

async function drawAround() {
  const traces = [...listing.traces.values()];
  byId("traces").hidden = listing.isEmpty;
  byId("older").hidden = listing.cursor === null;
  byId("project").textContent = traces[0]?.project ?? byId("project").textContent;
  const known = new Set([...byId("tasks").children].map((option) => option.value));
  for (const { task_id } of traces) {
    if (!known.has(task_id)) byId("tasks").append(element("option", { value: task_id }));
    known.add(task_id);
  }
  if (listing.isEmpty) await drawEmpty(byId("empty"), Object.values(readFilters()).some(Boolean));
  else byId("empty").hidden = true;
}

function drawDetail(trace) {
  detail.replaceChildren(...detailNodes(trace, closeTrace));
  detail.hidden = false;
  document.body.classList.add("has-detail");
}

async function openTrace(traceId) {
  listing.select(traceId);
  history.replaceState(null, "", `#${traceId}`);
  const entry = listing.traces.get(traceId);
  if (entry) drawDetail({ ...entry, bodies: "loading" });
  detail.scrollTop = 0;
  await readTrace(traceId);
}

async function readTrace(traceId) {
  try {
    const trace = await askJson(`/api/traces/${encodeURIComponent(traceId)}`);
    if (listing.selected === traceId) drawDetail(trace);
  } catch (problem) {
    const entry = listing.traces.get(traceId);
    if (listing.selected !== traceId) return;
    if (problem.isAboutKey) signOut(problem.message);
    else if (entry) drawDetail({ ...entry, bodies: problem.message });
    else closeTrace();
  }
}

function closeTrace() {
  const row = listing.rows.get(listing.selected)?.row;
  listing.select(null);
  detail.hidden = true;
  detail.replaceChildren();
  document.body.classList.remove("has-detail");
  history.replaceState(null, "", location.pathname);
  row?.focus({ preventScroll: true });
}

async function tick() {
  const isIdle = document.hidden || !byId("live").checked || byId("calls").hidden || isAsking;
  if (!isIdle) {
    const wasOpen = detail.querySelector(".badge.open") !== null;
    await refresh();
    if (wasOpen && listing.selected) await readTrace(listing.selected);
  }
  setTimeout(tick, REFRESH_MS);
}

function signOut(message) {
  forgetKey();
  asked += 1;
  closeTrace();
  listing.replace({ traces: [], next_cursor: null });
  byId("tasks").replaceChildren();
  byId("project").textContent = "";
  show(byId("key-problem"), message);
  enter();
}

async function enter() {
  const isIn = storedKey() !== null;
  byId("sign-in").hidden = isIn;
  byId("calls").hidden = byId("session").hidden = !isIn;
  if (!isIn) {
    byId("key").value = "";
    byId("key").focus();
    return;
  }
  const linked = location.hash.slice(1);
  await load();
  if (/^[0-9a-f-]{36}$/.test(linked) && storedKey()) await openTrace(linked);
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key").value.trim();
  // A header carries nothing else; the browser would refuse to send it.
  if (!/^[!-~]+$/.test(key)) {
    show(byId("key-problem"), "That is no gateway key: they begin with sb- and have letters, digits, - and _.");
    return;
  }
  keepKey(key);
  show(byId("key-problem"), null);
  enter();
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("change", () => {
  byId("between").hidden = byId("range").value !== "between";
  load();
});
byId("task").addEventListener("search", load); // the field's own cross empties it without a change
byId("older").addEventListener("click", older);
byId("leave").addEventListener("click", () => signOut(null));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !detail.hidden) closeTrace();
});
enter();
setTimeout(tick, REFRESH_MS);
