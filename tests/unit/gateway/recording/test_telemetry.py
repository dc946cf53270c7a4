import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import response_streaming
from gateway.recording.telemetry import Telemetry
from switchboard.domain.trace import Status
from switchboard.domain.usage import ABSENT
from testkit.running_gateway import RecordedLog
from testkit.samples import a_lost_hedge, a_usual_attempt, an_open_trace
from testkit.told_calls import (
    BROKEN,
    answered,
    heard,
    real_telemetry,
    say_everything,
)

PAGE = (Path(__file__).parents[4] / "docs" / "logs.md").read_text(encoding="utf-8")


def _table(text: str) -> Iterator[list[str]]:
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return ([cell.strip() for cell in row] for row in rows)


def _documented_events() -> dict[str, set[str]]:
    logs, _, _ = PAGE.partition("\n## The streaming layer's lines")
    sections = re.split(r"^### `([a-z.]+)`$", logs, flags=re.MULTILINE)[1:]
    return {
        event: {row[0].strip("`") for row in _table(text)}
        for event, text in zip(sections[::2], sections[1::2], strict=True)
    }


def test_the_page_names_every_event_and_exactly_its_fields() -> None:
    log, _ = heard()
    written: dict[str, set[str]] = {}
    for _, event, line in log.lines:
        assert written.setdefault(event, set(line)) == set(line), f"{event} has the same fields every time"
    assert written == _documented_events()


def test_the_page_names_the_levels() -> None:
    log, _ = heard()
    levels = {"info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR"}
    for level, event, _ in log.lines:
        assert re.search(rf"^### `{re.escape(event)}`\n\nLevel {levels[level]}\. ", PAGE, flags=re.MULTILINE), event


def test_the_page_names_every_event_of_the_streaming_layer() -> None:
    layer = Path(response_streaming.__file__).parent
    source = "".join(module.read_text(encoding="utf-8") for module in layer.glob("*.py"))
    _, _, page = PAGE.partition("\n## The streaming layer's lines")
    rows = _table(page.partition("\n## Metrics")[0])
    written = set(re.findall(r"""_log\.\w+\(\s*f?["']([a-z.]+)""", source))
    assert {row[0].strip("`") for row in rows} == written


def test_the_page_names_every_way_a_call_can_end() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `status`"))
    ended = set(Status) - {Status.OPEN, Status.LOST}
    assert set(re.findall(r"`([a-z_]+)`", row)) == {"status", *ended}


def test_real_lines_have_the_documented_fields_and_leave_out_empty_ones(capsys: pytest.CaptureFixture[str]) -> None:
    say_everything(real_telemetry())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    events = [line for line in lines if "_aws" not in line]
    head, error = {"level", "message", "timestamp", "service"}, {"exception", "exception_name", "stack_trace"}
    documented = _documented_events()
    assert {line["message"] for line in events} == set(documented)
    for line in events:
        extra = error if line["message"] == "gateway.failed" else set()
        assert head | extra <= set(line) <= head | extra | documented[line["message"]]
        assert None not in line.values()
    refused = events[3]
    assert (refused["status"], refused["http_status"]) == ("refused", 400)
    assert not {"provider", "model", "ttft_ms", "conversation_id", "prompt_tokens"} & set(refused)


def test_no_metadata_but_the_conversations_id_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    values = {f"key-{n}": f"canary-{n}" for n in range(20)} | {"caller-id": "+49canary", "conversation-id": "conv_1"}
    real = real_telemetry()
    real.opened(replace(an_open_trace(), metadata=values))
    real.completed(replace(answered(), metadata=values, failure=BROKEN), 200)
    out = capsys.readouterr().out
    assert out.count("conv_1") == 2
    assert "canary" not in out


def test_what_is_said_of_a_completed_call() -> None:
    log, _ = heard()
    line = next(line for _, event, line in log.lines if event == "call.completed")
    expected: dict[str, Any] = {
        "task_id": "booking",
        "conversation_id": "conv_01jzq8",
        "status": "ok",
        "http_status": 200,
        "finish_reason": "stop",
        "attempts": 2,
        "failed_attempts": ["api.first.test ConnectFailed"],
        "is_hedged": False,
        "turn_id": None,
        "retry": None,
        "buffered_ms": None,
        "upstream": "api.anthropic.com",
        "upstream_status": 200,
        "ttft_ms": 412.5,
        "duration_ms": 1840.25,
        "gateway_ms": 3.1,
        "queue_ms": 0.5,
        "prompt_tokens": 20692,
        "cache_read_tokens": 20480,
        "completion_tokens": 87,
        "usage_source": "provider",
        "notes": ["left out max_tokens"],
        "error": None,
        "error_message": None,
    }
    assert {name: line[name] for name in expected} == expected


def test_the_upstream_is_the_one_that_answered_whatever_began_after_it() -> None:
    log = RecordedLog()
    telemetry = Telemetry(log, lambda _values, _dimensions: None)
    cut = replace(a_usual_attempt(), outcome="UpstreamCut")
    late = replace(cut, outcome="FirstTokenLate", host="late.test", ttft_ms=None)
    telemetry.completed(replace(answered(), attempts=(cut, late, a_lost_hedge())), 200)
    for attempt in (a_usual_attempt(), cut):
        telemetry.completed(replace(answered(), attempts=(attempt, a_lost_hedge())), 200)
        telemetry.completed(replace(answered(), attempts=(replace(cut, host="late.test"), attempt)), 200)
    assert {line["upstream"] for _, _, line in log.lines} == {"api.anthropic.com"}


def test_absent_usage_is_not_said_to_be_nought() -> None:
    log = RecordedLog()
    Telemetry(log, lambda _values, _dimensions: None).completed(replace(answered(), usage=ABSENT), 200)
    line = log.lines[0][2]
    names = ("prompt_tokens", "cache_read_tokens", "completion_tokens", "usage_source")
    assert [line[name] for name in names] == [None, None, None, "absent"]
