from dataclasses import dataclass, field

import pytest

from switchboard.settings import Reader, SettingsInvalid, read_settings


@dataclass(frozen=True, slots=True)
class Weather:
    """A deployment's own."""

    city: str
    degrees: int
    winds: tuple[str, ...] = field(default_factory=tuple)
    unit: str = "C"


def _winds(text: str) -> tuple[str, ...]:
    if "," in text:
        raise ValueError(f"takes blanks between its values, not {text!r}")
    return tuple(text.split())


READERS: dict[str, Reader] = {"degrees": int, "winds": _winds}


def test_each_field_is_read_from_the_variable_of_its_name() -> None:
    environment = {"CITY": " Porto\n", "DEGREES": "21", "WINDS": "N NW", "UNIT": " ", "PATH": "/bin"}
    assert read_settings(Weather, environment, READERS) == Weather("Porto", 21, ("N", "NW"))


def test_every_problem_of_the_settings_is_reported() -> None:
    with pytest.raises(SettingsInvalid) as invalid:
        read_settings(Weather, {"CITY": "", "DEGREES": "warm", "WINDS": "N,NW"}, READERS)
    missing, wrong, odd = str(invalid.value).split("; ")
    assert missing == "CITY is missing from the environment"
    assert wrong.startswith("DEGREES invalid literal")
    assert odd == "WINDS takes blanks between its values, not 'N,NW'"
