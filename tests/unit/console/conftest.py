from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from fastapi.testclient import TestClient

from console.assembly import build
from console.settings import Settings
from testkit.console_document import CheckedClient
from testkit.memory_store import MemoryStore
from testkit.samples import a_key


@dataclass
class LoggedLines:
    """A log that stores its lines: level, event, fields, exception."""

    lines: list[tuple[str, object, dict[str, object], BaseException | None]] = field(default_factory=list)

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.lines.append(("info", msg, dict(extra), None))

    def error(self, msg: object, *, extra: Mapping[str, object], exc_info: BaseException | None = None) -> None:
        self.lines.append(("error", msg, dict(extra), exc_info))


@pytest.fixture
def store() -> MemoryStore:
    """A store with one key, `sb-one`, of the project acme."""
    return MemoryStore(a_key("sb-one"))


@pytest.fixture
def log() -> LoggedLines:
    return LoggedLines()


@pytest.fixture
def client(store: MemoryStore, log: LoggedLines) -> Iterator[TestClient]:
    """A client of the console on that store, with that key."""
    app = build(Settings("unused"), store, log)
    with CheckedClient(app, headers={"authorization": "Bearer sb-one"}, raise_server_exceptions=False) as client:
        yield client
