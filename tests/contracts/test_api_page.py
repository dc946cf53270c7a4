"""docs/api.md names the routes, parameters and fields of the console's OpenAPI document, and no others."""

import re
from dataclasses import dataclass
from pathlib import Path

from console.assembly import build
from console.settings import Settings
from testkit.console_document import Document
from testkit.memory_store import MemoryStore

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
ON_ANOTHER_PAGE = {"PolicyJson", "TargetJson", "BufferWordsJson"}
DOCUMENT = Document(build(Settings("unused"), MemoryStore()))


def test_the_page_has_a_section_for_every_route_and_for_no_other() -> None:
    assert {place for section in sections() for place in section.places} == set(DOCUMENT.operations())


def test_the_page_tells_every_parameter_and_no_other() -> None:
    operations = DOCUMENT.operations()
    for section in sections():
        declared = {
            parameter["name"]
            for place in section.places
            for parameter in operations[place].get("parameters", ())
            if parameter["in"] == "query"
        }
        assert section.parameters == declared, section.places


def test_the_page_tells_every_field() -> None:
    told = set(re.findall(r"\w+", " ".join(re.findall(r"```.*?```|`[^`]+`", PAGE, re.DOTALL))))
    names = {name for component, name in DOCUMENT.declared() if component not in ON_ANOTHER_PAGE}
    assert names - told == set()


@dataclass(frozen=True)
class Section:
    """A section of the page: the routes in its heading or a table of routes, and the query parameters in its table."""

    places: frozenset[tuple[str, str]]
    parameters: frozenset[str]


def sections() -> list[Section]:
    found = []
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        places = re.findall(
            r"`(GET|PUT|POST|DELETE) (/[^`]*)`", heading + "".join(re.findall(r"^\|[^|]*\|", text, re.MULTILINE))
        )
        table = re.search(r"^\| parameter \|.*?\n\n", text + "\n\n", re.DOTALL | re.MULTILINE)
        cells = [row.split("|")[1] for row in table[0].splitlines()[2:] if row] if table else []
        names = frozenset(name for cell in cells for name in re.findall(r"`([^`]+)`", cell))
        found.append(Section(frozenset((method.lower(), path) for method, path in places), names))
    return [section for section in found if section.places]
