"""No web page finds the local database engine, which would let every page read and write all data."""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from testkit.engine_table import dynoxide
from testkit.local_system import LocalSystem, local_system

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address"),
]

NAMES = ("127.0.0.1", "localhost", "[::1]", "0.0.0.0")
"""By these names a page can ask for servers on the machine of its reader."""

LISTENS = "0A"
"""The state of a socket in /proc/net/tcp."""

ASK = """async ([hosts, ports, words]) => {
  const found = [];
  const ask = async (url) => {
    try {
      const answer = await fetch(url, {
        method: "POST", body: "{}", signal: AbortSignal.timeout(3000),
        headers: {
          "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.ListTables",
          "x-amz-date": "any",
          authorization: "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, " +
            "SignedHeaders=host, Signature=any",
        },
      });
      if ((await answer.text()).includes(words)) found.push(url);
    } catch {}
  };
  const urls = hosts.flatMap((host) => ports.map((port) => `http://${host}:${port}/`));
  while (urls.length) await Promise.all(urls.splice(0, 200).map(ask));
  return found;
}"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[LocalSystem]:
    with local_system(tmp_path) as running:
        yield running


@pytest.fixture
def stranger(browser: Browser, system: LocalSystem) -> Iterator[Page]:
    """A page of the machine itself, which a browser allows more than one of the internet."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{system.address}/health")
    yield page
    context.close()


def listening_ports() -> list[int]:
    """Every port on which anything on this machine listens: a scan of all 65,535 finds no others."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return sorted({int(fields[1].rpartition(":")[2], 16) for fields in lines if fields[3] == "0A"})


def test_a_page_that_asks_every_port_finds_no_engine(stranger: Page, system: LocalSystem) -> None:
    assert int(system.address.rpartition(":")[2]) in listening_ports()
    table = (system.data_dir / "table").read_text().strip()
    assert stranger.evaluate(ASK, [NAMES, listening_ports(), table]) == []


def test_a_page_that_knows_the_address_would_read_the_data(stranger: Page, tmp_path: Path) -> None:
    """The reason for hiding it, and the proof that the page above would find it."""
    with dynoxide(tmp_path / "known") as endpoint:
        address = urlsplit(endpoint)
        assert stranger.evaluate(ASK, [[address.hostname], [address.port], "TableNames"]) == [f"{endpoint}/"]
