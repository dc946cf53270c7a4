"""Reads the body of a whole answer, within the bounds of its bytes and of its values."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.domain.call import Target
from gateway.domain.errors import AnswerTooLarge
from switchboard.domain.limits import MAX_ANSWER_VALUES
from switchboard.stream.sse import BYTE_ORDER_MARK, count_values

MB = 1024 * 1024
_EVENT_LINES = (b"data:", b"event:", b"id:", b":")


@dataclass(frozen=True, slots=True)
class WholeBody:
    """A body. `is_stream`: it is an event stream, where one document was asked."""

    content: bytes
    is_stream: bool


async def read_body(chunks: AsyncIterator[bytes], target: Target, max_bytes: int) -> WholeBody:
    """The whole body. Raises AnswerTooLarge as soon as it is too large, and what the chunks raise."""
    body, values = bytearray(), 0
    async for chunk in chunks:
        if len(body) + len(chunk) > max_bytes:
            raise AnswerTooLarge(target, f"the answer has more than {max_bytes // MB} MB")
        body += chunk
        values += count_values(chunk)
    content = bytes(body)
    is_stream = content.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(_EVENT_LINES)
    if values > MAX_ANSWER_VALUES and not is_stream:  # the events of a stream are read one by one
        raise too_many_values(target)
    return WholeBody(content, is_stream)


def too_many_values(target: Target) -> AnswerTooLarge:
    """The failure of an answer of more values than are read."""
    return AnswerTooLarge(target, f"the answer has more than {MAX_ANSWER_VALUES:,} values")
