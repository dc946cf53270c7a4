"""Authenticates a gateway key."""

from datetime import datetime

from console.errors import KeyMissing, KeyRevoked, KeyUnknown, ScopeMissing
from switchboard.domain.keys import PREFIX, Scope, digest, key_id
from switchboard.store.ports import KeyStore

_ACTIONS = {Scope.CALL: "make calls", Scope.READ: "read", Scope.ADMIN: "change policies and prices"}


def authenticate(authorization: str | None, keys: KeyStore, now: datetime, scope: Scope = Scope.READ) -> str:
    """The project of the key in the header, if the key has the scope.

    Raises KeyMissing, KeyUnknown, KeyRevoked, ScopeMissing or StoreUnavailable.
    """
    scheme, _, text = (authorization or "").strip().partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        raise KeyMissing(f"Send a gateway key with the scope `{scope}`: `Authorization: Bearer sb-…`.")
    hashed = digest(text)
    named = key_id(hashed)
    key = keys.find_key(hashed)
    if key is None:
        hint = "" if text.startswith(PREFIX) else f" Gateway keys begin with `{PREFIX}`."
        raise KeyUnknown(f"There is no key {named}.{hint}", key_id=named)
    if not key.is_valid_at(now):
        raise KeyRevoked(f"The key {named} was revoked. Use a newer one.", key_id=named)
    if scope not in key.scopes:
        raise ScopeMissing(f"The key {named} may not {_ACTIONS[scope]}: it lacks the scope `{scope}`.", key_id=named)
    return key.project
