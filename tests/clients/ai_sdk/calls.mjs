// Vercel's AI SDK, pointed at the gateway: prints one JSON line for each scenario.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { createInterface } from "node:readline";
import { z } from "zod";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const model = "gpt-4.1";

function chat(scenario, { apiKey = process.env.GATEWAY_KEY, name = model } = {}) {
  const gateway = createOpenAICompatible({
    name: "switchboard",
    baseURL: process.env.GATEWAY_URL,
    apiKey,
    headers: { "x-inference-task-id": `${process.env.CLIENT}-${scenario}` },
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  return gateway(name);
}

function told(error) {
  const code = error.data?.error?.code ?? error.code ?? null;
  return { error: error.name, status: error.statusCode ?? null, code, message: error.message ?? String(error) };
}

async function stream(scenario, options) {
  const answer = { text: "", error: null };
  const result = streamText({ model: chat(scenario, options), prompt: scenario, maxRetries: 0, onError() {} });
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") answer.text += part.text;
    if (part.type === "error") Object.assign(answer, told(part.error));
  }
  return answer;
}

async function act(scenario, name) {
  const get_weather = tool({
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `21 degrees and sunny in ${city}`,
  });
  const result = streamText({
    model: chat(scenario, { name }),
    prompt: scenario,
    tools: { get_weather },
    stopWhen: isStepCount(2),
    maxRetries: 0,
  });
  const answer = { calls: [], text: "" };
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") answer.text += part.text;
    if (part.type === "tool-call") answer.calls.push({ name: part.toolName, arguments: part.input });
  }
  return answer;
}

async function structured() {
  const schema = z.object({ name: z.string(), guests: z.number().int() });
  const { output } = await generateText({
    model: chat("structured"),
    prompt: "structured",
    output: Output.object({ schema }),
    maxRetries: 0,
  });
  return { value: output };
}

// Leaves before the first word, when a line on standard input says that the provider has the request.
async function cancelEarly() {
  const leaving = new AbortController();
  const prompt = "cancel_early";
  const result = streamText({ model: chat(prompt), prompt, abortSignal: leaving.signal, maxRetries: 0 });
  const reading = textOf(result);
  await lines.next();
  const left_at = Date.now() / 1000;
  leaving.abort();
  return { text: await reading, left_at };
}

async function textOf(result) {
  let text = "";
  for await (const part of result.fullStream) if (part.type === "text-delta") text += part.text;
  return text;
}

async function cancel() {
  const leaving = new AbortController();
  const answer = { text: "", left_at: null };
  const result = streamText({ model: chat("cancel"), prompt: "cancel", abortSignal: leaving.signal, maxRetries: 0 });
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") answer.text += part.text;
    if (answer.text.includes("two") && !leaving.signal.aborted) {
      answer.left_at = Date.now() / 1000;
      leaving.abort();
    }
  }
  return answer;
}

const scenarios = {
  text: () => stream("text"),
  tools: () => act("tools", model),
  claude: () => act("claude", "claude-sonnet-4-6"),
  structured,
  wrong_key: () => stream("wrong_key", { apiKey: "sb-wrong" }),
  down: () => stream("down", { name: "groq/llama-3.3-70b-versatile" }),
  cut: () => stream("cut"),
  cancel_early: cancelEarly,
  cancel,
};

for (const [scenario, play] of Object.entries(scenarios)) {
  const answer = await play().catch((error) => ({ failed: error.stack ?? String(error) }));
  console.log(JSON.stringify({ scenario, ...answer }));
}
for await (const _ of lines); // the process stays until the test has seen the provider's connection close
