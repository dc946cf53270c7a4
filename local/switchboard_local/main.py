"""`python -m switchboard_local`: runs the local system, or prints in one sentence why it cannot start."""

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from gateway.assembly import Dependencies
from gateway.assembly import dependencies as gateway_dependencies
from gateway.recording.observability import telemetry
from gateway.settings import Settings
from switchboard.settings import SettingsInvalid
from switchboard.store.dynamodb_client import connect
from switchboard.store.ports import StoreUnavailable
from switchboard_local.aggregator_process import aggregator_process
from switchboard_local.data_dir import DataDir, locked_data_dir
from switchboard_local.engine import EngineFailed, EngineMissing, running_engine
from switchboard_local.errors import CannotStart, UsageError
from switchboard_local.first_key import first_key
from switchboard_local.local_environment import local_environment
from switchboard_local.screen import Screen, ScreenedTelemetry
from switchboard_local.serve import listen, serve
from switchboard_local.system import build
from switchboard_local.table import create_table


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run until Ctrl-C. Returns the exit code: 0 after it, 1 if it cannot start, 2 for a wrong argument or setting."""
    parser = argparse.ArgumentParser("switchboard_local", description="The whole system on this machine.")
    parser.add_argument("--port", default="8000", help="where to listen on 127.0.0.1; 0 takes a free port")
    parser.add_argument("--data-dir", default=".local", type=Path, help="the folder for the data")
    options = parser.parse_args(arguments)
    try:
        with listen(options.port) as listener, locked_data_dir(options.data_dir) as data:
            _run(listener, data, environment, Screen(sys.stdout))
    except CannotStart as refusal:
        print(refusal, file=sys.stderr)
        return refusal.exit_code
    except KeyboardInterrupt:
        pass
    return 0


def _run(listener: socket.socket, data: DataDir, environment: Mapping[str, str], screen: Screen) -> None:
    port = listener.getsockname()[1]
    with _logged(data), _engine(data, environment) as endpoint:
        found = local_environment(environment, port=port, endpoint=endpoint)
        try:
            settings = Settings.from_env(found)
        except SettingsInvalid as invalid:
            raise UsageError(f"{str(invalid).rstrip('.')}.") from invalid
        dependencies = gateway_dependencies(settings, found, ScreenedTelemetry(telemetry(), screen))
        key = _prepare(settings, dependencies, data)
        app = build(settings, dependencies, found)
        data.write_running(table=settings.table_name, endpoint=endpoint)
        with aggregator_process(found, data.path, data.log, screen.show):
            asyncio.run(serve(app, listener, lambda: screen.welcome(port, key, data)))


def _prepare(settings: Settings, dependencies: Dependencies, data: DataDir) -> str:
    """Create the table and the first key if they are missing. Returns the key's text."""
    try:
        create_table(connect(endpoint=settings.dynamodb_endpoint), settings.table_name)
        return first_key(data.key, dependencies.store, dependencies.clock.now)
    except (BotoCoreError, ClientError, StoreUnavailable) as error:
        raise CannotStart(f"The DynamoDB at {settings.dynamodb_endpoint} cannot be used: {error}.") from error


@contextmanager
def _engine(data: DataDir, environment: Mapping[str, str]) -> Iterator[str]:
    """The endpoint that the user set, or that of an engine that runs while the block does."""
    with ExitStack() as stack:
        endpoint = environment.get("DYNAMODB_ENDPOINT", "").strip()
        if not endpoint:
            try:
                endpoint = stack.enter_context(running_engine(data.path))
            except (EngineMissing, EngineFailed) as refused:
                raise CannotStart(str(refused)) from refused
        yield endpoint


@contextmanager
def _logged(data: DataDir) -> Iterator[None]:
    """Redirect what the functions print, and the libraries' warnings, to the log file."""
    try:
        log = data.log.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"The log {data.log} cannot be written: {error.strerror}.") from error
    with log, redirect_stdout(log):
        logging.basicConfig(stream=log, level=logging.WARNING)
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # a caller that disconnects is not worth a warning
        yield
