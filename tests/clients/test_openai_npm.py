"""OpenAI's own npm package, with the gateway as its base URL and no other option (the calls are in calls.mjs)."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testkit.local_system import LocalSystem
from testkit.missing import missing

CALLS = Path(__file__).with_name("calls.mjs")
SDK = Path(__file__).parents[2] / "node_modules" / "openai"


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node.js. Skips the test without it or without the package (in CI it fails)."""
    found = shutil.which("node")
    if found is None or not SDK.exists():
        missing("Node.js is not on the PATH" if found is None else "the npm package `openai` is not installed")
    return found


def call(node: str, system: LocalSystem, name: str, key: str | None = None) -> Any:
    environment = {**os.environ, "GATEWAY_URL": system.base_url, "GATEWAY_KEY": key or system.key}
    ended = subprocess.run(
        [node, str(CALLS), name], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_it_streams_text_and_no_usage_that_was_not_asked_for(node: str, system: LocalSystem) -> None:
    heard = call(node, system, "stream")
    assert "Hello from Node" in heard["text"]
    assert (heard["finishReason"], heard["usage"]) == ("stop", None)


def test_it_reads_usage_when_asked_for(node: str, system: LocalSystem) -> None:
    heard = call(node, system, "usage")
    assert heard["usage"]["prompt_tokens"] == 3
    assert heard["usage"]["completion_tokens"] == heard["words"]


def test_it_reads_a_whole_answer(node: str, system: LocalSystem) -> None:
    answer = call(node, system, "whole")
    assert "Hello from Node" in answer["choices"][0]["message"]["content"]
    assert answer["usage"]["prompt_tokens"] == 3


def test_it_streams_a_tool_call_and_its_round_trip(node: str, system: LocalSystem) -> None:
    got = call(node, system, "roundTrip")
    assert got["toolCall"]["name"] == "get_weather"
    assert "city" in json.loads(got["toolCall"]["arguments"])
    assert "21 degrees and sunny" in got["spoken"]


def test_it_lists_models(node: str, system: LocalSystem) -> None:
    assert "demo/echo" in call(node, system, "models")


def test_a_bad_key_is_its_authentication_error(node: str, system: LocalSystem) -> None:
    assert call(node, system, "refused", key="sb-wrong") == {
        "error": "AuthenticationError",
        "isAuthentication": True,
        "code": "key_unknown",
    }
