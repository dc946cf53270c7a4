"""A gateway key becomes a project to read, or a clear no."""

from datetime import datetime

from console.errors import KeyMissing, KeyRevoked, KeyUnknown, ScopeMissing
from switchboard.keys import PREFIX, Scope, digest, key_id
from switchboard.ports import KeyStore


def authenticate(authorization: str | None, keys: KeyStore, now: datetime) -> str:
    """The project that the header's key may read.

    Raises KeyMissing, KeyUnknown, KeyRevoked, ScopeMissing or StoreUnavailable.
    """
    scheme, _, text = (authorization or "").strip().partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        raise KeyMissing("Send a gateway key with the scope `read`: `Authorization: Bearer sb-…`.")
    hashed = digest(text)
    named = key_id(hashed)
    key = keys.find_key(hashed)
    if key is None:
        hint = "" if text.startswith(PREFIX) else f" Gateway keys begin with `{PREFIX}`."
        raise KeyUnknown(f"There is no key {named}.{hint}", key_id=named)
    if not key.is_valid_at(now):
        raise KeyRevoked(f"The key {named} was revoked. Use a newer one.", key_id=named)
    if Scope.READ not in key.scopes:
        raise ScopeMissing(f"The key {named} may not read: it lacks the scope `read`.", key_id=named)
    return key.project
