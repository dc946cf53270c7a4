"""A gateway key becomes a caller, or a clear no."""

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
"""How long a known key still opens when the store does not answer: a caller on the phone matters more."""


class CallerStore(KeyStore, PolicyStore, Protocol):
    """Keys and policies in one."""


@dataclass(frozen=True, slots=True)
class Known:
    """A key, and the policies of its project as they were when it was found."""

    key: GatewayKey
    policies: ProjectPolicies


class Authenticator:
    """Knows callers by their keys; a key and its project's policies are looked up once a minute at most."""

    def __init__(self, store: CallerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._look_up = StaleCache(self._find, clock, fresh_s=FRESH_S, stale_s=STALE_S)

    async def authenticate(self, key: str | None) -> Caller:
        """Who the key belongs to. Raises KeyMissing, KeyUnknown, KeyRevoked, ScopeMissing or KeysUnavailable."""
        if not key:
            raise KeyMissing("Send your gateway key: `Authorization: Bearer sb-…`.")
        hashed = digest(key)
        try:
            found = await self._look_up.get(hashed)
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

    def _find(self, hashed: str) -> Known | None:
        """The key with that digest and its policies: without them a call might go where it must not."""
        key = self._store.find_key(hashed)
        return None if key is None else Known(key, self._store.policies(key.project))
