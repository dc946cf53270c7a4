const byId = (id) => document.getElementById(id);

// All data is inserted as text nodes: nothing is ever parsed as HTML.
function element(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    if (option === "class") made.className = value;
    else if (option === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else made.setAttribute(option, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element(
    "dl",
    {},
    ...shown.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

function show(place, message) {
  place.textContent = message ?? "";
  place.hidden = !message;
}
