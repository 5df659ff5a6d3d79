"""A stand-in AI service: OpenAI, Anthropic and Gemini shapes over HTTP/1.1, plain and TLS.

It says the user's last text again (streamed in pieces of two characters), calls the first tool that it is offered with
that text, and keeps every request: GET /__received gives them as JSON, POST /__reset forgets them. A streamed answer to a
text with "please-cut" in it ends in the middle, without a word; the model "slow-model" takes its
time. Asked to think it gives its thoughts first, signed or sealed, as each service does. GET /page is a chat page for browsers.

Started with --act-as-gate it also takes CONNECT for any host and refuses what looks like a GitHub token, so that the
client scripts can be tried without the gate. It masks nothing then.

  standin.py --port 9001 [--tls-port 9443 --cert cert.pem --key key.pem] [--act-as-gate]
"""

import argparse
import base64
import hashlib
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

RECEIVED = []
LOCK = threading.Lock()
OPTIONS = None
PIECE = 2
REFUSED = "ghp_"
CUT = "please-cut"
SLOW = "slow-model"
# Of the form of a signature or a sealed block; it signs nothing.
SEAL = base64.b64encode(hashlib.sha512(b"stand-in").digest() + hashlib.sha512(b"again").digest()).decode()
REFUSAL = "[衝立] 送信を止めました。AIには何も送っていません。 / [Tsuitate] nothing was sent. Record: 0000"


def text_of(content):
    if isinstance(content, str):
        return content
    out = []
    for part in content or []:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, dict):
            out.append(part.get("text") or text_of(part.get("content")) or part.get("output") or "")
    return "".join(out)


def pieces(text):
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)] or [""]


def arguments(text):
    return json.dumps({"file_path": "memo.txt", "content": text}, ensure_ascii=False)


class Stand(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Pieces that still go out; negative: all of them.
    left = -1
    # Seconds before each piece.
    pause = 0.0
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    # ---- transport

    def do_CONNECT(self):
        if not OPTIONS.act_as_gate:
            return self.reply(405, {"error": "no proxy"})
        self.send_response(200, "Connection established")
        self.end_headers()
        context = tls()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            out = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                out += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return out
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def reply(self, status, value, headers=()):
        self.send(status, "application/json; charset=utf-8", json.dumps(value, ensure_ascii=False).encode(), headers)

    def send(self, status, media, data, headers=()):
        self.send_response(status)
        self.send_header("content-type", media)
        self.send_header("content-length", str(len(data)))
        for name, content in headers:
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(data)

    def begin(self, media):
        self.send_response(200)
        self.send_header("content-type", media)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def chunk(self, text):
        data = text.encode()
        if self.left == 0:
            self.close_connection = True
            return
        if data:
            self.left -= 1
            time.sleep(self.pause)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    def end(self):
        if self.left == 0:
            return
        self.wfile.write(b"0\r\n\r\n")

    def event(self, value, name=None):
        data = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        self.chunk((f"event: {name}\n" if name else "") + f"data: {data}\n\n")

    # ---- requests

    def do_OPTIONS(self):
        self.send_response(204)
        self.send_header("access-control-allow-headers", "authorization, content-type")
        self.send_header("content-length", "0")
        self.end_headers()

    def end_headers(self):
        # Pages of any origin may ask, as the services allow it that are made for it.
        if self.headers.get("origin"):
            self.send_header("access-control-allow-origin", self.headers["origin"])
        super().end_headers()

    def do_GET(self):
        if urlsplit(self.path).path == "/__received":
            with LOCK:
                return self.reply(200, RECEIVED)
        if urlsplit(self.path).path == "/page":
            return self.send(200, "text/html; charset=utf-8", (Path(__file__).parent / "page.html").read_bytes())
        self.reply(404, {"error": {"message": "not found"}})

    def do_POST(self):
        raw = self.body()
        path = urlsplit(self.path).path
        if path == "/__reset":
            with LOCK:
                RECEIVED.clear()
            return self.reply(200, {})
        text = raw.decode("utf-8", "replace")
        self.left = 8 if CUT in text else -1
        self.pause = 0.01 if SLOW in text else 0.0
        if OPTIONS.act_as_gate and REFUSED in text:
            return self.refuse(path)
        with LOCK:
            RECEIVED.append(
                {
                    "host": self.headers.get("host"),
                    "method": "POST",
                    "path": self.path,
                    "headers": {k.lower(): v for k, v in self.headers.items() if k.lower() not in ("authorization", "x-api-key", "x-goog-api-key")},
                    "body": text,
                }
            )
        try:
            request = json.loads(text)
        except ValueError:
            return self.reply(400, {"error": {"message": "no JSON"}})
        if path.endswith("/chat/completions"):
            return self.say_chat(request)
        if path.endswith("/responses"):
            return self.say_responses(request)
        if path.endswith("/messages"):
            return self.say_messages(request)
        if path.endswith(":generateContent") or path.endswith(":streamGenerateContent"):
            return self.say_gemini(request, path.endswith(":streamGenerateContent"), "alt=sse" in self.path)
        self.reply(404, {"error": {"message": "not found"}})

    def refuse(self, path):
        retry = [("x-should-retry", "false")]
        if path.endswith("/messages"):
            return self.reply(400, {"type": "error", "error": {"type": "invalid_request_error", "message": REFUSAL}}, retry)
        if "models/" in path:
            return self.reply(400, {"error": {"code": 400, "message": REFUSAL, "status": "INVALID_ARGUMENT"}}, retry)
        self.reply(400, {"error": {"message": REFUSAL, "type": "invalid_request_error", "param": None, "code": "tsuitate_refused"}}, retry)

    # ---- OpenAI chat

    def say_chat(self, request):
        last = request["messages"][-1]
        said = "復唱: " + text_of(last.get("content"))
        tool = (request.get("tools") or [None])[0] if last["role"] == "user" else None
        base = {"id": "chatcmpl-1", "created": 1, "model": request["model"]}
        if not request.get("stream"):
            message = {"role": "assistant", "content": said}
            if tool:
                call = {"id": "call_1", "type": "function", "function": {"name": tool["function"]["name"], "arguments": arguments(said)}}
                message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tool else "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            return self.reply(200, base | {"object": "chat.completion", "choices": [choice], "usage": usage})
        self.begin("text/event-stream; charset=utf-8")

        def send(delta, finish=None):
            self.event(base | {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

        send({"role": "assistant", "content": None if tool else ""})
        if tool:
            send({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": tool["function"]["name"], "arguments": ""}}]})
            for piece in pieces(arguments(said)):
                send({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        else:
            for piece in pieces(said):
                send({"content": piece})
        send({}, "tool_calls" if tool else "stop")
        self.event("[DONE]")
        self.end()

    # ---- OpenAI responses

    def say_responses(self, request):
        given = request["input"]
        last = given if isinstance(given, str) else given[-1]
        result = isinstance(last, dict) and last.get("type") == "function_call_output"
        content = last if isinstance(last, str) else last.get("output") if result else last.get("content")
        said = "復唱: " + text_of(content)
        tool = None if result else (request.get("tools") or [None])[0]
        if tool:
            item = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": tool["name"], "arguments": arguments(said)}
        else:
            part = {"type": "output_text", "text": said, "annotations": [], "logprobs": []}
            item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
        thought = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "考え: " + said}], "encrypted_content": SEAL}
        thoughts = [thought] if "reasoning.encrypted_content" in (request.get("include") or []) else []
        answer = {
            "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": request["model"], "output": [*thoughts, item],
            "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
            "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
            "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2},
        }
        if not request.get("stream"):
            return self.reply(200, answer)
        self.begin("text/event-stream; charset=utf-8")
        number = 0

        def send(kind, **rest):
            nonlocal number
            self.event({"type": kind, "sequence_number": number} | rest, kind)
            number += 1

        send("response.created", response=answer | {"status": "in_progress", "output": []})
        for _ in thoughts:
            where = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
            summary = thought["summary"][0]
            send("response.output_item.added", output_index=0, item=thought | {"summary": []})
            send("response.reasoning_summary_part.added", part=summary | {"text": ""}, **where)
            for piece in pieces(summary["text"]):
                send("response.reasoning_summary_text.delta", delta=piece, **where)
            send("response.reasoning_summary_text.done", text=summary["text"], **where)
            send("response.reasoning_summary_part.done", part=summary, **where)
            send("response.output_item.done", output_index=0, item=thought)
        at = len(thoughts)
        if tool:
            send("response.output_item.added", output_index=at, item=item | {"status": "in_progress", "arguments": ""})
            for piece in pieces(item["arguments"]):
                send("response.function_call_arguments.delta", item_id="fc_1", output_index=at, delta=piece)
            send("response.function_call_arguments.done", item_id="fc_1", output_index=at, name=item["name"], arguments=item["arguments"])
        else:
            where = {"item_id": "msg_1", "output_index": at, "content_index": 0}
            send("response.output_item.added", output_index=at, item=item | {"status": "in_progress", "content": []})
            send("response.content_part.added", part=part | {"text": ""}, **where)
            for piece in pieces(said):
                send("response.output_text.delta", delta=piece, logprobs=[], **where)
            send("response.output_text.done", text=said, logprobs=[], **where)
            send("response.content_part.done", part=part, **where)
        send("response.output_item.done", output_index=at, item=item)
        send("response.completed", response=answer)
        self.end()

    # ---- Anthropic

    def say_messages(self, request):
        last = request["messages"][-1]
        result = isinstance(last["content"], list) and any(b.get("type") == "tool_result" for b in last["content"])
        said = "復唱: " + text_of(last["content"])
        tool = None if result else (request.get("tools") or [None])[0]
        block = {"type": "text", "text": said}
        if tool:
            block = {"type": "tool_use", "id": "toolu_1", "name": tool["name"], "input": json.loads(arguments(said))}
        thoughts = [{"type": "thinking", "thinking": "考え: " + said, "signature": SEAL}] if request.get("thinking") else []
        message = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": [*thoughts, block],
            "stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        if not request.get("stream"):
            return self.reply(200, message)
        self.begin("text/event-stream; charset=utf-8")

        def send(kind, **rest):
            self.event({"type": kind} | rest, kind)

        send("message_start", message=message | {"content": [], "stop_reason": None})
        for thought in thoughts:
            send("content_block_start", index=0, content_block=thought | {"thinking": "", "signature": ""})
            for piece in pieces(thought["thinking"]):
                send("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": piece})
            send("content_block_delta", index=0, delta={"type": "signature_delta", "signature": SEAL})
            send("content_block_stop", index=0)
        at = len(thoughts)
        send("content_block_start", index=at, content_block=block | ({"input": {}} if tool else {"text": ""}))
        send("ping")
        for piece in pieces(arguments(said) if tool else said):
            delta = {"type": "input_json_delta", "partial_json": piece} if tool else {"type": "text_delta", "text": piece}
            send("content_block_delta", index=at, delta=delta)
        send("content_block_stop", index=at)
        send("message_delta", delta={"stop_reason": message["stop_reason"], "stop_sequence": None}, usage={"output_tokens": 1})
        send("message_stop")
        self.end()

    # ---- Gemini

    def say_gemini(self, request, stream, sse):
        contents = request["contents"]
        last = contents[-1] if isinstance(contents, list) else contents
        parts = last["parts"] if isinstance(last["parts"], list) else [last["parts"]]
        result = next((p.get("functionResponse") or p.get("function_response") for p in parts if "functionResponse" in p or "function_response" in p), None)
        said = "復唱: " + (json.dumps(result["response"], ensure_ascii=False) if result else text_of(parts))
        tools = request.get("tools") or []
        declared = next((d for t in tools for d in t.get("functionDeclarations") or t.get("function_declarations") or []), None)
        tool = None if result else declared

        def element(part, finish=None):
            candidate = {"content": {"parts": part if isinstance(part, list) else [part], "role": "model"}, "index": 0}
            if finish:
                candidate["finishReason"] = finish
            return {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}, "modelVersion": "stand-in", "responseId": "r1"}

        if tool:
            elements = [element({"functionCall": {"name": tool["name"], "args": json.loads(arguments(said))}}, "STOP")]
        elif stream:
            cut = pieces(said)
            elements = [element({"text": piece}, "STOP" if index + 1 == len(cut) else None) for index, piece in enumerate(cut)]
        else:
            elements = [element({"text": said}, "STOP")]
        thinking = (request.get("generationConfig") or {}).get("thinkingConfig") or {}
        if thinking.get("includeThoughts") or thinking.get("include_thoughts"):
            thought = "考え: " + said
            if stream:
                elements = [element({"text": piece, "thought": True}) for piece in pieces(thought)] + elements[:-1]
                elements += [element({"text": pieces(said)[-1]}), element({"text": "", "thoughtSignature": SEAL}, "STOP")]
            else:
                elements = [element([{"text": thought, "thought": True}, {"text": said, "thoughtSignature": SEAL}], "STOP")]
        if not stream:
            return self.reply(200, elements[0])
        self.begin("text/event-stream" if sse else "application/json; charset=UTF-8")
        for index, value in enumerate(elements):
            if sse:
                self.chunk(f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n")
            else:
                self.chunk(("[" if index == 0 else ",\r\n") + json.dumps(value, ensure_ascii=False))
        if not sse:
            self.chunk("\n]\n")
        self.end()


def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(OPTIONS.cert, OPTIONS.key)
    return context


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="plain HTTP; 0 picks one")
    parser.add_argument("--tls-port", type=int, help="HTTPS; 0 picks one")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--act-as-gate", action="store_true")
    OPTIONS = parser.parse_args()
    plain = ThreadingHTTPServer(("127.0.0.1", OPTIONS.port), Stand)
    ports = {"port": plain.server_port}
    if OPTIONS.tls_port is not None:
        secure = ThreadingHTTPServer(("127.0.0.1", OPTIONS.tls_port), Stand)
        secure.socket = tls().wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
        ports["tls_port"] = secure.server_port
        threading.Thread(target=secure.serve_forever, daemon=True).start()
    print(json.dumps(ports), flush=True)
    try:
        plain.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
