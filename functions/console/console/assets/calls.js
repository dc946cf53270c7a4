const detail = byId("detail");
const listing = new Listing(byId("rows"), openTrace);
const callRequests = new Requests(byId("list-problem"));
let drawnDetail = "";

function readFilters() {
  const range = byId("range").value;
  const iso = (id) => (byId(id).value ? new Date(byId(id).value).toISOString() : "");
  const filters = { task_id: byId("task").value.trim(), from: "", to: "" };
  if (range === "between") return { ...filters, from: iso("from"), to: iso("to") };
  if (range) filters.from = new Date(Date.now() - Number(range) * 60_000).toISOString();
  return filters;
}

function askCalls(take, more = {}) {
  return callRequests.ask(() => askJson("/api/traces", { ...readFilters(), ...more }), async (page) => {
    take(page);
    await drawAround();
  });
}

const loadCalls = () => askCalls((page) => listing.replace(page));
const olderCalls = () => askCalls((page) => listing.append(page), { cursor: listing.cursor });

async function refreshCalls() {
  const wasUnderWay = detail.querySelector("[data-under-way]") !== null;
  await askCalls((page) => listing.refresh(page));
  if (wasUnderWay && listing.selected) await readTrace(listing.selected);
}

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

// If nothing changed, the panel is not redrawn: it may be scrolled, expanded or selected.
function drawDetail(trace) {
  const calls = listing.turnOf(trace.trace_id);
  const text = JSON.stringify([trace, calls.map((call) => [call.trace_id, call.status])]);
  if (text === drawnDetail) return;
  drawnDetail = text;
  detail.replaceChildren(...detailNodes(trace, calls, { close: closeTrace, open: openTrace }));
  detail.hidden = false;
  drawPanels();
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
  drawnDetail = "";
  drawPanels();
  history.replaceState(null, "", location.pathname);
  row?.focus({ preventScroll: true });
}

async function showCalls(traceId) {
  await loadCalls();
  if (traceId && storedKey()) await openTrace(traceId);
}

function forgetCalls() {
  callRequests.drop();
  closeTrace();
  listing.replace({ traces: [], next_cursor: null });
  byId("tasks").replaceChildren();
}

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("change", () => {
  byId("between").hidden = byId("range").value !== "between";
  loadCalls();
});
byId("task").addEventListener("search", loadCalls); // the field's clear button fires no change event
byId("older").addEventListener("click", olderCalls);
