const taskPanel = byId("task-panel");
const taskRequests = new Requests(byId("board-problem"));
const costRequests = new Requests(byId("board-problem"));
const RANGES = [
  ["hour", "24 hours"],
  ["day", "30 days"],
  ["month", "12 months"],
];
const tasks = { shown: "", open: null, granularity: "day", costs: "" };

function unpricedBadge({ calls, unpriced_calls }) {
  if (!unpriced_calls || unpriced_calls === calls) return null;
  return element("span", { class: "badge unpriced" }, `${count(unpriced_calls)} unpriced`);
}

function taskRow(task) {
  const act = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    location.hash = `tasks/${encodeURIComponent(task.task_id)}`;
  };
  return element(
    "tr",
    { role: "row", tabindex: "0", "data-task": task.task_id, "aria-selected": String(task.task_id === tasks.open), on: { click: act, keydown: act } },
    cell("task", element("span", { title: task.task_id }, task.task_id), element("small", {}, unpricedBadge(task))),
    cell("cost number", sumNode(task)),
    cell("count number", count(task.calls)),
    cell(`errors number${task.errors ? " failed" : ""}`, count(task.errors)),
    cell("tokens number", `${count(task.prompt_tokens)} → ${count(task.completion_tokens)}`),
    cell("seen", element("time", { datetime: task.last_seen, title: task.last_seen }, clock(task.last_seen))),
  );
}

function rowOfTask(taskId) {
  return [...byId("task-rows").children].find((row) => row.dataset.task === taskId);
}

async function drawTasks(found) {
  const text = JSON.stringify(found);
  if (text !== tasks.shown) {
    const focused = document.activeElement?.dataset.task;
    tasks.shown = text;
    byId("task-rows").replaceChildren(...found.map(taskRow));
    if (focused !== undefined) rowOfTask(focused)?.focus();
  }
  byId("task-table").hidden = found.length === 0;
  byId("no-tasks").hidden = found.length > 0;
}

const loadTasks = () => taskRequests.ask(async () => (await askJson("/api/tasks")).tasks, drawTasks);

function askCosts() {
  const path = `/api/tasks/${encodeURIComponent(tasks.open)}/costs`;
  return costRequests.ask(() => askJson(path, { granularity: tasks.granularity }), drawCosts);
}

function rangeSwitch() {
  const buttons = RANGES.map(([granularity, label]) =>
    element("button", {
      type: "button", "aria-pressed": String(granularity === tasks.granularity),
      on: { click: () => chooseRange(granularity) },
    }, label));
  return element("div", { class: "ranges", role: "group", "aria-label": "Range" }, ...buttons);
}

async function chooseRange(granularity) {
  tasks.granularity = granularity;
  for (const [place, button] of [...taskPanel.querySelectorAll(".ranges button")].entries()) {
    button.setAttribute("aria-pressed", String(RANGES[place][0] === granularity));
  }
  await askCosts();
}

function callsOfTask(taskId) {
  byId("task").value = taskId;
  byId("range").value = "";
  byId("between").hidden = true;
  location.hash = "calls";
}

function openTask(taskId) {
  tasks.open = taskId;
  tasks.costs = "";
  for (const row of byId("task-rows").children) row.setAttribute("aria-selected", String(row.dataset.task === taskId));
  taskPanel.replaceChildren(
    element("div", { class: "detail-head" },
      element("div", { class: "detail-title" }, element("h2", {}, taskId)),
      element("button", { type: "button", class: "quiet close", "aria-label": "Close", on: { click: closeTask } }, "✕")),
    rangeSwitch(),
    element("div", { class: "costs", id: "costs" }, element("p", { class: "nothing" }, "Loading …")),
    element("div", { class: "raw" }, element("button", { type: "button", class: "quiet", on: { click: () => callsOfTask(taskId) } }, "Show its calls")),
  );
  taskPanel.hidden = false;
  drawPanels();
  return askCosts();
}

// If nothing changed, the panel is not redrawn: a period may be selected, or the table expanded.
function drawCosts(costs) {
  const text = JSON.stringify(costs);
  if (text === tasks.costs) return;
  tasks.costs = text;
  const wasExpanded = byId("costs").querySelector("details")?.open;
  const { total } = costs;
  const figures = facts([
    ["Calls", count(total.calls)],
    ["Errors", count(total.errors)],
    ["Unpriced", count(total.unpriced_calls)],
    ["Estimated", count(total.estimated_calls)],
    ["Prompt tokens", count(total.prompt_tokens)],
    ["of which cached", count(total.cache_read_tokens)],
    ["Completion tokens", count(total.completion_tokens)],
  ]);
  figures.className = "figures";
  const isUnknown = total.calls > 0 && total.unpriced_calls === total.calls;
  const table = element("details", { class: "long" }, element("summary", {}, "As a table"), periodTable(costs));
  table.open = wasExpanded ?? false;
  byId("costs").replaceChildren(
    element("p", { class: "sum" }, isUnknown ? badge("unpriced") : element("b", {}, dollars(total.cost_usd)), unpricedBadge(total)),
    section(`Cost by ${costs.granularity}, UTC`, chart(costs, `Cost by ${costs.granularity}`)),
    total.calls ? table : element("p", { class: "nothing" }, "No calls in this range."),
    figures,
  );
}

function closeTask() {
  const row = rowOfTask(tasks.open);
  forgetTask();
  history.replaceState(null, "", "#tasks");
  row?.focus({ preventScroll: true });
}

function forgetTask() {
  costRequests.drop();
  tasks.open = null;
  taskPanel.hidden = true;
  taskPanel.replaceChildren();
  for (const row of byId("task-rows").children) row.setAttribute("aria-selected", "false");
  drawPanels();
}

async function showTasks(taskId) {
  if (taskId === null) forgetTask();
  await Promise.all([loadTasks(), taskId === null ? null : openTask(taskId)]);
}

async function refreshTasks() {
  const before = tasks.shown;
  await loadTasks();
  if (tasks.open !== null && tasks.shown !== before) await askCosts();
}

function forgetTasks() {
  taskRequests.drop();
  forgetTask();
  tasks.shown = "";
  byId("task-rows").replaceChildren();
}
