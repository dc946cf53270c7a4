"""OpenAI's own npm package reads every provider's answers through the gateway."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testkit.missing import missing
from testkit.twins.gateway import GATEWAY_KEY, headers_for, twin_gateway
from testkit.twins.provider_twins import DIALECTS
from testkit.twins.sdk_calls import ASK_FOR_TEXT, ASK_FOR_TOOLS, CALLS, DEFINITIONS, SPOKEN, reply_to

SCRIPT = Path(__file__).with_name("test_normalised_calls.mjs")
SDK = Path(__file__).parents[2] / "node_modules" / "openai"


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """The package's results for every provider's answers, all from one process."""
    node = shutil.which("node")
    if node is None or not SDK.exists():
        missing("Node.js is not on the PATH, or the npm package `openai` is not installed")
    with twin_gateway() as gateway:
        gateway.twins.reply = reply_to
        jobs = [
            {"name": row.name, "model": row.thinking_model, "headers": headers_for(row.base_url) | dict(row.headers)}
            for row in DIALECTS
        ]
        given = {"baseURL": f"{gateway.url}/v1", "apiKey": GATEWAY_KEY, "jobs": jobs, "tools": DEFINITIONS}
        ended = subprocess.run(
            [node, str(SCRIPT)],
            input=json.dumps(given | {"talk": ASK_FOR_TEXT, "act": ASK_FOR_TOOLS}),
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert gateway.twins.refused == []
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.mark.parametrize("name", [row.name for row in DIALECTS])
def test_it_accumulates_every_stream(answers: dict[str, Any], name: str) -> None:
    heard = answers[name]
    assert "error" not in heard, heard
    assert (heard["text"], heard["role"], heard["finishReason"]) == (SPOKEN, "assistant", "stop")
    assert heard["promptTokens"] > 0
    assert [{"name": call["name"], "arguments": call["arguments"]} for call in heard["toolCalls"]] == CALLS
    assert {call["type"] for call in heard["toolCalls"]} == {"function"}
    assert len({call["id"] for call in heard["toolCalls"]} - {None, ""}) == len(CALLS)
