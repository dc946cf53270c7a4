import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Dialog, Page, sync_playwright
from starlette.types import ASGIApp, Receive, Scope, Send

from console.assembly import build
from console.settings import Settings
from testkit.memory_store import MemoryStore
from testkit.samples import a_key

CHROMIUM = Path("/usr/bin/chromium")
STAGE = "/prod"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; skips the test where it is not installed (in CI it fails)."""
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is missing: apt-get install --no-install-recommends chromium fonts-dejavu-core"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def store() -> MemoryStore:
    """A store that knows one key, `sb-one`, of the project acme."""
    return MemoryStore(a_key("sb-one"))


@pytest.fixture
def address(store: MemoryStore) -> Iterator[str]:
    """The page's address: the console on that store, below a stage's name as on API Gateway."""
    with _served(_below_stage(build(Settings("unused"), store))) as base:
        yield f"{base}{STAGE}/console"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab, whose clock stands still until it is moved. Nothing on it may raise or be refused by its policy."""
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
    # The socket listens before the server runs, so there is no moment at which the page would be refused.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
