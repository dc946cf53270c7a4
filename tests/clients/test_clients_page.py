"""`docs/clients.md` says what ran."""

from testkit.clients_page import page
from testkit.real_clients import ROOT


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "clients.md").read_text() == page(), (
        "write it anew: python -m testkit.clients_page > docs/clients.md"
    )
