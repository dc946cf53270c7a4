"""The aggregator's entry point on Lambda, for batches of the table's stream and scheduled events."""

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cost_aggregator.assembly import build, dependencies
from cost_aggregator.observability import telemetry
from cost_aggregator.settings import Settings

_aggregator = build(dependencies(Settings.from_env(os.environ), telemetry()))


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, object]:
    """Settle the batch, or find lost calls."""
    return _aggregator.handle(event, context.get_remaining_time_in_millis)
