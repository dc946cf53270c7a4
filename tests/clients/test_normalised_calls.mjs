// OpenAI's own npm package before every provider: reads jobs from stdin, prints what it made of the answers.
import OpenAI from "openai";

const text = await new Response(process.stdin).text();
const { baseURL, apiKey, jobs, tools, talk, act } = JSON.parse(text);

function ask(client, model, content) {
  const messages = [{ role: "system", content: "You are Mira." }, { role: "user", content }];
  return client.chat.completions.stream({ model, messages, tools, stream_options: { include_usage: true } });
}

async function heard({ model, headers }) {
  const client = new OpenAI({ baseURL, apiKey, defaultHeaders: headers, maxRetries: 0 });
  const spoken = await ask(client, model, talk).finalChatCompletion();
  const acted = await ask(client, model, act).finalChatCompletion();
  const [{ message, finish_reason }] = spoken.choices;
  return {
    text: message.content.trim(),
    role: message.role,
    finishReason: finish_reason,
    promptTokens: spoken.usage?.prompt_tokens ?? null,
    toolCalls: acted.choices[0].message.tool_calls.map(({ id, type, function: { name, arguments: text } }) => ({
      id,
      type,
      name,
      arguments: JSON.parse(text),
    })),
  };
}

const answers = {};
for (const job of jobs) answers[job.name] = await heard(job).catch((error) => ({ error: String(error) }));
console.log(JSON.stringify(answers));
