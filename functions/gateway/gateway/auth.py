"""A gateway key becomes a caller, or a clear no."""

from gateway.call import Caller
from gateway.clock import Clock
from gateway.errors import KeyMissing, KeyRevoked, KeysUnavailable, KeyUnknown, ScopeMissing
from gateway.look_up import LookUp
from switchboard.keys import PREFIX, Scope, digest, key_id
from switchboard.ports import KeyStore, StoreUnavailable

FRESH_S = 60
STALE_S = 3600
"""How long a known key still opens when the store does not answer: a caller on the phone matters more."""


class Authenticator:
    """Knows callers by their keys; a key is looked up once a minute at most."""

    def __init__(self, keys: KeyStore, clock: Clock) -> None:
        self._clock = clock
        self._look_up = LookUp(keys.find_key, clock, fresh_s=FRESH_S, stale_s=STALE_S)

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
        if not found.is_valid_at(self._clock.now()):
            raise KeyRevoked(f"The key {found.key_id} was revoked. Use a newer one.")
        if Scope.CALL not in found.scopes:
            raise ScopeMissing(f"The key {found.key_id} may not make calls: it lacks the scope `call`.")
        return Caller(found.project, found.key_id)
