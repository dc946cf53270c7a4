"""An authenticator with a store that counts its reads, and a clock moved by hand."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, get_ident

import pytest

from gateway.api.auth import Authenticator
from gateway.domain.call import Caller
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from switchboard.domain.keys import GatewayKey
from switchboard.domain.policy import ProjectPolicies
from testkit.memory_store import MemoryStore
from testkit.samples import NOON

KEY = "sb-one"


class CountedStore(MemoryStore):
    """A store that counts the reads of keys and policies, and records their threads."""

    def __init__(self, *keys: GatewayKey) -> None:
        super().__init__(*keys)
        self.key_reads = 0
        self.policy_reads = 0
        self.threads: set[int] = set()
        self.asked = Event()
        self._open = Event()
        self._open.set()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """No read ends while the block runs."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def find_key(self, digest: str) -> GatewayKey | None:
        """The key; counts the read."""
        self.key_reads += 1
        self.asked.set()
        self.threads.add(get_ident())
        self._open.wait(5)
        return super().find_key(digest)

    def policies(self, project: str) -> ProjectPolicies:
        """The policies; counts the read."""
        self.policy_reads += 1
        self.threads.add(get_ident())
        return super().policies(project)


class Setup:
    """An authenticator, its store, and a clock moved by hand."""

    def __init__(self, *keys: GatewayKey) -> None:
        self.store = CountedStore(*keys)
        self.passed_s = 0.0
        self._authenticator = Authenticator(self.store, Clock(now=self._now, monotonic=lambda: 50.0 + self.passed_s))

    async def authenticate(self, key: str | None = KEY) -> Caller:
        """The caller of the key."""
        return await self._authenticator.authenticate(key)

    async def knows(self, key: str) -> bool:
        """Whether the key is one of the deployment's."""
        return await self._authenticator.knows(key)

    async def refused_soon(self) -> None:
        """Authenticate until it raises."""
        async with asyncio.timeout(5):
            while await self.authenticate():  # noqa: ASYNC110 - a thread reads the key
                await asyncio.sleep(0.001)

    async def refusal[E: GatewayError](self, error: type[E], key: str | None = KEY) -> str:
        """The error message, which must not contain the key."""
        with pytest.raises(error) as refused:
            await self.authenticate(key)
        assert not key or key not in refused.value.message
        return refused.value.message

    def _now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)
