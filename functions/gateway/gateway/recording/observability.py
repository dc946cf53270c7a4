"""Powertools' logger and metrics, as the gateway's telemetry."""

import json
import logging
from contextlib import suppress
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from gateway.recording.telemetry import BY_PROVIDER, NAMESPACE, Emit, Log, Telemetry

SERVICE = "gateway"


def telemetry() -> Telemetry:
    """Log lines as JSON on stdout, metrics in CloudWatch's embedded format beside them."""
    return Telemetry(_logger(), _emitter())


def _logger() -> Log:
    for library in ("httpx", "httpcore", "mangum"):  # their lines at INFO name every URL that is called
        logging.getLogger(library).setLevel(logging.WARNING)
    # The code's place and the task's name are the same on every line of a kind.
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # typeshed does not know it yet
    logger: Log = Logger(service=SERVICE, location=None)
    return logger


def _emitter() -> Emit:
    def emit(metrics: dict[str, tuple[str, float]], dimensions: dict[str, str]) -> None:
        document = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
        for name, (unit, amount) in metrics.items():
            document.add_metric(name, MetricUnit(unit), amount)
        with suppress(OSError):  # stdout cannot be written: no reason for a call to fail
            print(json.dumps(_in_dimensions(dict(document.serialize_metric_set()), dimensions)))

    return emit


def _in_dimensions(document: dict[str, Any], dimensions: dict[str, str]) -> dict[str, Any]:
    """The document with a second directive: some of its metrics under the service and these dimensions."""
    [by_service] = directives = document["_aws"]["CloudWatchMetrics"]
    if told := [metric for metric in by_service["Metrics"] if metric["Name"] in BY_PROVIDER and dimensions]:
        directives.append({**by_service, "Dimensions": [["service", *dimensions]], "Metrics": told})
    return document | dimensions
