"""Authenticates callers by their gateway keys."""

from dataclasses import dataclass
from typing import Protocol

from gateway.domain.call import Caller
from gateway.domain.clock import Clock
from gateway.domain.errors import KeyMissing, KeyRevoked, KeysUnavailable, KeyUnknown, ScopeMissing
from gateway.upstream.stale_cache import LookupLate, StaleCache
from switchboard.domain.keys import PREFIX, GatewayKey, Scope, digest, key_id
from switchboard.domain.policy import ProjectPolicies
from switchboard.store.ports import KeyStore, PolicyStore, StoreUnavailable

FRESH_S = 60
OLD_S = 300
"""In a process that was idle, a key of this age is read again before it is used."""
STALE_S = 3600
"""How long a known key is accepted while the store is down, so that phone calls go on during an outage."""
FIRST_WAIT_S = 2.0
"""How long a call with a key that is not in memory waits for the store."""
UNKNOWN_S = 10
"""How long a key that does not exist is refused without a further look-up.

A key that was tried before it was created is refused for at most this long after its creation."""
_UNAVAILABLE = "The gateway cannot look up keys at the moment. Try again."


class CallerStore(KeyStore, PolicyStore, Protocol):
    """A store of keys and policies."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key, and its project's policies, read at the same time."""

    key: GatewayKey
    policies: ProjectPolicies


class Authenticator:
    """Finds the caller of a key. A key and its project's policies are read again every half minute, beside the calls.

    A revoked key is refused once it has been read again: within a minute in a process that has calls, within five in
    any, and after an hour at the latest while the store is down (see StaleCache).
    """

    def __init__(self, store: CallerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        times = {"fresh_s": FRESH_S, "old_s": OLD_S, "stale_s": STALE_S, "first_wait_s": FIRST_WAIT_S}
        self._cache = StaleCache(self._find, clock, **times, missing_s=UNKNOWN_S)
        self._own = StaleCache(self._is_own, clock, **times)

    async def authenticate(self, key: str | None) -> Caller:
        """The caller whose key it is. Raises KeyMissing, KeyUnknown, KeyRevoked, ScopeMissing or KeysUnavailable."""
        if not key:
            raise KeyMissing("Send your gateway key: `Authorization: Bearer sb-…`.")
        hashed = digest(key)
        try:
            found = await self._cache.get(hashed)
        except (StoreUnavailable, LookupLate, OSError) as unavailable:
            raise KeysUnavailable(_UNAVAILABLE) from unavailable
        if found is None:
            hint = "" if key.startswith(PREFIX) else f" Gateway keys begin with `{PREFIX}`."
            raise KeyUnknown(f"The gateway does not know the key {key_id(hashed)}.{hint}")
        known = found.key
        if not known.is_valid_at(self._clock.now()):
            raise KeyRevoked(f"The key {known.key_id} was revoked. Use a newer one.")
        if Scope.CALL not in known.scopes:
            raise ScopeMissing(f"The key {known.key_id} may not make calls: it lacks the scope `call`.")
        return Caller(known.project, known.key_id, found.policies)

    async def knows(self, key: str) -> bool:
        """Whether the key is one of this deployment's, valid or not. Raises KeysUnavailable.

        That it is none is remembered as well: the key of another Switchboard comes with each of its caller's calls.
        """
        try:
            return await self._own.get(digest(key)) or False
        except (StoreUnavailable, LookupLate, OSError) as unavailable:
            raise KeysUnavailable(_UNAVAILABLE) from unavailable

    def _find(self, hashed: str) -> KnownKey | None:
        """The key with that digest, with policies: if they cannot be read, the call is refused."""
        key = self._store.find_key(hashed)
        return None if key is None else KnownKey(key, self._store.policies(key.project))

    def _is_own(self, hashed: str) -> bool:
        return self._store.find_key(hashed) is not None
