"""Finds the end of the first sentence in a text that comes in parts: there, speech can begin."""

import re

_CLOSERS = "\"'\u201d\u2019\u00bb)]"
_ALONE = "\n\u3002\uff01\uff1f\uff61"
"""A line's end, and the full stop, exclamation and question marks of Chinese and Japanese, which no space follows."""
_END = re.compile(rf"[{_ALONE}]|[.!?\u2026\u061f\u06d4\u0964\u0965][{re.escape(_CLOSERS)}]*(?=\s|\Z)")
"""One of these; or a mark before a space or the text's end, also an ellipsis, an Arabic, Urdu or Hindi one."""


class FirstSentence:
    """Reads a text part by part, and none of it twice."""

    __slots__ = ("_has_begun", "_has_mark")

    def __init__(self) -> None:
        self._has_begun = self._has_mark = False

    @property
    def has_begun(self) -> bool:
        """Whether there is anything but white space."""
        return self._has_begun

    def ends_in(self, part: str) -> bool:
        """Whether the sentence ends in this part. A mark at a part's end counts once white space follows it."""
        if not self._has_begun:
            part = part.lstrip()
            self._has_begun = bool(part)
        if self._has_mark and (part := part.lstrip(_CLOSERS)):
            self._has_mark = False
            if part[0].isspace():
                return True
        found = _END.search(part)
        if found is None or not part:
            return False
        if found.end() < len(part) or found[0] in _ALONE:
            return True
        self._has_mark = True
        return False
