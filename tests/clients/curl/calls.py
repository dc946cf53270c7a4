"""`curl`, with `--http2` in CURL_OPTIONS: on plain HTTP it then offers an upgrade to HTTP/2 (h2c).

Prints one JSON line for each scenario, with the status and the body as they came.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

URL = f"{os.environ['GATEWAY_URL']}/chat/completions"
KEY = os.environ["GATEWAY_KEY"]
OPTIONS = os.environ.get("CURL_OPTIONS", "").split()
CLAUDE = "claude-sonnet-4-6"
TOOL = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "guests": {"type": "integer"}},
    "required": ["name", "guests"],
    "additionalProperties": False,
}
CALLS = [
    {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": "get_weather", "arguments": json.dumps({"city": city})},
    }
    for number, city in enumerate(("Graz", "Linz"))
]
ASKED = {"role": "assistant", "content": None, "tool_calls": CALLS}
RESULTS = [
    {"role": "tool", "tool_call_id": "call_0", "content": "21 degrees and sunny in Graz"},
    {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees and sunny in Linz"},
]

type Answer = dict[str, Any]


def command(scenario: str, key: str) -> list[str]:
    """The call, its body on standard input; the status is printed after the answer."""
    headers = [f"authorization: Bearer {key}", "content-type: application/json"]
    headers.append(f"x-inference-task-id: {os.environ['CLIENT']}-{scenario}")
    given = [argument for header in headers for argument in ("--header", header)]
    written = ["--no-buffer", "--silent", "--write-out", "\n%{http_code}"]
    return ["curl", *OPTIONS, *written, "--noproxy", "*", *given, "--data-binary", "@-", URL]


def body(scenario: str, *history: Answer, model: str = "gpt-4.1", **fields: Any) -> bytes:
    """The request's body."""
    messages = [{"role": "user", "content": scenario}, *history]
    return json.dumps({"model": model, "messages": messages, "stream": True} | fields).encode()


def call(scenario: str, *history: Answer, key: str = KEY, **fields: Any) -> Answer:
    """Status and body of one call."""
    given = body(scenario, *history, **fields)
    ended = subprocess.run(command(scenario, key), input=given, capture_output=True, timeout=20, check=True)
    text, _, status = ended.stdout.decode().rpartition("\n")
    return {"status": int(status), "body": text}


def leave_early() -> Answer:
    """A caller that leaves before the first word, when a line on standard input says that the provider has the call."""
    process = subprocess.Popen(command("cancel_early", KEY), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdin is not None
        process.stdin.write(body("cancel_early"))
        process.stdin.close()
        sys.stdin.readline()
        left_at = time.time()
        process.terminate()
        text = (process.stdout.read() if process.stdout else b"").decode()
    return {"text": text, "left_at": left_at}


def leave() -> Answer:
    """A caller that leaves after the second word."""
    process = subprocess.Popen(command("cancel", KEY), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(body("cancel"))
        process.stdin.close()
        text = ""
        for line in process.stdout:
            text += line.decode()
            if "two" in text:
                break
        left_at = time.time()
        process.terminate()
    return {"body": text, "left_at": left_at}


TOOLS = [{"type": "function", "function": TOOL}]
FORMAT = {"type": "json_schema", "json_schema": {"name": "booking", "schema": SCHEMA, "strict": True}}
SCENARIOS: dict[str, Callable[[], Answer]] = {
    "text": lambda: call("text"),
    "tools": lambda: call("tools", tools=TOOLS),
    "tools_result": lambda: call("tools", ASKED, *RESULTS, tools=TOOLS),
    "claude": lambda: call("claude", model=CLAUDE, tools=TOOLS),
    "claude_result": lambda: call("claude", ASKED, *RESULTS, model=CLAUDE, tools=TOOLS),
    "structured": lambda: call("structured", response_format=FORMAT, stream=False),
    "wrong_key": lambda: call("wrong_key", key="sb-wrong"),
    "down": lambda: call("down", model="groq/llama-3.3-70b-versatile"),
    "cut": lambda: call("cut"),
    "cancel_early": leave_early,
    "cancel": leave,
}

if __name__ == "__main__":
    for name, scenario in SCENARIOS.items():
        try:
            answer = scenario()
        except (OSError, subprocess.SubprocessError) as failure:
            answer = {"failed": repr(failure)}
        print(json.dumps({"scenario": name, **answer}), flush=True)
    sys.stdin.read()
