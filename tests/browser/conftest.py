import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
import uvicorn
from playwright.sync_api import Browser, Dialog, Page, sync_playwright
from starlette.types import ASGIApp, Receive, Scope, Send

from console.assembly import build
from console.settings import Settings
from switchboard.domain.trace import Bodies, Trace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from testkit.memory_store import MemoryStore
from testkit.missing import missing
from testkit.samples import a_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Settle = Callable[..., None]

CHROMIUM = Path("/usr/bin/chromium")
STAGE = "/prod"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Skips the test if it is not installed (in CI it fails)."""
    if not CHROMIUM.exists():
        missing(f"{CHROMIUM} is missing: apt-get install --no-install-recommends chromium fonts-dejavu-core")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def store() -> MemoryStore:
    """A store with one key, `sb-one`, of the project acme."""
    return MemoryStore(a_key("sb-one"))


@pytest.fixture
def settle(store: MemoryStore, dynamodb: "DynamoDBClient", table: str) -> Settle:
    """Stores settled calls, and adds them to the totals of a real ledger."""
    rows = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
    ledger = DynamoLedger(dynamodb, table, random=Random(3))

    def settle(*traces: Trace) -> None:
        for trace in traces:
            store.complete_trace(trace, Bodies())
            rows.complete_trace(replace(trace, settlement=None), Bodies())
        for group in pack(traces):
            assert len(ledger.settle(group).fresh) == len(group)

    return settle


@pytest.fixture
def address(store: MemoryStore, dynamodb: "DynamoDBClient", table: str) -> Iterator[str]:
    """The page's address: the console on that store, below a stage's path as on API Gateway."""
    console = build(Settings("unused"), store, totals=DynamoTotals(dynamodb, table))
    with _served(_below_stage(console)) as base:
        yield f"{base}{STAGE}/console"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new tab with a stopped clock. A script error or a violation of the content policy fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="Europe/Berlin")
    page = context.new_page()
    page.set_default_timeout(8000)
    page.clock.install()
    faults: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    page.on("dialog", dismiss)
    yield page
    context.close()
    assert faults == []


def _below_stage(app: ASGIApp) -> ASGIApp:
    async def staged(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": scope["path"].removeprefix(STAGE)}, receive, send)

    return staged


@contextmanager
def _served(app: ASGIApp) -> Iterator[str]:
    # The socket listens before the server runs, so that no request of the page is refused.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
