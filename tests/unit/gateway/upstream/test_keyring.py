"""Stored provider keys: a store that hangs delays the calls that need that key, and for a limited time."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from gateway.domain.clock import Clock
from gateway.upstream import keyring
from gateway.upstream.keyring import KeyringUnavailable, ParameterKeyring


class Parameters:
    """Parameters by name; reads of those with `hangs` in their name end when `answered` is set."""

    def __init__(self) -> None:
        self.values = {"/keys/groq": " gsk-1 \n", "/keys/empty": " ", "/keys/hangs": "sk-2"}
        self.reads: list[str] = []
        self.answered = threading.Event()
        self.error: Exception | None = None

    def read(self, name: str) -> str | None:
        self.reads.append(name)
        if "hangs" in name:
            self.answered.wait(10)
        if self.error is not None:
            raise self.error
        return self.values.get(name)


class Setup:
    """A keyring on parameters, and a clock moved by hand."""

    def __init__(self, parameters: Parameters) -> None:
        self.seconds = 7.0
        self._keyring = ParameterKeyring("/keys/", parameters.read, Clock(monotonic=lambda: self.seconds))

    async def key(self, provider: str) -> str | None:
        found = await self._keyring.find(provider)
        return None if found is None else found.reveal()


@pytest.fixture
def parameters() -> Iterator[Parameters]:
    parameters = Parameters()
    yield parameters
    parameters.answered.set()


async def test_a_key_is_read_once_and_stripped(parameters: Parameters) -> None:
    setup = Setup(parameters)
    assert [await setup.key("groq") for _ in range(3)] == ["gsk-1"] * 3
    assert await setup.key("empty") is await setup.key("none") is None
    assert parameters.reads[:2] == ["/keys/groq", "/keys/empty"]


async def test_a_read_that_hangs_ends_in_time_and_delays_no_other_key(
    parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "FIRST_WAIT_S", 0.05)
    setup = Setup(parameters)
    waiting = [asyncio.create_task(setup.key("hangs")) for _ in range(20)]
    await asyncio.sleep(0)
    assert await setup.key("groq") == "gsk-1"
    assert {type(late) for late in await asyncio.gather(*waiting, return_exceptions=True)} == {KeyringUnavailable}
    assert parameters.reads == ["/keys/hangs", "/keys/groq"]


async def test_while_parameters_cannot_be_read_a_known_key_is_used_for_a_day(parameters: Parameters) -> None:
    setup = Setup(parameters)
    await setup.key("groq")
    parameters.error = KeyringUnavailable("throttled")
    setup.seconds += keyring.STALE_S - 1
    assert await setup.key("groq") == "gsk-1"
    setup.seconds += 1
    assert keyring.STALE_S == 24 * 3600
    with pytest.raises(KeyringUnavailable):
        await setup.key("groq")


async def test_a_replaced_key_is_used_after_five_minutes_at_the_latest(parameters: Parameters) -> None:
    setup = Setup(parameters)
    await setup.key("groq")
    parameters.values["/keys/groq"] = "gsk-new"
    setup.seconds += keyring.OLD_S
    assert keyring.OLD_S == 300
    assert await setup.key("groq") == "gsk-new"
