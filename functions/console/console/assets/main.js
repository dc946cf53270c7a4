const REFRESH_MS = 4000;

function drawPanels() {
  const isOpen = byId("board").hidden ? !detail.hidden : !taskPanel.hidden;
  document.body.classList.toggle("has-detail", isOpen);
}

// #<trace id>, #tasks or #tasks/<task>; anything else shows the calls.
function readPlace() {
  const hash = location.hash.slice(1);
  const [view, name] = hash.split("/");
  if (view !== "tasks") return { view: "calls", name: /^[0-9a-f-]{36}$/.test(hash) ? hash : null };
  try {
    return { view, name: name ? decodeURIComponent(name) : null };
  } catch {
    return { view, name: null };
  }
}

async function go() {
  const { view, name } = readPlace();
  const isIn = storedKey() !== null;
  byId("sign-in").hidden = isIn;
  byId("views").hidden = byId("session").hidden = !isIn;
  byId("calls").hidden = !isIn || view !== "calls";
  byId("board").hidden = !isIn || view !== "tasks";
  byId("to-calls").ariaCurrent = view === "calls" ? "page" : null;
  byId("to-tasks").ariaCurrent = view === "tasks" ? "page" : null;
  drawPanels();
  if (isIn) await (view === "tasks" ? showTasks(name) : showCalls(name));
  else byId("key").focus();
}

async function tick() {
  const isIdle = document.hidden || !byId("live").checked || storedKey() === null;
  if (!isIdle && !byId("calls").hidden && !callRequests.isWaiting) await refreshCalls();
  if (!isIdle && !byId("board").hidden && !taskRequests.isWaiting) await refreshTasks();
  setTimeout(tick, REFRESH_MS);
}

function signOut(message) {
  forgetKey();
  forgetTasks();
  forgetCalls();
  byId("project").textContent = "";
  byId("key").value = "";
  show(byId("key-problem"), message);
  go();
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key").value.trim();
  // Browsers refuse to send other characters in a header.
  if (!/^[!-~]+$/.test(key)) {
    show(byId("key-problem"), "This is not a gateway key: keys begin with sb- and have letters, digits, - and _.");
    return;
  }
  keepKey(key);
  show(byId("key-problem"), null);
  go();
});
byId("leave").addEventListener("click", () => signOut(null));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (!byId("board").hidden && !taskPanel.hidden) closeTask();
  else if (!byId("calls").hidden && !detail.hidden) closeTrace();
});
window.addEventListener("hashchange", go);
go();
setTimeout(tick, REFRESH_MS);
