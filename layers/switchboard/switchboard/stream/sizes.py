"""About how much memory a parsed JSON value takes."""

_VALUE_BYTES = 64
"""What any value takes beside its characters, as a rule of thumb."""


def size_of(value: object) -> int:
    """About how many bytes the value takes, with everything in it."""
    total, left = 0, [value]
    while left:
        found = left.pop()
        total += _VALUE_BYTES
        if isinstance(found, str):
            total += len(found)
        elif isinstance(found, dict):
            left.extend(found)
            left.extend(found.values())
        elif isinstance(found, list | tuple):
            left.extend(found)
    return total
