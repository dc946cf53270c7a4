import hashlib
import re
from dataclasses import replace
from datetime import timedelta

from switchboard.domain.keys import digest, key_id, mint
from testkit.samples import NOON, a_key


def test_a_minted_key_carries_32_random_bytes() -> None:
    minted = {mint() for _ in range(100)}
    assert len(minted) == 100
    assert all(re.fullmatch(r"sb-[\w-]{43}", text) for text in minted)


def test_the_digest_is_sha_256() -> None:
    assert digest("sb-x") == hashlib.sha256(b"sb-x").hexdigest()


def test_any_text_can_be_hashed() -> None:
    assert len({digest(text) for text in ("", "é", "\ud800", "sb-\x00")}) == 4


def test_the_key_id_reveals_twelve_digits_of_the_digest() -> None:
    key = a_key()
    assert key.key_id == key_id(key.digest) == f"key_{key.digest[:12]}"


def test_a_key_is_valid_until_it_is_revoked() -> None:
    key = replace(a_key(), revoked_at=NOON)
    assert key.is_valid_at(NOON - timedelta(microseconds=1))
    assert not key.is_valid_at(NOON)
    assert a_key().is_valid_at(NOON + timedelta(days=9999))
