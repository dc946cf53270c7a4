"""Powertools' logger and metrics, as the aggregator's telemetry."""

from collections.abc import Mapping, Sequence

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from cost_aggregator.telemetry import NAMESPACE, Emit, Log, Telemetry

SERVICE = "cost_aggregator"


def telemetry() -> Telemetry:
    """Log lines as JSON on stdout, metrics in CloudWatch's embedded format beside them."""
    return Telemetry(_logger(), _emitter())


def _logger() -> Log:
    # Without the code's place and the task's name: both are the same on every line of a kind.
    logger: Log = Logger(service=SERVICE, location=None, taskName=None)
    return logger


def _emitter() -> Emit:
    def emit(metrics: Mapping[str, tuple[str, Sequence[float]]]) -> None:
        document = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
        for name, (unit, values) in metrics.items():
            for value in values:
                document.add_metric(name, MetricUnit(unit), value)
        document.flush_metrics()

    return emit
