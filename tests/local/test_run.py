"""`make run`: a call is streamed, stored, and still there after a restart."""

import json
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx

from testkit.local_system import LocalSystem, local_system

DEMO = {"model": "demo/echo", "stream": True, "messages": [{"role": "user", "content": "Count with me to seven now"}]}


def stream_words(system: LocalSystem, task_id: str) -> list[tuple[float, str]]:
    """A streamed call: each word with its time of arrival."""
    headers = {**system.headers, "x-inference-task-id": task_id}
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("POST", f"{system.base_url}/chat/completions", json=DEMO, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        chunks = (line for line in answer.iter_lines() if line.startswith("data: {"))
        return [(time.monotonic(), word) for line in chunks if (word := _word(line))]


def _word(line: str) -> str:
    choices = json.loads(line.removeprefix("data: "))["choices"]
    return choices[0]["delta"].get("content") or "" if choices else ""


def test_it_starts_in_time_and_prints_addresses_and_paths(system: LocalSystem) -> None:
    assert system.started_in_s < 5
    for words in (f"{system.base_url}", f"{system.address}/console", system.key, str(system.data_dir), "gateway.log"):
        assert words in system.terminal.text


def test_the_answer_comes_word_by_word(system: LocalSystem) -> None:
    heard = stream_words(system, "word-by-word")
    assert "Count with me to seven now" in "".join(word for _, word in heard)
    first, last = heard[0][0], heard[-1][0]
    assert last - first > (len(heard) - 1) / 40 * 0.8  # not in one burst
    trace = system.recorded("word-by-word")
    assert (trace["status"], trace["provider"], trace["model"]) == ("ok", "demo", "demo/echo")
    assert 100 < trace["ttft_ms"] < trace["duration_ms"]
    assert trace["usage"]["output"] == len(heard)


def test_the_printed_curl_works(system: LocalSystem) -> None:
    lines = system.terminal.text.split("curl -N", 1)[1].split("\n\n", 1)[0]
    pasted = subprocess.run(
        ["/bin/sh", "-c", f"curl -sN {lines}"], capture_output=True, text=True, timeout=10, check=True, cwd="/"
    )
    assert pasted.stdout.rstrip().endswith("data: [DONE]")


def test_console_and_gateway_share_the_address(system: LocalSystem) -> None:
    page = httpx.get(f"{system.address}/console", follow_redirects=True, trust_env=False)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    models = httpx.get(f"{system.base_url}/models", headers=system.headers, trust_env=False).json()
    assert "demo/echo" in [model["id"] for model in models["data"]]


def test_refusals_are_printed_on_the_terminal(system: LocalSystem) -> None:
    answer = httpx.post(
        f"{system.base_url}/chat/completions", json=DEMO, headers={"authorization": "Bearer sb-no"}, trust_env=False
    )
    assert answer.status_code == 401
    assert "key_unknown" in system.terminal.line_with("refused")
    assert "sb-no" not in system.terminal.text


def test_control_characters_of_a_caller_are_not_printed(system: LocalSystem) -> None:
    body = {"model": "evil\x1b[2J/x", "messages": [{"role": "user", "content": "hi"}]}
    httpx.post(
        f"{system.base_url}/chat/completions",
        json=body,
        headers={**system.headers, "x-inference-task-id": "steering"},
        trust_env=False,
    )
    system.terminal.line_with("steering")
    assert "\x1b" not in system.terminal.text


def test_only_the_owner_can_read_the_key_file(system: LocalSystem) -> None:
    path = system.data_dir / "gateway-key"
    assert path.read_text().strip() == system.key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_log_holds_each_call_and_no_key(system: LocalSystem) -> None:
    stream_words(system, "logged")
    system.recorded("logged")
    log = (system.data_dir / "gateway.log").read_text()
    (line,) = [json.loads(row) for row in log.splitlines() if "call.completed" in row and '"logged"' in row]
    assert line["status"] == "ok"
    assert '"CloudWatchMetrics"' in log
    assert system.key not in log


def test_a_restart_keeps_calls_and_key(tmp_path: Path) -> None:
    with local_system(tmp_path) as system:
        stream_words(system, "kept")
        before, key = system.recorded("kept"), system.key
        assert system.interrupt() < 3
        assert system.process.returncode == 0
    with local_system(tmp_path) as system:
        assert system.key == key
        assert system.traces(task_id="kept") == [before]


def test_a_key_that_is_missing_in_the_table_is_put_again(tmp_path: Path) -> None:
    with local_system(tmp_path) as system:
        key = system.key
    (tmp_path / "dynamodb.sqlite").unlink()
    with local_system(tmp_path) as system:
        assert system.key == key
        assert system.traces() == []


def test_another_dynamodb_endpoint_can_be_used(tmp_path: Path, dynamodb_endpoint: str, table: str) -> None:
    own = {"DYNAMODB_ENDPOINT": dynamodb_endpoint, "TABLE_NAME": table}
    with local_system(tmp_path, own, needs_engine=False) as system:
        stream_words(system, "elsewhere")
        assert system.recorded("elsewhere")["status"] == "ok"
    assert not (tmp_path / "dynamodb.sqlite").exists()


def test_a_folder_with_a_space_is_quoted(tmp_path: Path) -> None:
    with local_system(tmp_path / "my data") as system:
        assert shlex.quote(str(tmp_path / "my data" / "gateway-key")) in system.terminal.text


def test_the_command_line_finds_the_running_system(system: LocalSystem) -> None:
    command = [str(Path(sys.executable).with_name("switchboard")), "keys", "create", "--data-dir", str(system.data_dir)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    answer = httpx.get(f"{system.address}/api/traces", headers={"authorization": f"Bearer {made}"}, trust_env=False)
    assert answer.status_code == 403  # the key is valid, but only for calls


def test_a_web_page_cannot_use_the_demo_provider(system: LocalSystem) -> None:
    """A browser sends such a request for any page, without asking the server first."""
    for path in ("/demo/v1/chat/completions", "/demo/v1/AAAAAAAAAAAAAAAAAAAAAA/chat/completions"):
        answer = httpx.post(
            f"{system.address}{path}",
            content=json.dumps(DEMO),
            headers={"origin": "https://page.example", "content-type": "text/plain"},
            trust_env=False,
        )
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers
