"""The aggregator's telemetry on Powertools' logger and metrics."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from cost_aggregator.telemetry import NAMESPACE, Emit, Log, Telemetry

SERVICE = "cost_aggregator"
MAX_VALUES = 99
"""Of one metric in one document. CloudWatch's limit is 100, but Powertools flushes the document itself at the 100th."""


def telemetry() -> Telemetry:
    """Log lines as JSON on stdout, metrics in CloudWatch's embedded metric format."""
    return Telemetry(_logger(), _emitter())


def _logger() -> Log:
    # Without the code location, which is the same for every line of an event.
    logger: Log = Logger(service=SERVICE, location=None)
    return logger


def _emitter() -> Emit:
    def emit(metrics: Mapping[str, tuple[str, Sequence[float]]]) -> None:
        longest = max((len(values) for _, values in metrics.values()), default=0)
        for start in range(0, longest, MAX_VALUES):
            document = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
            for name, (unit, values) in metrics.items():
                for value in values[start : start + MAX_VALUES]:
                    document.add_metric(name, MetricUnit(unit), value)
            with suppress(OSError):  # stdout cannot be written: no reason to settle a batch again
                document.flush_metrics()

    return emit
