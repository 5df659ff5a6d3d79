// Drives the official Node SDKs through the gate to the stand-in service. One JSON line a check; exit 1 on a failure.
// Environment as in clients.py. Node's fetch ignores HTTPS_PROXY, so the proxy and the root are set in code.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { ProxyAgent, fetch as undiciFetch, setGlobalDispatcher } from "undici";

const { TSUITATE_PROXY: PROXY, TSUITATE_CA: CA, TSUITATE_STANDIN: STANDIN, TSUITATE_ONLY: ONLY } = process.env;
const MASKED = !process.env.TSUITATE_UNMASKED;
const CASES = JSON.parse(readFileSync(fileURLToPath(new URL("cases.json", import.meta.url)), "utf8"));
const dispatcher = new ProxyAgent({ uri: PROXY, requestTls: { ca: readFileSync(CA) } });
setGlobalDispatcher(dispatcher);

let sent = 0;
let failed = 0;
// The SDKs' requests are counted; undici's own fetch takes the dispatcher of the same undici.
const counted = (input, init) => {
  sent += 1;
  return undiciFetch(input, { ...init, dispatcher });
};
globalThis.fetch = counted;

const direct = async (method, path) => {
  const { Agent } = await import("undici");
  const answer = await undiciFetch(STANDIN + path, { method, dispatcher: new Agent() });
  return answer.json();
};
const check = (name, ok, detail = "") => {
  if (!ok) failed += 1;
  console.log(JSON.stringify({ name: `node.${name}`, ok: Boolean(ok), detail: ok ? "" : String(detail).slice(0, 600) }));
};
const said = (prompt) => `復唱: ${prompt}`;

async function nothingLeaked(name, count) {
  const received = await direct("GET", "/__received");
  check(`${name}.received`, received.length === count, `${received.length} requests, wanted ${count}`);
  if (MASKED) {
    const bodies = received.map((one) => JSON.stringify(JSON.parse(one.body)));
    const leaks = [...CASES.secrets, CASES.refused_secret].filter((secret) => bodies.some((body) => body.includes(secret)));
    check(`${name}.no_secret_upstream`, leaks.length === 0, leaks);
  }
  return received;
}

function turnsAreStable(name, received, messages) {
  const histories = received.map((one) => JSON.parse(one.body)[messages]);
  const stable = histories.every(
    (history, turn) => turn === 0 || JSON.stringify(history.slice(0, histories[turn - 1].length)) === JSON.stringify(histories[turn - 1]),
  );
  check(`${name}.history_is_stable`, stable, "a later turn changed an earlier one");
}

async function run(name, client) {
  for (const stream of [false, true]) {
    const label = `${name}.${stream ? "stream" : "plain"}`;
    try {
      await direct("POST", "/__reset");
      const history = [];
      for (const [turn, prompt] of CASES.prompts.entries()) {
        const text = await client.chat(history, prompt, stream);
        check(`${label}.turn${turn + 1}`, text.startsWith(said(prompt)), `got ${text}`);
      }
      turnsAreStable(label, await nothingLeaked(`${label}.turns`, CASES.prompts.length), client.messages);

      await direct("POST", "/__reset");
      const prompt = CASES.tool_prompt;
      const [content, final] = await client.tool(CASES.listed_tool, prompt, stream);
      check(`${label}.listed_tool`, content === said(prompt), `got ${content}`);
      check(`${label}.tool_result`, final.includes(CASES.tool_result), `got ${final}`);
      await nothingLeaked(`${label}.tool`, 2);

      if (MASKED) {
        await direct("POST", "/__reset");
        const [other] = await client.tool(CASES.other_tool, prompt, stream);
        check(`${label}.other_tool_keeps_tokens`, !CASES.secrets.some((secret) => other.includes(secret)), `got ${other}`);
      }

      await direct("POST", "/__reset");
      const before = sent;
      let error;
      try {
        await client.refused(stream);
      } catch (caught) {
        error = caught;
      }
      check(`${label}.refused`, error?.message.includes("衝立") && error.message.includes("Record"), `shown: ${error?.message}`);
      check(`${label}.refused_status`, error?.status === 400, error?.status);
      check(`${label}.refused_keeps_secret`, !error?.message.includes(CASES.refused_secret));
      check(`${label}.refused_once`, sent - before === 1, `${sent - before} requests`);
      await nothingLeaked(`${label}.refused`, 0);

      if (MASKED && stream) {
        await direct("POST", "/__reset");
        const earlier = sent;
        let broken;
        try {
          await client.cut(stream);
        } catch (caught) {
          broken = caught;
        }
        check(`${label}.cut_is_an_error`, broken?.message.includes("衝立"), `shown: ${broken?.message ?? "nothing"}`);
        check(`${label}.cut_is_sent_once`, sent - earlier === 1, `${sent - earlier} requests`);
      }
    } catch (error) {
      check(`${label}.ran`, false, error.stack);
    }
  }
}

const PARAMETERS = {
  type: "object",
  properties: { file_path: { type: "string" }, content: { type: "string" } },
  required: ["file_path", "content"],
};
const openai = new OpenAI({ apiKey: "sk-test", fetch: counted });
const anthropic = new Anthropic({ apiKey: "sk-ant-test", fetch: counted });
const google = new GoogleGenAI({ apiKey: "test", vertexai: false });

const turn = (create) => async (history, prompt, stream) => {
  history.push({ role: "user", content: prompt });
  const [text] = await create(history, stream);
  history.push({ role: "assistant", content: text });
  return text;
};

async function chatCreate(messages, stream, options = {}) {
  const answer = await openai.chat.completions.create({ model: "gpt-test", messages, stream, ...options });
  if (!stream) return [answer.choices[0].message.content ?? "", answer.choices[0].message.tool_calls ?? []];
  let text = "";
  const calls = [];
  for await (const chunk of answer) {
    for (const choice of chunk.choices) {
      text += choice.delta.content ?? "";
      for (const part of choice.delta.tool_calls ?? []) {
        const call = (calls[part.index] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
        call.id += part.id ?? "";
        call.function.name += part.function?.name ?? "";
        call.function.arguments += part.function?.arguments ?? "";
      }
    }
  }
  return [text, calls];
}

const chat = {
  messages: "messages",
  chat: turn(chatCreate),
  async tool(name, prompt, stream) {
    const tools = [{ type: "function", function: { name, description: "d", parameters: PARAMETERS } }];
    const messages = [{ role: "user", content: prompt }];
    const [, [call]] = await chatCreate(messages, stream, { tools });
    messages.push({ role: "assistant", content: null, tool_calls: [call] });
    messages.push({ role: "tool", tool_call_id: call.id, content: CASES.tool_result });
    const [final] = await chatCreate(messages, stream, { tools });
    return [JSON.parse(call.function.arguments).content, final];
  },
  refused: (stream) => chatCreate([{ role: "user", content: CASES.refused }], stream),
  cut: (stream) => chatCreate([{ role: "user", content: CASES.cut }], stream),
};

async function responsesCreate(input, stream, options = {}) {
  const body = { model: "gpt-test", input, store: false, ...options };
  let answer;
  if (stream) {
    const events = openai.responses.stream(body);
    let text = "";
    for await (const event of events) if (event.type === "response.output_text.delta") text += event.delta;
    answer = await events.finalResponse();
    check("responses.stream.whole_equals_deltas", text === answer.output_text, `${text} ${answer.output_text}`);
  } else {
    answer = await openai.responses.create(body);
  }
  return [answer.output_text, answer.output.filter((item) => item.type === "function_call")];
}

const responses = {
  messages: "input",
  chat: turn(responsesCreate),
  async tool(name, prompt, stream) {
    const tools = [{ type: "function", name, description: "d", parameters: PARAMETERS, strict: false }];
    const input = [{ role: "user", content: prompt }];
    const [, [call]] = await responsesCreate(input, stream, { tools });
    input.push({ type: "function_call", call_id: call.call_id, name: call.name, arguments: call.arguments });
    input.push({ type: "function_call_output", call_id: call.call_id, output: CASES.tool_result });
    const [final] = await responsesCreate(input, stream, { tools });
    return [JSON.parse(call.arguments).content, final];
  },
  refused: (stream) => responsesCreate([{ role: "user", content: CASES.refused }], stream),
  cut: (stream) => responsesCreate([{ role: "user", content: CASES.cut }], stream),
};

async function messagesCreate(messages, stream, options = {}) {
  const body = { model: "claude-test", max_tokens: 100, messages, ...options };
  const answer = stream ? await anthropic.messages.stream(body).finalMessage() : await anthropic.messages.create(body);
  const text = answer.content.filter((block) => block.type === "text").map((block) => block.text).join("");
  return [text, answer.content.filter((block) => block.type === "tool_use")];
}

const claude = {
  messages: "messages",
  chat: turn(messagesCreate),
  async tool(name, prompt, stream) {
    const tools = [{ name, description: "d", input_schema: PARAMETERS }];
    const messages = [{ role: "user", content: prompt }];
    const [, [call]] = await messagesCreate(messages, stream, { tools });
    messages.push({ role: "assistant", content: [{ type: "tool_use", id: call.id, name: call.name, input: call.input }] });
    messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: CASES.tool_result }] });
    const [final] = await messagesCreate(messages, stream, { tools });
    return [call.input.content, final];
  },
  refused: (stream) => messagesCreate([{ role: "user", content: CASES.refused }], stream),
  cut: (stream) => messagesCreate([{ role: "user", content: CASES.cut }], stream),
};

async function geminiCreate(contents, stream, config = {}) {
  const body = { model: "gemini-test", contents, config };
  const answers = [];
  if (stream) for await (const piece of await google.models.generateContentStream(body)) answers.push(piece);
  else answers.push(await google.models.generateContent(body));
  const parts = answers.flatMap((answer) => answer.candidates ?? []).flatMap((candidate) => candidate.content?.parts ?? []);
  return [parts.map((part) => part.text ?? "").join(""), parts.filter((part) => part.functionCall).map((part) => part.functionCall)];
}

const gemini = {
  messages: "contents",
  async chat(history, prompt, stream) {
    history.push({ role: "user", parts: [{ text: prompt }] });
    const [text] = await geminiCreate(history, stream);
    history.push({ role: "model", parts: [{ text }] });
    return text;
  },
  async tool(name, prompt, stream) {
    const tools = [{ functionDeclarations: [{ name, description: "d", parametersJsonSchema: PARAMETERS }] }];
    const contents = [{ role: "user", parts: [{ text: prompt }] }];
    const [, [call]] = await geminiCreate(contents, stream, { tools });
    contents.push({ role: "model", parts: [{ functionCall: { name: call.name, args: call.args } }] });
    contents.push({ role: "user", parts: [{ functionResponse: { name: call.name, response: { result: CASES.tool_result } } }] });
    const [final] = await geminiCreate(contents, stream, { tools });
    return [call.args.content, final];
  },
  refused: (stream) => geminiCreate([{ role: "user", parts: [{ text: CASES.refused }] }], stream),
  cut: (stream) => geminiCreate([{ role: "user", parts: [{ text: CASES.cut }] }], stream),
};

for (const [name, client] of Object.entries({ openai: chat, responses, anthropic: claude, gemini })) {
  if (!ONLY || ONLY.split(",").includes(name)) await run(name, client);
}
await dispatcher.close();
process.exit(failed ? 1 : 0);
