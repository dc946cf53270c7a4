const LONG_CHARACTERS = 900;
const OPENING_CHARACTERS = 160;

function longText(text, className = "said") {
  const whole = element("div", { class: className }, text);
  if (text.length <= LONG_CHARACTERS) return whole;
  const opening = text.slice(0, OPENING_CHARACTERS).replace(/\s+/g, " ");
  const summary = element("summary", {}, `${opening}… `, element("span", { class: "size" }, `${count(text.length)} characters`));
  return element("details", { class: "long" }, summary, whole);
}

function partText(part) {
  return part?.type === "text" && typeof part.text === "string" ? part.text : pretty(part);
}

function contentNodes(content) {
  if (content === null || content === undefined || content === "") return [];
  const parts = Array.isArray(content) ? content.map(partText) : [pretty(content)];
  return parts.map((text) => longText(text));
}

function toolCall(call) {
  const called = call?.function ?? {};
  return element(
    "div",
    { class: "tool-call" },
    element("span", { class: "tool-name" }, called.name ?? "tool"),
    element("span", { class: "tool-id" }, call?.id ?? ""),
    longText(prettyArguments(called.arguments), "said code"),
  );
}

function messageNode(message) {
  if (message === null || typeof message !== "object") return longText(pretty(message), "said code");
  const role = typeof message.role === "string" ? message.role : "?";
  const known = ["system", "developer", "user", "assistant", "tool"].includes(role) ? role : "other";
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const reasoning = message.reasoning_content ?? message.reasoning;
  const children = [
    ...(reasoning ? [element("div", { class: "reasoning" }, ...contentNodes(reasoning))] : []),
    ...contentNodes(message.content),
    ...contentNodes(message.refusal),
    ...calls.map(toolCall),
  ];
  return element(
    "li",
    { class: `message ${known}` },
    element("div", { class: "role" }, role, message.tool_call_id ? element("span", { class: "tool-id" }, message.tool_call_id) : null),
    ...(children.length ? children : [element("div", { class: "said nothing" }, "empty")]),
  );
}

function folded(title, value) {
  const text = pretty(value);
  return element("details", { class: "long" }, element("summary", {}, title), element("div", { class: "said code" }, text));
}

function requestNodes(request) {
  if (request === null) return [element("p", { class: "nothing" }, "Not stored.")];
  if (!Array.isArray(request?.messages)) return [longText(pretty(request), "said code")];
  const { messages, tools, ...parameters } = request;
  const names = Array.isArray(tools) ? tools.map((tool) => tool?.function?.name ?? tool?.type ?? "?") : [];
  return [
    element("ol", { class: "conversation" }, ...messages.map(messageNode)),
    names.length ? folded(`${names.length} tools: ${names.join(", ")}`, tools) : null,
    folded("Parameters", parameters),
  ];
}

function responseNodes(response) {
  if (response === null) return [element("p", { class: "nothing" }, "Not stored.")];
  const choices = Array.isArray(response?.choices) ? response.choices : [];
  if (!choices.length) return [longText(pretty(response), "said code")];
  return [element("ol", { class: "conversation" }, ...choices.map((choice) => messageNode(choice?.message ?? choice)))];
}
