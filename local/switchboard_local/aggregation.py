"""The cost aggregator on this machine: the pump's end of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cost_aggregator.assembly
import cost_aggregator.settings
from cost_aggregator.observability import telemetry
from switchboard.store.dynamodb_client import connect
from switchboard_local.event_filter import EventFilter
from switchboard_local.pump import Pump
from switchboard_local.shown_poison import ShownPoison
from switchboard_local.table import load_template

CHECKPOINT = "stream.json"
POISON = "poison.jsonl"


@contextmanager
def aggregating(environment: Mapping[str, str], data_dir: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Settles calls for as long as the block lasts.

    `environment` names the table and the engine, and the table is there. `say` shows a line to a person. Raises
    botocore's errors when the engine does not answer, and FilterInvalid.
    """
    settings = cost_aggregator.settings.Settings.from_env(environment)
    table = connect(endpoint=settings.dynamodb_endpoint).describe_table(TableName=settings.table_name)["Table"]
    poison = ShownPoison(data_dir / POISON, say)
    aggregator = cost_aggregator.assembly.build(cost_aggregator.assembly.dependencies(settings, telemetry(), poison))
    with Pump(
        endpoint=settings.dynamodb_endpoint,
        stream_arn=table["LatestStreamArn"],
        checkpoint=data_dir / CHECKPOINT,
        event_filter=EventFilter.of_stream(load_template()),
        handle=aggregator.handle,
        say=say,
    ):
        yield
