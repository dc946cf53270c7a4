"""Runs the cost aggregator on the local table's stream, and on schedule."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cost_aggregator.assembly
import cost_aggregator.settings
from cost_aggregator.observability import telemetry
from switchboard.store.dynamodb_client import connect
from switchboard_local.engine_database import has_stream
from switchboard_local.event_filter import EventFilter
from switchboard_local.event_source import EventSource
from switchboard_local.poison_file import PoisonFile
from switchboard_local.retention import Retention
from switchboard_local.schedule import Schedule
from switchboard_local.table import load_template
from switchboard_local.table_stream import Checkpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

CHECKPOINT = "stream.json"
POISON = "poison.jsonl"


@contextmanager
def aggregating(
    environment: Mapping[str, str],
    data_dir: Path,
    show: Callable[[str], None],
    *,
    has_read: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Settle calls while the block runs.

    `environment` names the engine and an existing table. `show` prints a line on the terminal. `has_read` is called
    about once a second while the stream can be read. Raises botocore's errors if the engine does not answer, and
    FilterInvalid.
    """
    settings = cost_aggregator.settings.Settings.from_env(environment)
    client = connect(endpoint=settings.dynamodb_endpoint)
    table = client.describe_table(TableName=settings.table_name)["Table"]
    poison = PoisonFile(data_dir / POISON, show)
    told = telemetry()
    # Two, as Lambda would start two sandboxes: none is for two threads.
    settling, sweeping = (
        cost_aggregator.assembly.build(cost_aggregator.assembly.dependencies(settings, told, poison)) for _ in range(2)
    )
    source = EventSource(
        endpoint=settings.dynamodb_endpoint,
        stream_arn=table["LatestStreamArn"],
        checkpoint=data_dir / CHECKPOINT,
        event_filter=EventFilter.of_stream(load_template()),
        handle=settling.handle,
        show=show,
        has_read=has_read,
    )
    with ExitStack() as stack:
        stack.enter_context(source)
        stack.enter_context(Schedule(sweeping.handle, show))
        if has_stream(data_dir, table["LatestStreamArn"]):
            stack.enter_context(_retention(client, table, data_dir))
        yield


def _retention(client: "DynamoDBClient", table: "TableDescriptionTypeDef", data_dir: Path) -> Retention:
    arn = table["LatestStreamArn"]
    return Retention(
        client,
        table["TableName"],
        data_dir=data_dir,
        stream_arn=arn,
        done=lambda shard_id: Checkpoint(data_dir / CHECKPOINT, arn).done(shard_id),
    )
