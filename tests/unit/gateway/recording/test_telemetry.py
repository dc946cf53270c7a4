import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import response_streaming
from gateway.recording.observability import SERVICE, telemetry
from gateway.recording.telemetry import COMPLETED, NAMESPACE, Telemetry
from switchboard.domain.trace import ABANDONED, Failure, RequestIds, Status, Trace
from switchboard.domain.usage import ABSENT
from testkit.running_gateway import RecordedLog
from testkit.samples import a_lost_hedge, a_usual_attempt, a_usual_usage, an_open_trace

PAGE = (Path(__file__).parents[4] / "docs" / "logs.md").read_text(encoding="utf-8")
UNKNOWN = Failure("key_unknown", "The gateway does not know the key key_0123456789ab.", 401)
IDS = RequestIds(None, "a-1", "b-2")
BROKEN = Failure("upstream_cut", "groq (api.groq.com): the answer was cut off", 502)

A_REFUSED_ATTEMPT = replace(a_usual_attempt(), host="api.first.test", outcome="ConnectFailed", error="refused")

type Metrics = list[tuple[dict[str, tuple[str, float]], dict[str, str]]]


def _real() -> Telemetry:
    """The telemetry of the deployed gateway, writing to this test's standard output."""
    logging.Logger.manager.loggerDict.pop(SERVICE, None)  # a logger keeps the stream that it was made with
    return telemetry()


def _answered() -> Trace:
    return replace(
        an_open_trace(),
        status=Status.OK,
        ttft_ms=412.5,
        duration_ms=1840.25,
        gateway_ms=3.1,
        queue_ms=0.5,
        usage=a_usual_usage(),
        finish_reason="stop",
        attempts=(A_REFUSED_ATTEMPT, a_usual_attempt()),
        notes=("left out max_tokens",),
    )


def _refused() -> Trace:
    return replace(
        an_open_trace(), status=Status.REFUSED, provider=None, model=None, streamed=False, failure=UNKNOWN, metadata={}
    )


def _say_everything(spoken: Telemetry) -> None:
    spoken.opened(an_open_trace())
    spoken.completed(_answered(), 200)
    spoken.completed(replace(_answered(), failure=BROKEN, status=Status.TRUNCATED), 200)
    spoken.completed(_refused(), 400)
    spoken.refused(UNKNOWN, "key_0123456789ab", "T", IDS)
    spoken.turn_untracked("T", "arrival", "Could not connect", IDS)
    spoken.unwritten(_answered(), COMPLETED, "Could not connect")
    try:
        Path("/dev/null/nothing").read_bytes()
    except OSError:
        spoken.failed("T", IDS)


def _heard() -> tuple[RecordedLog, Metrics]:
    log, metrics = RecordedLog(), []  # type: tuple[RecordedLog, Metrics]
    _say_everything(Telemetry(log, lambda values, dimensions: metrics.append((values, dimensions))))
    return log, metrics


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
    log, _ = _heard()
    written: dict[str, set[str]] = {}
    for _, event, line in log.lines:
        assert written.setdefault(event, set(line)) == set(line), f"{event} has the same fields every time"
    assert written == _documented_events()


def _documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if "_aws" in line]


def _directives(document: dict[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Name, unit and dimensions of each metric, as CloudWatch makes them of a line."""
    for directive in document["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == NAMESPACE
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(document[name], str) for name in dimensions)
            for metric in directive["Metrics"]:
                assert metric["Name"] in document
                yield metric["Name"], metric["Unit"], tuple(dimensions)


def test_the_page_names_every_metric_with_its_unit_and_dimensions(capsys: pytest.CaptureFixture[str]) -> None:
    real = _real()
    _say_everything(real)
    real.completed(replace(_answered(), attempts=(a_usual_attempt(), a_lost_hedge())), 200)
    emitted = {metric for document in _documents(capsys.readouterr().out) for metric in _directives(document)}
    _, _, page = PAGE.partition("\n## Metrics")
    documented: set[tuple[str, str, tuple[str, ...]]] = set()
    for name, unit, also_by, *_ in _table(page):
        documented.add((name.strip("`"), unit, ("service",)))
        documented |= {(name.strip("`"), unit, ("service", also_by.strip("`")))} if also_by else set()
    assert emitted == documented
    assert f"`{NAMESPACE}`" in page


def test_the_page_names_the_levels() -> None:
    log, _ = _heard()
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
    _say_everything(_real())
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


def test_a_call_is_counted_by_service_and_by_provider_in_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    _real().completed(replace(_answered(), attempts=(a_usual_attempt(),)), 200)
    (document,) = _documents(capsys.readouterr().out)
    by_provider = [("Calls", "Count"), ("Errors", "Count"), ("TTFT", "Milliseconds")]
    by_service = [*by_provider, ("GatewayOverhead", "Milliseconds"), ("ColdStarts", "Count")]
    assert list(_directives(document)) == [
        *((name, unit, ("service",)) for name, unit in by_service),
        *((name, unit, ("service", "provider")) for name, unit in by_provider),
    ]
    assert (document["provider"], document["service"]) == ("anthropic", "gateway")
    assert (document["TTFT"], document["Errors"], document["ColdStarts"]) == ([412.5], [0.0], [1.0])


def test_no_metadata_but_the_conversations_id_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    values = {f"key-{n}": f"canary-{n}" for n in range(20)} | {"caller-id": "+49canary", "conversation-id": "conv_1"}
    real = _real()
    real.opened(replace(an_open_trace(), metadata=values))
    real.completed(replace(_answered(), metadata=values, failure=BROKEN), 200)
    out = capsys.readouterr().out
    assert out.count("conv_1") == 2
    assert "canary" not in out


def test_what_is_said_of_a_completed_call() -> None:
    log, _ = _heard()
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
    telemetry.completed(replace(_answered(), attempts=(cut, late, a_lost_hedge())), 200)
    for attempt in (a_usual_attempt(), cut):
        telemetry.completed(replace(_answered(), attempts=(attempt, a_lost_hedge())), 200)
        telemetry.completed(replace(_answered(), attempts=(replace(cut, host="late.test"), attempt)), 200)
    assert {line["upstream"] for _, _, line in log.lines} == {"api.anthropic.com"}


@pytest.mark.parametrize("status", sorted(ABANDONED))
def test_a_call_that_nobody_waits_for_any_more_is_no_error(status: Status) -> None:
    metrics: Metrics = []
    given_up = replace(_answered(), status=status, failure=Failure("barge_in", "A later turn began.", 499))
    Telemetry(RecordedLog(), lambda values, dimensions: metrics.append((values, dimensions))).completed(given_up, 499)
    assert [values["Errors"] for values, _ in metrics if "Errors" in values] == [("Count", 0.0)]


def test_absent_usage_is_not_said_to_be_nought() -> None:
    log = RecordedLog()
    Telemetry(log, lambda _values, _dimensions: None).completed(replace(_answered(), usage=ABSENT), 200)
    line = log.lines[0][2]
    names = ("prompt_tokens", "cache_read_tokens", "completion_tokens", "usage_source")
    assert [line[name] for name in names] == [None, None, None, "absent"]


def test_only_a_sandboxs_first_call_is_a_cold_start() -> None:
    log, metrics = _heard()
    starts = [line["is_cold_start"] for _, event, line in log.lines if event == "call.completed"]
    assert starts == [True, False, False]
    assert sum(values["ColdStarts"][1] for values, _ in metrics if "ColdStarts" in values) == 1


def test_errors_and_failed_attempts_are_counted() -> None:
    _, metrics = _heard()
    calls = [(dimensions["provider"], values["Errors"][1]) for values, dimensions in metrics if "Errors" in values]
    failed = [values["FailedAttempts"][1] for values, _ in metrics if "FailedAttempts" in values]
    assert calls == [("anthropic", 0), ("anthropic", 1), ("none", 1)]
    assert failed == [1, 1], "the refused call had no attempt"


def test_what_never_happened_is_not_measured() -> None:
    _, metrics = _heard()
    refused = next(values for values, dimensions in metrics if dimensions == {"provider": "none"})
    assert set(refused) == {"Calls", "Errors"}
