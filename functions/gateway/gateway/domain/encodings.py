"""Characters that a text holds in code: `\\u0034`, `%34`, `\\"`, `&amp;`; and where in it a decoded position is."""

import re
from bisect import bisect_left
from itertools import accumulate

MAX_DECODINGS = 3
"""A key in the JSON of a tool's arguments is escaped twice, in an error within an error three times."""

_CHARACTERS = {code.to_bytes(): f"{code:02x}".encode() for code in range(0x20, 0x7F)}
_DECODED = (
    {b"%" + code: character for character, code in _CHARACTERS.items()}
    | {rb"\u00" + code: character for character, code in _CHARACTERS.items()}
    | {b"&amp;": b"&", b"&lt;": b"<", b"&gt;": b">", b"&quot;": b'"', b"&#34;": b'"', b"&#39;": b"'", b"&#x27;": b"'"}
    | {rb"\"": b'"', rb"\/": b"/", rb"\\": b"\\", rb"\'": b"'"}
    | {rb"\n": b"\n", rb"\r": b"\r", rb"\t": b"\t", rb"\b": b"\b", rb"\f": b"\f"}
)
_OTHERS = r"%(?:[2-6][0-9a-f]|7[0-9a-e])|\\[\"'/\\bfnrt]|&(?:amp|lt|gt|quot|#34|#39|#x27);"
ASCII = re.compile(rf"\\u00(?:[2-6][0-9a-f]|7[0-9a-e])|{_OTHERS}".encode(), re.IGNORECASE)
"""Codes of characters that need none."""
EVERY = re.compile(rf"\\u[0-9a-f]{{4}}|{_OTHERS}".encode(), re.IGNORECASE)
"""Also those of letters that other alphabets have: a text may have one at every place."""

type Codes = re.Pattern[bytes]


class Origin:
    """Positions in an encoded text, by positions in what it decodes to."""

    __slots__ = ("_decoded", "_shifts")

    def __init__(self, encoded: bytes, codes: Codes) -> None:
        found = [(*code.span(), len(_character(code[0]))) for code in codes.finditer(encoded)]
        self._shifts = list(accumulate((end - start - length for start, end, length in found), initial=0))
        self._decoded = [start - shift for (start, _, _), shift in zip(found, self._shifts, strict=False)]

    def of(self, position: int) -> int:
        """The position in the encoded text."""
        return position + self._shifts[bisect_left(self._decoded, position)]


def decoded(encoded: bytes, codes: Codes) -> bytes:
    """The text with one level of codes decoded."""
    return codes.sub(lambda code: _character(code[0]), encoded)


def _character(code: bytes) -> bytes:
    if (character := _DECODED.get(code) or _DECODED.get(code.lower())) is not None:
        return character
    digits = code[2:]
    return chr(int(digits, 16)).encode("utf-8", "surrogatepass")
