// Drives the official Node SDKs through the gate to the stand-in service. One JSON line a check; exit 1 on a failure.
// Environment as in clients.py. Node's fetch ignores HTTPS_PROXY, so the proxy and the root are set in code.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { Agent, ProxyAgent, fetch as undiciFetch, setGlobalDispatcher } from "undici";

const { TSUITATE_PROXY: PROXY, TSUITATE_CA: CA, TSUITATE_STANDIN: STANDIN, TSUITATE_ONLY: ONLY } = process.env;
const MASKED = !process.env.TSUITATE_UNMASKED;
const CASES = JSON.parse(readFileSync(fileURLToPath(new URL("cases.json", import.meta.url)), "utf8"));
const dispatcher = new ProxyAgent({ uri: PROXY, requestTls: { ca: readFileSync(CA) } });
setGlobalDispatcher(dispatcher);

// Past the gate, for comparing.
const straight = new Agent();
let way = dispatcher;
let sent = 0;
let failed = 0;
// The SDKs' requests are counted; undici's own fetch takes the dispatcher of the same undici.
const counted = (input, init) => {
  sent += 1;
  return undiciFetch(input, { ...init, dispatcher: way });
};
globalThis.fetch = counted;

const direct = async (method, path) => {
  const answer = await undiciFetch(STANDIN + path, { method, dispatcher: straight });
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

// A token as it stands in the source of JSON.
const TOKEN = /\[(?:\\u[0-9a-fA-F]{4}|[^\[\]:"\\])+:[0-9A-Z]{8,11}(?:[ /](?:\\u[0-9a-fA-F]{4}|[^\[\]"\\])+)?\]/g;

/** Why `masked` is not `plain` with tokens in the place of planted words; nothing if it is. */
function differs(masked, plain) {
  const pattern = masked.split(TOKEN).map((piece) => piece.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("(.+?)");
  const match = new RegExp(`^${pattern}$`, "s").exec(plain);
  if (!match) return `${masked}\n${plain}`;
  const words = new Map();
  for (const [at, token] of (masked.match(TOKEN) ?? []).entries()) {
    const word = JSON.parse(`"${match[at + 1]}"`);
    if (!CASES.planted.includes(word) || (words.get(token) ?? word) !== word) return `${token} stands for ${word} and ${words.get(token)}`;
    words.set(token, word);
  }
  return words.size ? "" : `nothing is masked in ${masked}`;
}

/** Several turns, a tool that gets words, one that keeps tokens, their results: what the service received of it all. */
async function wholeConversation(client, stream) {
  await direct("POST", "/__reset");
  const history = [];
  for (const prompt of CASES.prompts) await client.chat(history, prompt, stream);
  await client.tool(CASES.listed_tool, CASES.tool_prompt, stream);
  await client.tool(CASES.other_tool, CASES.tool_prompt, stream);
  return direct("GET", "/__received");
}

/** The same calls straight to the service and through the gate: it receives the same, byte for byte, but for the tokens. */
async function onlyMaskedStringsDiffer(label, client, stream) {
  way = straight;
  connect(STANDIN);
  const plain = await wholeConversation(client, stream);
  way = dispatcher;
  connect();
  const masked = await wholeConversation(client, stream);
  const paths = (received) => JSON.stringify(received.map((one) => one.path));
  check(`${label}.same_requests`, paths(plain) === paths(masked) && plain.length === 7, `${plain.length} and ${masked.length}`);
  const why = masked.map((one, at) => differs(one.body, plain[at]?.body ?? "")).filter(Boolean);
  check(`${label}.only_masked_strings_differ`, why.length === 0, why[0]);
  const kept = ["content-type", "user-agent", "anthropic-version", "x-stainless-lang", "x-goog-api-client"];
  const heads = (received) => JSON.stringify(received.map((one) => kept.map((name) => one.headers[name])));
  check(`${label}.headers_are_kept`, heads(plain) === heads(masked), `${heads(plain)} ${heads(masked)}`);
}

/** Two turns with thinking, the history as the SDK keeps it: the service gets again what it thought, sealed and said. */
async function thoughtsComeBack(label, client, stream) {
  await direct("POST", "/__reset");
  await client.think(CASES.prompts.slice(0, 2), stream);
  const received = (await nothingLeaked(`${label}.thinking`, 2)).map((one) => JSON.parse(one.body)[client.messages]);
  const content = received[0][0].content ?? received[0][0].parts;
  const saidAgain = said(typeof content === "string" ? content : content.map((part) => part.text).join(""));
  const [thought, seals, text] = client.thought(received[1].slice(1, -1));
  check(`${label}.thoughts_come_back`, thought === `考え: ${saidAgain}`, `${thought} for ${saidAgain}`);
  check(`${label}.seals_come_back`, seals.length === 1 && seals[0].length === 172, seals);
  check(`${label}.what_was_said_beside_comes_back`, text === saidAgain, `${text} for ${saidAgain}`);
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

      if (MASKED) await onlyMaskedStringsDiffer(label, client, stream);
      if (MASKED && client.think) await thoughtsComeBack(label, client, stream);

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
let openai, anthropic, google;
/** The SDKs, asking the services by their names, or one at this address. */
function connect(base) {
  openai = new OpenAI({ apiKey: "sk-test", fetch: counted, baseURL: base && `${base}/v1` });
  anthropic = new Anthropic({ apiKey: "sk-ant-test", fetch: counted, baseURL: base });
  google = new GoogleGenAI({ apiKey: "test", vertexai: false, httpOptions: base && { baseUrl: base } });
}
connect();

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

async function responsesAnswer(input, stream, options = {}) {
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
  return answer;
}

async function responsesCreate(input, stream, options) {
  const answer = await responsesAnswer(input, stream, options);
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
  async think(prompts, stream) {
    const input = [];
    for (const content of prompts) {
      input.push({ role: "user", content });
      input.push(...(await responsesAnswer(input, stream, { include: ["reasoning.encrypted_content"] })).output);
    }
  },
  thought: ([reasoning, message]) => [reasoning.summary[0].text, [reasoning.encrypted_content], message.content[0].text],
  refused: (stream) => responsesCreate([{ role: "user", content: CASES.refused }], stream),
  cut: (stream) => responsesCreate([{ role: "user", content: CASES.cut }], stream),
};

async function messagesAnswer(messages, stream, options = {}) {
  const body = { model: "claude-test", max_tokens: 100, messages, ...options };
  return stream ? anthropic.messages.stream(body).finalMessage() : anthropic.messages.create(body);
}

async function messagesCreate(messages, stream, options) {
  const answer = await messagesAnswer(messages, stream, options);
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
  async think(prompts, stream) {
    const messages = [];
    for (const content of prompts) {
      messages.push({ role: "user", content });
      const answer = await messagesAnswer(messages, stream, { max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 1024 } });
      messages.push({ role: "assistant", content: answer.content });
    }
  },
  thought: ([{ content: [thinking, text] }]) => [thinking.thinking, [thinking.signature], text.text],
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
  async think(prompts, stream) {
    const chat = google.chats.create({ model: "gemini-test", config: { thinkingConfig: { includeThoughts: true } } });
    for (const message of prompts) {
      if (stream) for await (const _ of await chat.sendMessageStream({ message }));
      else await chat.sendMessage({ message });
    }
  },
  thought(turns) {
    const parts = turns.flatMap((turn) => turn.parts);
    const [thought, text] = [true, false].map((thinks) => parts.filter((part) => Boolean(part.thought) === thinks).map((part) => part.text ?? "").join(""));
    return [thought, parts.map((part) => part.thoughtSignature).filter(Boolean), text];
  },
  refused: (stream) => geminiCreate([{ role: "user", parts: [{ text: CASES.refused }] }], stream),
  cut: (stream) => geminiCreate([{ role: "user", parts: [{ text: CASES.cut }] }], stream),
};

for (const [name, client] of Object.entries({ openai: chat, responses, anthropic: claude, gemini })) {
  if (!ONLY || ONLY.split(",").includes(name)) await run(name, client);
}
await dispatcher.close();
process.exit(failed ? 1 : 0);
