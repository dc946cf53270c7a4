"""What every Python client's script asks the gateway, and how it prints what came back: a JSON line a scenario."""

import asyncio
import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

BASE_URL = os.environ["GATEWAY_URL"]
KEY = os.environ["GATEWAY_KEY"]
MODEL = "gpt-4.1"
RESULT = "21 degrees and sunny"
_CLAUDE = "claude-sonnet-4-6"
_WRONG_KEY = "sb-wrong"
_DOWN_MODEL = "groq/llama-3.3-70b-versatile"
_LIMIT_S = 40

type Answer = dict[str, Any]
type Scenario = Callable[[], Awaitable[Answer]]
type Act = Callable[[str, str], Awaitable[Answer]]
"""A conversation with a tool: given the scenario (the prompt too) and the model."""

type Speak = Callable[[str, str, str], AsyncGenerator[str]]
"""The pieces of text that the client gets when it streams: given the scenario (the prompt too), model and key."""


def task_id(scenario: str) -> dict[str, str]:
    """The header under which the gateway keeps the trace."""
    return {"x-inference-task-id": f"{os.environ['CLIENT']}-{scenario}"}


async def play(speak: Speak, act: Act, structured: Scenario) -> None:
    """Play every scenario. The last one is `cancel`: the process then stays until its standard input is closed."""
    scenarios: dict[str, Callable[[], Awaitable[Answer]]] = {
        "text": lambda: _stream(speak, "text", MODEL, KEY),
        "tools": lambda: act("tools", MODEL),
        "claude": lambda: act("claude", _CLAUDE),
        "structured": structured,
        "wrong_key": lambda: _stream(speak, "wrong_key", MODEL, _WRONG_KEY),
        "down": lambda: _stream(speak, "down", _DOWN_MODEL, KEY),
        "cut": lambda: _stream(speak, "cut", MODEL, KEY),
        "cancel_early": lambda: _leave_early(speak),
        "cancel": lambda: _leave(speak),
    }
    lines = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # some clients print on standard output
        for name, scenario in scenarios.items():
            try:
                answer = await asyncio.wait_for(scenario(), _LIMIT_S)
            except Exception:  # noqa: BLE001 - the test shows it beside what it expected
                answer = {"failed": traceback.format_exc()}
            print(json.dumps({"scenario": name, **answer}), file=lines, flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _stream(speak: Speak, scenario: str, model: str, key: str) -> Answer:
    text = ""
    try:
        async for piece in speak(scenario, model, key):
            text += piece
    except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
        return {"text": text} | _told(error)
    return {"text": text, "error": None}


async def _leave_early(speak: Speak) -> Answer:
    """Leave before the first word, when a line on standard input says that the provider has the request."""
    pieces = speak("cancel_early", MODEL, KEY)
    first = asyncio.ensure_future(anext(pieces))
    await asyncio.to_thread(sys.stdin.readline)
    left_at = time.time()
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        return {"failed": f"got {await first!r}"}
    await pieces.aclose()
    return {"text": "", "left_at": left_at}


async def _leave(speak: Speak) -> Answer:
    text = ""
    pieces = speak("cancel", MODEL, KEY)
    async for piece in pieces:
        text += piece
        if "two" in text:
            break
    left_at = time.time()
    await pieces.aclose()
    return {"text": text, "left_at": left_at}


def _told(error: Exception) -> Answer:
    """What the error says: its class, and the status and code that clients keep on it."""
    body = getattr(error, "body", None)
    code = getattr(error, "code", None) or (body.get("code") if isinstance(body, dict) else None)
    status = getattr(error, "status_code", None)
    return {"error": type(error).__name__, "status": status, "code": code, "message": str(error)}
