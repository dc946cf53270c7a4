"""Compressed answers: decoded in small steps, whatever the split; other encodings are refused."""

import gzip
import random
import zlib

import pytest

from gateway.upstream.decoding import EncodingUnreadable, decoder_of
from switchboard.domain.limits import MAX_DECODED_BYTES

PLAIN = b"Hello. " * 300_000 + random.Random(1).randbytes(50_000)


def _raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


def _decoded(encoding: str, data: bytes, length: int) -> bytes:
    decoder = decoder_of(encoding)
    assert decoder is not None
    steps = [step for at in range(0, len(data), length) for step in decoder.steps(data[at : at + length])]
    assert all(0 < len(step) <= MAX_DECODED_BYTES for step in steps)
    return b"".join(steps)


ENCODED = {
    "gzip": ("gzip", gzip.compress(PLAIN)),
    "gzip by its old name": ("X-GZIP", gzip.compress(PLAIN)),
    "gzip, and identity": ("identity, gzip", gzip.compress(PLAIN)),
    "gzip in two members": ("gzip", gzip.compress(PLAIN[:99]) + gzip.compress(PLAIN[99:])),
    "gzip with padding": ("gzip", gzip.compress(PLAIN) + b"\0" * 99),
    "deflate as zlib data": ("deflate", zlib.compress(PLAIN)),
    "deflate without a header": ("deflate", _raw_deflate(PLAIN)),
}


@pytest.mark.parametrize("length", [997, 65_536, 10**9])
@pytest.mark.parametrize(("encoding", "data"), ENCODED.values(), ids=ENCODED.keys())
def test_compressed_data_is_decoded_whatever_its_split(encoding: str, data: bytes, length: int) -> None:
    assert _decoded(encoding, data, length) == PLAIN


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, _raw_deflate])
def test_data_that_comes_byte_by_byte_is_decoded(encode: type) -> None:
    assert _decoded("gzip" if encode is gzip.compress else "deflate", encode(b"abc"), 1) == b"abc"


@pytest.mark.parametrize("size", [MAX_DECODED_BYTES + more for more in (-1, 0, 1, MAX_DECODED_BYTES)])
def test_steps_lose_nothing_at_their_borders(size: int) -> None:
    assert _decoded("gzip", gzip.compress(b"a" * size), 10**9) == b"a" * size


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
def test_other_answers_are_not_decoded(encoding: str) -> None:
    assert decoder_of(encoding) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "x" * 500])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(EncodingUnreadable, match="identity was asked for") as refused:
        decoder_of(encoding)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(("encoding", "begin"), [("gzip", b""), ("gzip", b"\x1f\x8b"), ("deflate", b"\x78\x9c")])
def test_broken_data_is_refused(encoding: str, begin: bytes) -> None:
    with pytest.raises(EncodingUnreadable, match="broken"):
        _decoded(encoding, begin + b"\xff" * 99, 10)
