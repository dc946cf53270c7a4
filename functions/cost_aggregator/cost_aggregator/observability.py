"""Powertools' logger and metrics, as the aggregator's telemetry."""

from collections.abc import Mapping, Sequence

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from cost_aggregator.telemetry import NAMESPACE, Emit, Log, Telemetry

SERVICE = "cost_aggregator"
MAX_VALUES = 99
"""Of one metric in one document. CloudWatch takes 100; at its hundredth, Powertools sends the document by itself."""


def telemetry() -> Telemetry:
    """Log lines as JSON on stdout, metrics in CloudWatch's embedded format beside them."""
    return Telemetry(_logger(), _emitter())


def _logger() -> Log:
    # Without the code's place, which is the same on every line of a kind.
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
            document.flush_metrics()

    return emit
