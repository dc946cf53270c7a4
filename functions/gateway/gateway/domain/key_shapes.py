"""Keys that are known by their shape: those of model providers, clouds and code hosts, tokens, private keys."""

import re
from collections.abc import Iterator

from gateway.domain.masks import Span

_NAME = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
_ANY_NAME = bytes.maketrans(_NAME, b"a" * len(_NAME))
_LONG_NAME = b"a" * 24
"""All keys are longer, but those of AWS and private ones."""

_SHAPES = {
    # A look-behind after the beginning: so `re` searches for the beginning itself, which is ten times as fast.
    b"sk-": rb"sk-(?<![A-Za-z0-9]sk-)[A-Za-z0-9_-]{21,}",
    b"sk_": rb"sk_(?<![A-Za-z0-9]sk_)[A-Za-z0-9_]{21,}",
    b"rk_": rb"rk_(?<![A-Za-z0-9]rk_)(?:live|test)_[A-Za-z0-9]{16,}",
    b"sb-": rb"sb-(?<![A-Za-z0-9]sb-)[A-Za-z0-9_-]{40,}",
    b"AKIA": rb"AKIA(?<![A-Za-z0-9]AKIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    b"ASIA": rb"ASIA(?<![A-Za-z0-9]ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    b"AIza": rb"AIza(?<![A-Za-z0-9]AIza)[A-Za-z0-9_-]{35}",
    b"ya29.": rb"ya29\.[A-Za-z0-9_-]{20,}",
    b"ghp_": rb"ghp_[A-Za-z0-9]{30,}",
    b"gho_": rb"gho_[A-Za-z0-9]{30,}",
    b"ghu_": rb"ghu_[A-Za-z0-9]{30,}",
    b"ghs_": rb"ghs_[A-Za-z0-9]{30,}",
    b"ghr_": rb"ghr_[A-Za-z0-9]{30,}",
    b"github_pat_": rb"github_pat_[A-Za-z0-9_]{22,}",
    b"glpat-": rb"glpat-[A-Za-z0-9_-]{20,}",
    b"xox": rb"xox[abeoprs]-[A-Za-z0-9-]{19,}",
    b"xapp-": rb"xapp-[A-Za-z0-9-]{19,}",
    b"gsk_": rb"gsk_[A-Za-z0-9]{20,}",
    b"xai-": rb"xai-(?<![A-Za-z0-9]xai-)[A-Za-z0-9]{20,}",
    b"csk-": rb"csk-(?<![A-Za-z0-9]csk-)[A-Za-z0-9]{20,}",
    b"hf_": rb"hf_(?<![A-Za-z0-9]hf_)[A-Za-z0-9]{20,}",
    b"whsec_": rb"whsec_[A-Za-z0-9+/=]{20,}",
    b"SG.": rb"SG\.(?<![A-Za-z0-9]SG\.)[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}",
    b"eyJ": rb"eyJ(?<![A-Za-z0-9_-]eyJ)[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*)*",
    # Up to its end, or to where the text ends.
    b"PRIVATE KEY": (
        rb'-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^"-]|-(?!----))*'
        rb"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
    ),
}
"""The beginning, by which it is found, and the whole shape; `re` compiles it when it is needed, not at the start."""


def may_hold_key(content: bytes) -> bool:
    """Whether the text has a name as long as a key."""
    if _LONG_NAME in content.translate(_ANY_NAME):
        return True
    # Not `any`: a generator takes longer than the search.
    return b"AKIA" in content or b"ASIA" in content or b"PRIVATE KEY" in content


def find_keys(content: bytes) -> Iterator[Span]:
    """Where keys are."""
    for beginning, shape in _SHAPES.items():
        if beginning in content:
            yield from (found.span() for found in re.finditer(shape, content))
