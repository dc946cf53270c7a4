"""Authenticates callers by their gateway keys."""

from dataclasses import dataclass
from typing import Protocol

from gateway.domain.call import Caller
from gateway.domain.clock import Clock
from gateway.domain.errors import KeyMissing, KeyRevoked, KeysUnavailable, KeyUnknown, ScopeMissing
from gateway.upstream.stale_cache import StaleCache
from switchboard.domain.keys import PREFIX, GatewayKey, Scope, digest, key_id
from switchboard.domain.policy import ProjectPolicies
from switchboard.store.ports import KeyStore, PolicyStore, StoreUnavailable

FRESH_S = 60
STALE_S = 3600
"""How long a known key is accepted while the store is down, so that phone calls go on during an outage."""


class CallerStore(KeyStore, PolicyStore, Protocol):
    """A store of keys and policies."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key, and its project's policies, read at the same time."""

    key: GatewayKey
    policies: ProjectPolicies


class Authenticator:
    """Finds the caller of a key. A key and its project's policies are cached for a minute."""

    def __init__(self, store: CallerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache = StaleCache(self._find, clock, fresh_s=FRESH_S, stale_s=STALE_S)

    async def authenticate(self, key: str | None) -> Caller:
        """The caller whose key it is. Raises KeyMissing, KeyUnknown, KeyRevoked, ScopeMissing or KeysUnavailable."""
        if not key:
            raise KeyMissing("Send your gateway key: `Authorization: Bearer sb-…`.")
        hashed = digest(key)
        try:
            found = await self._cache.get(hashed)
        except StoreUnavailable as unavailable:
            raise KeysUnavailable("The gateway cannot look up keys at the moment. Try again.") from unavailable
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
        """Whether the key is one of this deployment's, valid or not. Raises KeysUnavailable."""
        try:
            return await self._cache.get(digest(key)) is not None
        except StoreUnavailable as unavailable:
            raise KeysUnavailable("The gateway cannot look up keys at the moment. Try again.") from unavailable

    def _find(self, hashed: str) -> KnownKey | None:
        """The key with that digest, with policies: if they cannot be read, the call is refused."""
        key = self._store.find_key(hashed)
        return None if key is None else KnownKey(key, self._store.policies(key.project))
