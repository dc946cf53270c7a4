function cell(kind, ...children) {
  return element("td", { role: "cell", class: kind }, ...children);
}

function timeNode(trace, place) {
  const text = place?.number ? `+ ${milliseconds(place.after_ms)}` : clock(trace.started_at);
  return element("time", { datetime: trace.started_at, title: trace.started_at }, text);
}

function taskNodes(trace, place) {
  if (place?.number) return [element("span", { class: "retry", title: trace.task_id }, retryName(trace, place.number)), ...handlingTags(trace)];
  return [
    element("span", { title: trace.task_id }, trace.task_id),
    retryTag(trace),
    place ? tag(`${place.calls} calls`, "Calls of one turn: the caller retried") : null,
    ...handlingTags(trace),
  ];
}

function rowOf(trace, place, open) {
  const act = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open(trace.trace_id);
  };
  return element(
    "tr",
    { role: "row", tabindex: "0", class: turnClass(place), "data-trace": trace.trace_id, on: { click: act, keydown: act } },
    cell("time", timeNode(trace, place)),
    cell("task", ...taskNodes(trace, place)),
    cell("model", element("span", { title: trace.model ?? "" }, trace.model ?? NOTHING)),
    cell("status", badge(trace.status)),
    cell("ttft number", milliseconds(trace.ttft_ms)),
    cell("duration number", milliseconds(trace.duration_ms)),
    cell("tokens number", tokens(trace.usage)),
    cell("cost number", callCost(trace)),
    cell("attempts number", trace.attempts.length ? String(trace.attempts.length) : NOTHING),
  );
}

function turnClass(place) {
  return place && `in-turn${place.number ? " again" : ""}${place.isLast ? " last" : ""}`;
}

// Traces by id, grouped in turns, newest first. Rows that are already on the page are kept, with their focus.
class Listing {
  constructor(place, open) {
    this.place = place;
    this.open = open;
    this.traces = new Map();
    this.turns = [];
    this.rows = new Map();
    this.cursor = null;
    this.selected = null;
  }

  get isEmpty() {
    return this.traces.size === 0;
  }

  replace(page) {
    this.traces = new Map(page.traces.map((trace) => [trace.trace_id, trace]));
    this.cursor = page.next_cursor;
    this.draw();
  }

  append(page) {
    for (const trace of page.traces) this.traces.set(trace.trace_id, trace);
    this.cursor = page.next_cursor;
    this.draw();
  }

  // Update the first page. Older pages stay, unless so many new calls came that there may be a gap between them.
  refresh(page) {
    const oldest = page.traces.at(-1);
    const newestKnown = [...this.traces.keys()].sort().at(-1);
    if (!oldest || page.next_cursor === null || newestKnown === undefined || newestKnown < oldest.trace_id) {
      this.replace(page);
      return;
    }
    for (const id of this.traces.keys()) if (id >= oldest.trace_id) this.traces.delete(id);
    for (const trace of page.traces) this.traces.set(trace.trace_id, trace);
    this.draw();
  }

  select(traceId) {
    this.selected = traceId;
    for (const [id, { row }] of this.rows) row.setAttribute("aria-selected", String(id === traceId));
  }

  // The listed calls of the same turn, first to last.
  turnOf(traceId) {
    return this.turns.find((calls) => calls.some((call) => call.trace_id === traceId)) ?? [];
  }

  draw() {
    this.turns = inTurns(this.traces.values());
    for (const [id, { row }] of this.rows) {
      if (this.traces.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    const rows = this.turns.flatMap((calls) => calls.map((trace, number) => this.currentRow(trace, placeInTurn(calls, number))));
    let before = this.place.firstElementChild;
    for (const row of rows) {
      if (row === before) before = before.nextElementSibling;
      else this.place.insertBefore(row, before);
    }
    this.select(this.selected);
  }

  currentRow(trace, place) {
    const id = trace.trace_id;
    const text = JSON.stringify([trace, place]);
    const drawn = this.rows.get(id);
    if (drawn?.text === text) return drawn.row;
    const row = rowOf(trace, place, this.open);
    if (drawn) {
      const hadFocus = document.activeElement === drawn.row;
      drawn.row.replaceWith(row);
      if (hadFocus) row.focus();
    }
    this.rows.set(id, { row, text });
    return row;
  }
}
