"""Cuts texts that are too long to be kept."""

_IN_NUMBERS = "0123456789 ().+/-"


def beginning(text: str, most: int) -> str:
    """The first `most` characters of the text. Where more follow, they do not end with digits.

    Those may be the first of a card's or a phone's number, which nobody could find any more once the others are gone.
    """
    return text if len(text) <= most else text[:most].rstrip(_IN_NUMBERS)
