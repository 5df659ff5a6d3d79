"""Drives the official Python SDKs through the gate to the stand-in service. One JSON line a check; exit 1 on a failure.

  TSUITATE_PROXY    http://127.0.0.1:8080          the gate
  TSUITATE_CA       ca.pem                         its root
  TSUITATE_STANDIN  http://127.0.0.1:9001          the stand-in service, asked directly what it received
  TSUITATE_ONLY     openai,responses,anthropic,gemini  (optional) which SDKs
  TSUITATE_UNMASKED 1                              (optional) no gate between: leave out what only masking can fulfil
"""

import json
import os
import re
import sys
import traceback
import urllib.request
from pathlib import Path

PROXY, CA, STANDIN = (os.environ[f"TSUITATE_{name}"] for name in ("PROXY", "CA", "STANDIN"))
MASKED = not os.environ.get("TSUITATE_UNMASKED")
for name in list(os.environ):
    if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        del os.environ[name]
os.environ["HTTPS_PROXY"] = PROXY
os.environ["SSL_CERT_FILE"] = CA

import anthropic  # noqa: E402
import openai  # noqa: E402
from google import genai  # noqa: E402
from google.genai import errors, types  # noqa: E402

CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))
SENT = 0
FAILED = 0


def count_requests():
    """Every request of every SDK goes through `Client.send` of its HTTP library."""
    for library in ("httpx", "httpx2"):
        try:
            client = __import__(library).Client
        except ImportError:
            continue

        def send(self, *arguments, _send=client.send, **options):
            global SENT
            SENT += 1
            return _send(self, *arguments, **options)

        client.send = send


def direct(method, path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(STANDIN + path, method=method, data=b"" if method == "POST" else None)) as answer:
        return json.loads(answer.read())


def check(name, ok, detail=""):
    global FAILED
    FAILED += not ok
    print(json.dumps({"name": f"py.{name}", "ok": bool(ok), "detail": "" if ok else str(detail)[:600]}, ensure_ascii=False), flush=True)


def said(prompt):
    return "復唱: " + prompt


def nothing_leaked(name, count):
    received = direct("GET", "/__received")
    check(f"{name}.received", len(received) == count, f"{len(received)} requests, wanted {count}")
    if MASKED:
        leaks = [secret for secret in CASES["secrets"] + [CASES["refused_secret"]] if any(secret in json.dumps(json.loads(one["body"]), ensure_ascii=False) for one in received)]
        check(f"{name}.no_secret_upstream", not leaks, leaks)
    return received


def turns_are_stable(name, received, messages):
    """What a turn sent, the next sends again byte for byte."""
    histories = [json.loads(one["body"])[messages] for one in received]
    stable = all(later[: len(earlier)] == earlier for earlier, later in zip(histories, histories[1:]))
    check(f"{name}.history_is_stable", stable, "a later turn changed an earlier one")


# A token as it stands in the source of JSON, its label as letters or as escapes.
TOKEN = re.compile(r"\[(?:\\u[0-9a-fA-F]{4}|[^\[\]:\"\\])+:[0-9A-Z]{8,11}(?:[ /](?:\\u[0-9a-fA-F]{4}|[^\[\]\"\\])+)?\]")


def differs(masked, plain):
    """Why `masked` is not `plain` with tokens in the place of planted words; nothing if it is. No byte beside them may differ."""
    pattern = "(.+?)".join(re.escape(piece) for piece in TOKEN.split(masked))
    match = re.fullmatch(pattern, plain, re.DOTALL)
    if not match:
        return f"{masked}\n{plain}"
    words = {}
    for token, word in zip(TOKEN.findall(masked), match.groups()):
        word = json.loads(f'"{word}"')
        if word not in CASES["planted"] or words.setdefault(token, word) != word:
            return f"{token} stands for {word!r} and {words.get(token)!r}"
    return "" if words else f"nothing is masked in {masked}"


def whole_conversation(client, stream):
    """Several turns, a tool that gets words, one that keeps tokens, their results: what the service received of it all."""
    direct("POST", "/__reset")
    history = []
    for prompt in CASES["prompts"]:
        client.chat(history, prompt, stream)
    client.tool(CASES["listed_tool"], CASES["tool_prompt"], stream)
    client.tool(CASES["other_tool"], CASES["tool_prompt"], stream)
    return direct("GET", "/__received")


def only_masked_strings_differ(label, client, straight, stream):
    """The same calls straight to the service and through the gate: it receives the same, byte for byte, but for the tokens."""
    plain, masked = whole_conversation(straight, stream), whole_conversation(client, stream)
    check(f"{label}.same_requests", [one["path"] for one in plain] == [one["path"] for one in masked] and len(plain) == 7, f"{len(plain)} and {len(masked)}")
    why = [why for ours, theirs in zip(masked, plain) if (why := differs(ours["body"], theirs["body"]))]
    check(f"{label}.only_masked_strings_differ", not why, why[:1])
    kept = ("content-type", "user-agent", "anthropic-version", "x-stainless-lang", "x-goog-api-client")
    heads = [[one["headers"].get(name) for name in kept] for one in plain], [[one["headers"].get(name) for name in kept] for one in masked]
    check(f"{label}.headers_are_kept", heads[0] == heads[1], heads)


def thoughts_come_back(label, client, stream):
    """Two turns with thinking, the history as the SDK keeps it: the service gets again what it thought, sealed and said."""
    direct("POST", "/__reset")
    client.think(CASES["prompts"][:2], stream)
    received = [json.loads(one["body"]) for one in nothing_leaked(f"{label}.thinking", 2)]
    asked, again = received[0][client.messages][0], received[1][client.messages][1:-1]
    said_again = said(text_of(asked))
    thought, seals, text = client.thought(again)
    check(f"{label}.thoughts_come_back", thought == "考え: " + said_again, f"{thought!r} for {said_again!r}")
    check(f"{label}.seals_come_back", len(seals) == 1 and len(seals[0]) == 172, seals)
    check(f"{label}.what_was_said_beside_comes_back", text == said_again, f"{text!r} for {said_again!r}")


def text_of(turn):
    content = turn.get("content") or turn.get("parts")
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def run(name, client, straight):
    """`client` has chat(history, stream), tool(tool, stream) and refused(stream); `straight` asks the service itself."""
    for stream in (False, True):
        label = f"{name}.{'stream' if stream else 'plain'}"
        try:
            direct("POST", "/__reset")
            history = []
            for turn, prompt in enumerate(CASES["prompts"]):
                text = client.chat(history, prompt, stream)
                check(f"{label}.turn{turn + 1}", text.startswith(said(prompt)), f"got {text!r}")
            received = nothing_leaked(f"{label}.turns", len(CASES["prompts"]))
            turns_are_stable(label, received, client.messages)

            direct("POST", "/__reset")
            prompt = CASES["tool_prompt"]
            content, final = client.tool(CASES["listed_tool"], prompt, stream)
            check(f"{label}.listed_tool", content == said(prompt), f"got {content!r}")
            check(f"{label}.tool_result", CASES["tool_result"] in final, f"got {final!r}")
            nothing_leaked(f"{label}.tool", 2)

            if MASKED:
                direct("POST", "/__reset")
                content, _ = client.tool(CASES["other_tool"], prompt, stream)
                leaks = [secret for secret in CASES["secrets"] if secret in content]
                check(f"{label}.other_tool_keeps_tokens", not leaks, f"got {content!r}")

            if MASKED:
                only_masked_strings_differ(label, client, straight, stream)
                if hasattr(client, "think"):
                    thoughts_come_back(label, client, stream)

            direct("POST", "/__reset")
            before = SENT
            try:
                client.refused(stream)
                check(f"{label}.refused", False, "no error was raised")
            except client.error as error:
                shown = str(error)
                check(f"{label}.refused", "衝立" in shown and "Record" in shown, f"shown: {shown}")
                check(f"{label}.refused_status", client.status(error) == 400, client.status(error))
                check(f"{label}.refused_keeps_secret", CASES["refused_secret"] not in shown)
            check(f"{label}.refused_once", SENT - before == 1, f"{SENT - before} requests")
            nothing_leaked(f"{label}.refused", 0)

            if MASKED and stream:
                direct("POST", "/__reset")
                before = SENT
                try:
                    client.cut(stream)
                    check(f"{label}.cut_is_an_error", False, "half an answer was taken for a whole one")
                except Exception as error:
                    check(f"{label}.cut_is_an_error", "衝立" in str(error), f"shown: {error}")
                check(f"{label}.cut_is_sent_once", SENT - before == 1, f"{SENT - before} requests")
        except Exception:
            check(f"{label}.ran", False, traceback.format_exc(limit=-4))


PARAMETERS = {
    "type": "object",
    "properties": {"file_path": {"type": "string"}, "content": {"type": "string"}},
    "required": ["file_path", "content"],
}


class Chat:
    messages = "messages"
    error = openai.APIStatusError

    def __init__(self, base=None):
        self.client = openai.OpenAI(api_key="sk-test", base_url=base and f"{base}/v1")

    def status(self, error):
        return error.status_code

    def create(self, messages, stream, **options):
        answer = self.client.chat.completions.create(model="gpt-test", messages=messages, stream=stream, **options)
        if not stream:
            message = answer.choices[0].message
            calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []]
            return message.content or "", calls
        text, calls = "", {}
        for chunk in answer:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for call in choice.delta.tool_calls or []:
                    known = calls.setdefault(call.index, ["", "", ""])
                    known[0] += call.id or ""
                    known[1] += call.function.name or ""
                    known[2] += call.function.arguments or ""
        return text, [tuple(call) for call in calls.values()]

    def chat(self, history, prompt, stream):
        history.append({"role": "user", "content": prompt})
        text, _ = self.create(history, stream)
        history.append({"role": "assistant", "content": text})
        return text

    def tool(self, tool, prompt, stream):
        tools = [{"type": "function", "function": {"name": tool, "description": "d", "parameters": PARAMETERS}}]
        messages = [{"role": "user", "content": prompt}]
        _, calls = self.create(messages, stream, tools=tools)
        (call, name, arguments) = calls[0]
        function = {"name": name, "arguments": arguments}
        messages.append({"role": "assistant", "content": None, "tool_calls": [{"id": call, "type": "function", "function": function}]})
        messages.append({"role": "tool", "tool_call_id": call, "content": CASES["tool_result"]})
        return json.loads(arguments)["content"], self.create(messages, stream, tools=tools)[0]

    def refused(self, stream):
        return self.create([{"role": "user", "content": CASES["refused"]}], stream)

    def cut(self, stream):
        return self.create([{"role": "user", "content": CASES["cut"]}], stream)


class Responses(Chat):
    messages = "input"

    def answer(self, messages, stream, **options):
        if not stream:
            return self.client.responses.create(model="gpt-test", input=messages, store=False, **options)
        with self.client.responses.stream(model="gpt-test", input=messages, store=False, **options) as events:
            text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
            answer = events.get_final_response()
        check("responses.stream.whole_equals_deltas", text == answer.output_text, f"{text!r} {answer.output_text!r}")
        return answer

    def create(self, messages, stream, **options):
        answer = self.answer(messages, stream, **options)
        return answer.output_text, [item for item in answer.output if item.type == "function_call"]

    def tool(self, tool, prompt, stream):
        tools = [{"type": "function", "name": tool, "description": "d", "parameters": PARAMETERS, "strict": False}]
        messages = [{"role": "user", "content": prompt}]
        _, calls = self.create(messages, stream, tools=tools)
        call = calls[0]
        messages.append({"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments})
        messages.append({"type": "function_call_output", "call_id": call.call_id, "output": CASES["tool_result"]})
        return json.loads(call.arguments)["content"], self.create(messages, stream, tools=tools)[0]


    def think(self, prompts, stream):
        history = []
        for prompt in prompts:
            history.append({"role": "user", "content": prompt})
            answer = self.answer(history, stream, include=["reasoning.encrypted_content"])
            history += [item.model_dump(mode="json", exclude_none=True) for item in answer.output]

    def thought(self, turns):
        reasoning, message = turns
        return reasoning["summary"][0]["text"], [reasoning["encrypted_content"]], message["content"][0]["text"]


class Anthropic:
    messages = "messages"
    error = anthropic.APIStatusError

    def __init__(self, base=None):
        self.client = anthropic.Anthropic(api_key="sk-ant-test", base_url=base)

    def status(self, error):
        return error.status_code

    def answer(self, messages, stream, **options):
        options = {"max_tokens": 100} | options | {"model": "claude-test", "messages": messages}
        if not stream:
            return self.client.messages.create(**options)
        with self.client.messages.stream(**options) as events:
            for _ in events:
                pass
            return events.get_final_message()

    def create(self, messages, stream, **options):
        answer = self.answer(messages, stream, **options)
        text = "".join(block.text for block in answer.content if block.type == "text")
        return text, [block for block in answer.content if block.type == "tool_use"]

    def chat(self, history, prompt, stream):
        history.append({"role": "user", "content": prompt})
        text, _ = self.create(history, stream)
        history.append({"role": "assistant", "content": text})
        return text

    def tool(self, tool, prompt, stream):
        tools = [{"name": tool, "description": "d", "input_schema": PARAMETERS}]
        messages = [{"role": "user", "content": prompt}]
        _, calls = self.create(messages, stream, tools=tools)
        call = calls[0]
        messages.append({"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}]})
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": CASES["tool_result"]}]})
        return call.input["content"], self.create(messages, stream, tools=tools)[0]

    def refused(self, stream):
        return self.create([{"role": "user", "content": CASES["refused"]}], stream)

    def cut(self, stream):
        return self.create([{"role": "user", "content": CASES["cut"]}], stream)


    def think(self, prompts, stream):
        history = []
        for prompt in prompts:
            history.append({"role": "user", "content": prompt})
            answer = self.answer(history, stream, max_tokens=4096, thinking={"type": "enabled", "budget_tokens": 1024})
            history.append({"role": "assistant", "content": answer.content})

    def thought(self, turns):
        thinking, text = turns[0]["content"]
        return thinking["thinking"], [thinking["signature"]], text["text"]


class Gemini:
    messages = "contents"
    error = errors.APIError

    def __init__(self, base=None):
        self.client = genai.Client(api_key="test", vertexai=False, http_options=types.HttpOptions(base_url=base))

    def status(self, error):
        return error.code

    def create(self, contents, stream, **options):
        config = types.GenerateContentConfig(automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True), **options)
        if not stream:
            answers = [self.client.models.generate_content(model="gemini-test", contents=contents, config=config)]
        else:
            answers = list(self.client.models.generate_content_stream(model="gemini-test", contents=contents, config=config))
        parts = [part for answer in answers for candidate in answer.candidates or [] for part in candidate.content.parts or []]
        return "".join(part.text or "" for part in parts), [part.function_call for part in parts if part.function_call]

    def chat(self, history, prompt, stream):
        history.append(types.Content(role="user", parts=[types.Part(text=prompt)]))
        text, _ = self.create(history, stream)
        history.append(types.Content(role="model", parts=[types.Part(text=text)]))
        return text

    def tool(self, tool, prompt, stream):
        declaration = types.FunctionDeclaration(name=tool, description="d", parameters_json_schema=PARAMETERS)
        tools = [types.Tool(function_declarations=[declaration])]
        contents = [types.Content(role="user", parts=[types.Part(text=prompt)])]
        _, calls = self.create(contents, stream, tools=tools)
        call = calls[0]
        contents.append(types.Content(role="model", parts=[types.Part(function_call=types.FunctionCall(name=call.name, args=call.args))]))
        contents.append(types.Content(role="user", parts=[types.Part.from_function_response(name=call.name, response={"result": CASES["tool_result"]})]))
        return call.args["content"], self.create(contents, stream, tools=tools)[0]

    def refused(self, stream):
        return self.create([types.Content(role="user", parts=[types.Part(text=CASES["refused"])])], stream)

    def cut(self, stream):
        return self.create([types.Content(role="user", parts=[types.Part(text=CASES["cut"])])], stream)


    def think(self, prompts, stream):
        config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
        chat = self.client.chats.create(model="gemini-test", config=config)
        for prompt in prompts:
            if not stream:
                chat.send_message(prompt)
                continue
            for _ in chat.send_message_stream(prompt):
                pass

    def thought(self, turns):
        parts = [part for turn in turns for part in turn["parts"]]
        text = ["".join(part.get("text", "") for part in parts if bool(part.get("thought")) == thought) for thought in (True, False)]
        # The signature is bytes for the SDK, which writes it in the other alphabet.
        return text[0], [part["thoughtSignature"] for part in parts if part.get("thoughtSignature")], text[1]


def main():
    count_requests()
    clients = {"openai": Chat, "responses": Responses, "anthropic": Anthropic, "gemini": Gemini}
    only = os.environ.get("TSUITATE_ONLY")
    for name, client in clients.items():
        if not only or name in only.split(","):
            run(name, client(), client(STANDIN))
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
