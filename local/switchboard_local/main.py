"""`python -m switchboard_local`: runs the local system, or prints in one sentence why it cannot start."""

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gateway.assembly import dependencies as gateway_dependencies
from gateway.assembly import recorder
from gateway.recording.observability import telemetry
from gateway.settings import Settings
from switchboard.settings import SettingsInvalid
from switchboard.store.dynamodb_client import connect
from switchboard.store.ports import StoreUnavailable
from switchboard_local.aggregator_process import Aggregator
from switchboard_local.data_dir import DataDir, locked_data_dir
from switchboard_local.engine import Engine, EngineMissing, what_to_do
from switchboard_local.engine_database import DatabaseFile
from switchboard_local.errors import CannotStart, UsageError, refused_as
from switchboard_local.first_key import first_key
from switchboard_local.health import Health, StoreProbe
from switchboard_local.last_records import LastRecords, Records
from switchboard_local.local_environment import DEFAULT_TABLE, local_environment
from switchboard_local.log_file import LogFile
from switchboard_local.own_table import own_table
from switchboard_local.screen import Screen, ScreenedTelemetry
from switchboard_local.serve import listen, serve
from switchboard_local.signals import interrupt_on_signals, interrupted_by_signals
from switchboard_local.supervision import StartFailed, Supervised
from switchboard_local.system import build
from switchboard_local.table import create_table


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run until Ctrl-C. Returns the exit code: 0 after it, 1 if it cannot start, 2 for a wrong argument or setting."""
    parser = argparse.ArgumentParser("switchboard_local", description="The whole system on this machine.")
    parser.add_argument("--port", default="8000", help="where to listen on 127.0.0.1; 0 takes a free port")
    parser.add_argument("--data-dir", default=".local", type=Path, help="the folder for the data")
    options = parser.parse_args(arguments)
    try:
        with interrupted_by_signals(), listen(options.port) as listener, locked_data_dir(options.data_dir) as data:
            _run(listener, data, environment, Screen(sys.stdout))
    except CannotStart as refusal:
        print(refusal, file=sys.stderr)
        return refusal.exit_code
    except KeyboardInterrupt:
        pass
    return 0


def _run(listener: socket.socket, data: DataDir, environment: Mapping[str, str], screen: Screen) -> None:
    with ExitStack() as stack:
        with refused_as(f"The data folder {data.path} cannot be used"):
            stack.enter_context(_logged(data, screen.show))
            serving = _start(stack, listener, data, environment, screen)
        try:
            asyncio.run(serving())
        finally:
            interrupt_on_signals()  # the event loop has put the default handlers back


def _start(
    stack: ExitStack, listener: socket.socket, data: DataDir, environment: Mapping[str, str], screen: Screen
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Start every part beside the server. Returns what serves until a signal."""
    port = listener.getsockname()[1]
    endpoint, engine = _engine(stack, data, environment, screen)
    client = connect(endpoint=endpoint, max_tries=2)
    with _usable(endpoint, data):
        table = DEFAULT_TABLE if engine is None else own_table(data, client, environment)
    found = local_environment(environment, port=port, endpoint=endpoint, table=table)
    settings, screened = _settings(found), ScreenedTelemetry(telemetry(), screen)
    dependencies = gateway_dependencies(settings, found, screened)
    with _usable(endpoint, data):
        create_table(client, settings.table_name)
        key = first_key(data.key, dependencies.store, dependencies.clock.now)
    records = recorder(settings, dependencies)
    ask = _asks(partial(client.describe_table, TableName=settings.table_name), engine, data)
    health = _supervise(stack, found, data, screen, engine, ask, records)
    app = build(settings, dependencies, found, records, health)
    data.write_running(table=settings.table_name, endpoint=endpoint)
    last_records = LastRecords(records, screen.show, data.log, screened.count_only)
    return partial(serve, app, listener, partial(screen.welcome, port, key, data), last_records)


def _settings(environment: Mapping[str, str]) -> Settings:
    try:
        return Settings.from_env(environment)
    except SettingsInvalid as invalid:
        raise UsageError(f"{str(invalid).rstrip('.')}.") from invalid


def _engine(
    stack: ExitStack, data: DataDir, environment: Mapping[str, str], screen: Screen
) -> tuple[str, Supervised | None]:
    """The endpoint that the user set, or that of an engine that runs as long as the stack."""
    if endpoint := environment.get("DYNAMODB_ENDPOINT", "").strip():
        return endpoint, None
    try:
        engine = Engine.on(data.path)
        return engine.endpoint, stack.enter_context(Supervised(engine, screen.show))
    except (EngineMissing, StartFailed) as refused:
        raise CannotStart(str(refused)) from refused


@contextmanager
def _usable(endpoint: str, data: DataDir) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, StoreUnavailable) as error:
        reason = what_to_do(str(error).rstrip("."), data.path).rstrip(".")
        raise CannotStart(f"The DynamoDB at {endpoint} cannot be used: {reason}.") from error


def _asks(describe: Callable[[], object], engine: Supervised | None, data: DataDir) -> Callable[[], object]:
    """What the probe of the store calls: the table, and whether our engine's database is still in its place."""
    if engine is None:
        return describe
    file = DatabaseFile(data.path, lambda: engine.condition.restarts)

    def ask() -> None:
        file.check()
        describe()

    return ask


def _supervise(
    stack: ExitStack,
    environment: Mapping[str, str],
    data: DataDir,
    screen: Screen,
    engine: Supervised | None,
    ask: Callable[[], object],
    records: Records,
) -> Health:
    """Start the aggregator, and watch it and the table, which `ask` asks."""
    probe = StoreProbe(ask, screen.show, lambda: engine is not None and not engine.condition.is_running)
    aggregator = Aggregator(environment, data.path, data.log, screen.show)
    return Health(
        store=stack.enter_context(probe),
        engine=engine,
        aggregator=stack.enter_context(Supervised(aggregator, screen.show)),
        stream=aggregator,
        records=records,
    )


@contextmanager
def _logged(data: DataDir, show: Callable[[str], None]) -> Iterator[None]:
    """Redirect what the functions print, and the libraries' warnings, to the log file."""
    with refused_as(f"The log {data.log} cannot be written"):
        log = LogFile(data.log, show, rotates=True)
    with log, redirect_stdout(log):
        logging.basicConfig(stream=log, level=logging.WARNING)
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # a caller that disconnects is not worth a warning
        yield
