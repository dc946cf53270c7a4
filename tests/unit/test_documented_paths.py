"""Every path of the repository that the documentation names exists, and so does every `make` target."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway

REPOSITORY = Path(gateway.__file__).parents[3]
PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
FOLDERS = [folder.name for folder in REPOSITORY.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
ROOTS = {
    "gateway": "functions/gateway",
    "console": "functions/console",
    "cost_aggregator": "functions/cost_aggregator",
    "switchboard": "layers/switchboard",
    "response_streaming": "layers/response_streaming",
    "switchboard_local": "local",
    "switchboard_cli": "cli",
}
"""The folder of each package, for paths as Python imports them."""


def _paths(text: str) -> Iterator[Path]:
    """Where the paths in a page's code spans lead: those that begin with a folder of the repository or a package."""
    for span in CODE.findall(text):
        first, slash, _ = span.partition("/")
        if not slash or not re.fullmatch(r"[\w./-]+", span):
            continue
        if first in FOLDERS:
            yield REPOSITORY / span
        elif first in ROOTS:
            yield REPOSITORY / ROOTS[first] / span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_links_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [page.parent / link for link in LINK.findall(text)]
    missing = [str(path.relative_to(REPOSITORY)) for path in [*_paths(text), *links] if not path.resolve().exists()]
    assert not missing, f"{page.name} names files that do not exist: {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)[^`\n]*`", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets, f"{page.name} names make targets that do not exist: {sorted(named - targets)}"
