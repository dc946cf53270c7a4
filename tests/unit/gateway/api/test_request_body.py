"""Bodies as callers send them: compressed, in pieces, with a byte order mark."""

import asyncio
import gc
import gzip
import json
import time
import zlib
from collections.abc import MutableMapping
from random import Random
from typing import Any

import pytest
from starlette.requests import Request

from gateway.api.body import read_chat
from gateway.api.request_body import read_body
from gateway.domain.errors import BodyMalformed, BodyTooLarge, EncodingUnsupported
from switchboard.domain.limits import MAX_BODY_BYTES, MAX_GZIP_MEMBERS, clipped

pytestmark = pytest.mark.anyio

TEXT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Grüße 予約"}]}).encode()
GZIPPED = gzip.compress(TEXT, mtime=0)
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_DEFLATE = RAW.compress(TEXT) + RAW.flush()


def request(*pieces: bytes, encoding: str = "") -> Request:
    """A request whose body comes in these pieces."""
    left = list(pieces)

    async def receive() -> MutableMapping[str, Any]:
        piece = left.pop(0) if left else b""
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    headers = [(b"content-encoding", encoding.encode())] if encoding else []
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", GZIPPED),
        (" GZIP ", GZIPPED),
        ("x-gzip", GZIPPED),
        ("deflate", zlib.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0)),
    ],
)
async def test_a_body_is_read_however_it_is_encoded_and_cut(encoding: str, body: bytes) -> None:
    assert await read_body(request(body, encoding=encoding)) == TEXT
    single = [body[place : place + 1] for place in range(len(body))]
    assert await read_body(request(*single, encoding=encoding)) == TEXT


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_a_byte_order_mark_is_left_out(encoding: str) -> None:
    marked = b"\xef\xbb\xbf" + TEXT
    body = await read_body(request(gzip.compress(marked) if encoding else marked, encoding=encoding))
    assert body == TEXT
    assert read_chat(marked) == read_chat(TEXT)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x" * 5000])
async def test_any_other_encoding_is_refused_by_its_name(encoding: str) -> None:
    with pytest.raises(EncodingUnsupported) as refused:
        await read_body(request(TEXT, encoding=encoding))
    assert repr(clipped(encoding)) in refused.value.message
    assert refused.value.param == "content-encoding"
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    "body",
    [b"", TEXT, GZIPPED[:-1], GZIPPED[:20], GZIPPED + b"{}", RAW_DEFLATE],
    ids=["empty", "plain", "no end", "cut", "something behind it", "without a header"],
)
async def test_what_is_not_in_its_encoding_is_malformed(body: bytes) -> None:
    with pytest.raises(BodyMalformed, match="not gzip"):
        await read_body(request(body, encoding="gzip"))


async def test_a_body_is_decompressed_up_to_the_limit() -> None:
    assert len(await read_body(request(gzip.compress(b" " * MAX_BODY_BYTES), encoding="gzip"))) == MAX_BODY_BYTES


@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_small_body_does_not_become_a_large_one(pieces: int) -> None:
    bomb = gzip.compress(b" " * (MAX_BODY_BYTES * 4))
    assert len(bomb) < MAX_BODY_BYTES / 100
    step = len(bomb) // pieces + 1
    with pytest.raises(BodyTooLarge):
        await read_body(request(*(bomb[at : at + step] for at in range(0, len(bomb), step)), encoding="gzip"))


async def test_compressed_bytes_that_become_nothing_are_bounded_too() -> None:
    empty_blocks = b"\x00\x00\x00\xff\xff" * 20_000
    many = [b"\x78\x01", *(empty_blocks for _ in range(MAX_BODY_BYTES // len(empty_blocks) + 1))]
    with pytest.raises(BodyTooLarge):
        await read_body(request(*many, encoding="deflate"))


async def test_the_members_of_a_body_are_bounded() -> None:
    some = gzip.compress(b"") * (MAX_GZIP_MEMBERS - 1)
    assert await read_body(request(some + GZIPPED, encoding="gzip")) == TEXT
    with pytest.raises(BodyMalformed):
        await read_body(request(some + gzip.compress(b"") * 2, encoding="gzip"))


def cpu_s(body: bytes) -> float:
    """The processor time that reading takes, the least of five."""
    best = float("inf")
    gc.disable()
    try:
        for _ in range(5):
            start = time.process_time()
            asyncio.run(read_body(request(body, encoding="gzip")))
            best = min(best, time.process_time() - start)
    finally:
        gc.enable()
    return best


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["repeated", "random", "members"])
def test_the_work_grows_with_the_body(kind: str) -> None:
    def body(size: int) -> bytes:
        text = Random(1).randbytes(size) if kind == "random" else b"Hello! " * (size // 7)
        step = size // MAX_GZIP_MEMBERS + 1 if kind == "members" else size
        return b"".join(gzip.compress(text[at : at + step]) for at in range(0, len(text), step))

    assert cpu_s(body(5_000_000)) <= 6 * cpu_s(body(1_250_000))
