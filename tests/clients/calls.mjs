// OpenAI's own npm package, pointed at the gateway: makes the call that is named and prints what it got as JSON.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env.GATEWAY_URL,
  apiKey: process.env.GATEWAY_KEY,
  maxRetries: 0,
});
const model = "demo/echo";
const hello = [{ role: "user", content: "Hello from Node" }];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

async function speak(fields) {
  const heard = { text: "", usage: null, finishReason: null, words: 0, toolCall: { id: "", name: "", arguments: "" } };
  for await (const chunk of await client.chat.completions.create({ model, stream: true, ...fields })) {
    heard.usage = chunk.usage ?? heard.usage;
    const [choice] = chunk.choices;
    if (!choice) continue;
    heard.finishReason = choice.finish_reason ?? heard.finishReason;
    heard.words += choice.delta.content ? 1 : 0;
    heard.text += choice.delta.content ?? "";
    for (const delta of choice.delta.tool_calls ?? []) {
      heard.toolCall.id += delta.id ?? "";
      heard.toolCall.name += delta.function?.name ?? "";
      heard.toolCall.arguments += delta.function?.arguments ?? "";
    }
  }
  return heard;
}

async function roundTrip() {
  const question = { role: "user", content: "Please call get_weather" };
  const { toolCall } = await speak({ messages: [question], tools });
  const call = {
    id: toolCall.id,
    type: "function",
    function: { name: toolCall.name, arguments: toolCall.arguments },
  };
  const result = { role: "tool", tool_call_id: toolCall.id, content: "21 degrees and sunny" };
  const messages = [question, { role: "assistant", tool_calls: [call] }, result];
  return { toolCall, spoken: (await speak({ messages, tools })).text };
}

async function refused() {
  try {
    await client.chat.completions.create({ model, messages: hello });
    return { error: null };
  } catch (error) {
    return { error: error.constructor.name, isAuthentication: error instanceof OpenAI.AuthenticationError, code: error.code };
  }
}

const calls = {
  stream: () => speak({ messages: hello }),
  usage: () => speak({ messages: hello, stream_options: { include_usage: true } }),
  whole: () => client.chat.completions.create({ model, messages: hello }),
  roundTrip,
  models: async () => (await client.models.list()).data.map(({ id }) => id),
  refused,
};

console.log(JSON.stringify(await calls[process.argv[2]]()));
