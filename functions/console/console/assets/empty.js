// A gateway with the demo provider answers without a provider key.
async function firstCallModel() {
  try {
    const models = (await askJson("/v1/models")).data.map((model) => model.id);
    return models.find((id) => id.startsWith("demo/")) ?? null;
  } catch {
    return null;
  }
}

function firstCall(demo) {
  const headers = [
    '-H "Authorization: Bearer $SWITCHBOARD_KEY"',
    '-H "content-type: application/json"',
    '-H "x-inference-task-id: first-call"',
    ...(demo ? [] : ['-H "x-inference-provider-api-key: $OPENAI_API_KEY"']),
  ];
  const body = JSON.stringify({
    model: demo ?? "gpt-4o-mini",
    stream: true,
    messages: [{ role: "user", content: "Say hello." }],
  });
  return [`curl -N ${location.origin}${BASE}/v1/chat/completions`, ...headers, `-d '${body}'`].join(" \\\n  ");
}

async function drawEmpty(place, isFiltered) {
  const kind = isFiltered ? "filtered" : "first";
  place.hidden = false;
  if (place.dataset.kind === kind) return;
  place.dataset.kind = kind;
  if (isFiltered) {
    place.replaceChildren(element("h2", {}, "No calls here"), element("p", {}, "None match the task and the time above."));
    return;
  }
  const command = element("pre", {}, firstCall(null));
  place.replaceChildren(
    element("h2", {}, "No calls yet"),
    element("p", {}, "Make the first call; it appears here when it begins."),
    command,
  );
  const demo = await firstCallModel();
  if (demo) command.textContent = firstCall(demo);
}
