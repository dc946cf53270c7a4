"""The lines on the terminal."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from gateway.recording.telemetry import Telemetry
from switchboard.domain.trace import Failure, Status, Trace
from switchboard_local.data_dir import DataDir
from switchboard_local.screen import Screen, ScreenedTelemetry, line_of
from testkit.filled import call_every_method
from testkit.running_gateway import RecordedLog

TRACE = Trace(
    trace_id="01",
    project="default",
    task_id="booking",
    environment="default",
    started_at=datetime(2026, 11, 20, 12, 0, 1, tzinfo=UTC),
    status=Status.OK,
    streamed=True,
    key_id="key_1",
    model="demo/echo",
    ttft_ms=151.6,
    duration_ms=1204.2,
)


def test_a_call_is_one_line() -> None:
    words = line_of(TRACE).split("  ")
    assert [word.strip() for word in words if word.strip()][1:] == [
        "ok",
        "booking",
        "demo/echo",
        "TTFT 152 ms",
        "whole 1204 ms",
    ]


def test_a_failed_call_has_its_failure_in_the_line() -> None:
    failed = replace(TRACE, status=Status.TIMEOUT, ttft_ms=None, failure=Failure("first_token_late", "Too late.", 504))
    line = line_of(failed)
    assert "first_token_late: Too late." in line
    assert "TTFT" not in line


@pytest.mark.parametrize("hostile", ["a\x1b[2Jb", "a\nb", "a\x07b", "a\u202eb"])
def test_control_characters_are_replaced(hostile: str) -> None:
    assert "a?b" in line_of(replace(TRACE, task_id=hostile)).replace("[2J", "")


def test_a_closed_terminal_raises_nothing() -> None:
    out = StringIO()
    out.close()
    Screen(out).show("hello")


def test_the_curl_works_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = StringIO()
    Screen(out).welcome(8000, "sb-key", DataDir(Path("my data")))
    assert f"$(cat '{tmp_path}/my data/gateway-key')" in out.getvalue()
    assert '{"model": "demo/echo"' in out.getvalue()


def test_every_event_reaches_the_log_and_the_metrics() -> None:
    log, metrics = RecordedLog(), []  # type: tuple[RecordedLog, list[object]]
    plain, plain_metrics = RecordedLog(), []  # type: tuple[RecordedLog, list[object]]
    inner = Telemetry(log, lambda values, dimensions: metrics.append((values, dimensions)))
    screened = ScreenedTelemetry(inner, Screen(StringIO()))
    screened.count_only()
    call_every_method(screened)
    call_every_method(Telemetry(plain, lambda values, dimensions: plain_metrics.append((values, dimensions))))
    assert sorted(log.events()) == sorted(plain.events())
    assert len(metrics) == len(plain_metrics)
