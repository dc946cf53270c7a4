import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.recording.telemetry import NAMESPACE, Telemetry
from switchboard.domain.trace import ABANDONED, Failure, Status
from testkit.running_gateway import RecordedLog
from testkit.samples import a_lost_hedge, a_usual_attempt
from testkit.told_calls import (
    Metrics,
    answered,
    heard,
    real_telemetry,
    say_everything,
)

PAGE = (Path(__file__).parents[4] / "docs" / "logs.md").read_text(encoding="utf-8")


def _table(text: str) -> Iterator[list[str]]:
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return ([cell.strip() for cell in row] for row in rows)


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
    real = real_telemetry()
    say_everything(real)
    real.completed(replace(answered(), attempts=(a_usual_attempt(), a_lost_hedge())), 200)
    emitted = {metric for document in _documents(capsys.readouterr().out) for metric in _directives(document)}
    _, _, page = PAGE.partition("\n## Metrics")
    documented: set[tuple[str, str, tuple[str, ...]]] = set()
    for name, unit, also_by, *_ in _table(page):
        documented.add((name.strip("`"), unit, ("service",)))
        documented |= {(name.strip("`"), unit, ("service", also_by.strip("`")))} if also_by else set()
    assert emitted == documented
    assert f"`{NAMESPACE}`" in page


def test_a_call_is_counted_by_service_and_by_provider_in_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    real_telemetry().completed(replace(answered(), attempts=(a_usual_attempt(),)), 200)
    (document,) = _documents(capsys.readouterr().out)
    by_provider = [("Calls", "Count"), ("Errors", "Count"), ("TTFT", "Milliseconds")]
    by_service = [*by_provider, ("GatewayOverhead", "Milliseconds"), ("ColdStarts", "Count")]
    assert list(_directives(document)) == [
        *((name, unit, ("service",)) for name, unit in by_service),
        *((name, unit, ("service", "provider")) for name, unit in by_provider),
    ]
    assert (document["provider"], document["service"]) == ("anthropic", "gateway")
    assert (document["TTFT"], document["Errors"], document["ColdStarts"]) == ([412.5], [0.0], [1.0])


@pytest.mark.parametrize("status", sorted(ABANDONED))
def test_a_call_that_nobody_waits_for_any_more_is_no_error(status: Status) -> None:
    metrics: Metrics = []
    given_up = replace(answered(), status=status, failure=Failure("barge_in", "A later turn began.", 499))
    Telemetry(RecordedLog(), lambda values, dimensions: metrics.append((values, dimensions))).completed(given_up, 499)
    assert [values["Errors"] for values, _ in metrics if "Errors" in values] == [("Count", 0.0)]


def test_only_a_sandboxs_first_call_is_a_cold_start() -> None:
    log, metrics = heard()
    starts = [line["is_cold_start"] for _, event, line in log.lines if event == "call.completed"]
    assert starts == [True, False, False]
    assert sum(values["ColdStarts"][1] for values, _ in metrics if "ColdStarts" in values) == 1


def test_errors_and_failed_attempts_are_counted() -> None:
    _, metrics = heard()
    calls = [(dimensions["provider"], values["Errors"][1]) for values, dimensions in metrics if "Errors" in values]
    failed = [values["FailedAttempts"][1] for values, _ in metrics if "FailedAttempts" in values]
    assert calls == [("anthropic", 0), ("anthropic", 1), ("none", 1)]
    assert failed == [1, 1], "the refused call had no attempt"


def test_what_never_happened_is_not_measured() -> None:
    _, metrics = heard()
    refused = next(values for values, dimensions in metrics if dimensions == {"provider": "none"})
    assert set(refused) == {"Calls", "Errors"}
