"""When the first sentence was sent, and the longest wait between two parts, at moments that the test sets."""

from gateway.api.pace import Pace
from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.recording.journal import Journal
from gateway.relay.stream import Stream
from switchboard.stream.transcript import Transcript
from testkit.openai_events import DONE, chunk, finish, role, tool_call, usage
from testkit.planning import a_call
from testkit.samples import NOON

COMMENT = b": keep-alive\n\n"


class Timeline:
    """An answer whose parts come at given milliseconds; sending one takes `takes_ms`."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        clock = Clock(lambda: NOON, lambda: self.now_ms / 1000)
        self.journal = Journal(a_call(), clock)
        context = AnswerContext("gpt-4o", "0" * 32, 1, wants_usage=False, memory=SignatureMemory(clock))
        self.stream = Stream(table.by_dialect("generic").make_reader(context), Transcript(), False, [])
        self.pace: Pace | None = None

    def send(self, at_ms: float, *events: bytes, takes_ms: float = 0) -> None:
        """Some events come at once and are sent."""
        self.now_ms = at_ms
        if not self.stream.feed(b"".join(events)):
            return
        if self.pace is not None:
            self.pace.part_came()
        self.now_ms += takes_ms
        self.pace = self.pace or Pace(self.journal, self.stream)
        self.pace.part_sent()

    def found(self) -> tuple[float | None, float | None]:
        """The first sentence and the longest wait."""
        return self.journal.first_sentence_ms, self.journal.longest_stall_ms


def test_a_sentence_ends_when_its_mark_and_a_space_were_sent() -> None:
    call = Timeline()
    call.send(400, role(), chunk("Hello"))
    call.send(450, chunk("."))
    assert call.found() == (None, 50.0)
    call.send(520, chunk(" How"), takes_ms=3)
    call.send(700, chunk(" are you? "))
    assert call.found() == (523.0, 177.0)


def test_the_end_of_the_answer_ends_a_sentence() -> None:
    call = Timeline()
    call.send(400, chunk("Hello"))
    call.send(450, chunk(" there"), finish())
    assert call.found() == (450.0, 50.0)
    call.send(470, DONE)
    assert call.found() == (450.0, 50.0)


def test_an_answer_that_ends_without_a_finish_reason_ends_with_its_marker() -> None:
    call = Timeline()
    call.send(400, chunk("Hello", finish_reason="stop"))
    assert call.found() == (None, None)
    call.now_ms = 480
    assert call.pace is not None
    call.pace.answer_ended()
    call.pace.answer_ended()
    assert call.found() == (480.0, None)


def test_an_answer_without_text_has_no_sentence() -> None:
    call = Timeline()
    call.send(400, tool_call("{}", name="book", call_id="call_1"))
    call.send(450, finish("tool_calls"), DONE)
    assert call.pace is not None
    call.pace.answer_ended()
    assert call.found() == (None, 50.0)


def test_an_answer_in_one_piece_has_no_wait() -> None:
    call = Timeline()
    call.send(400, chunk("Hello."), finish(), DONE)
    assert call.found() == (400.0, None)


def test_comments_and_empty_chunks_do_not_end_a_wait() -> None:
    call = Timeline()
    call.send(400, chunk("Hello"))
    for at_ms in range(500, 1000, 100):
        call.send(at_ms, COMMENT, role())
    call.send(1000, chunk(" there"))
    assert call.found() == (None, 600.0)


def test_usage_that_is_not_sent_does_not_end_a_wait() -> None:
    call = Timeline()
    call.send(400, chunk("Hello"))
    call.send(500, usage(9, 1))
    call.send(600, chunk(" there"))
    assert call.found() == (None, 200.0)


def test_the_time_of_sending_is_no_wait() -> None:
    call = Timeline()
    call.send(400, chunk("Hello"), takes_ms=5000)
    call.send(5410, chunk(" there"), takes_ms=5000)
    call.send(10_440, chunk(" you"))
    assert call.found() == (None, 30.0)


def test_a_failure_ends_a_wait() -> None:
    call = Timeline()
    call.send(400, chunk("Hello"))
    call.now_ms = 9400
    assert call.pace is not None
    call.pace.wait_ended()
    assert call.found() == (None, 9000.0)


def test_a_text_is_read_once() -> None:
    call = Timeline()
    call.send(400, *[chunk("a")] * 1000)
    assert call.pace is not None
    assert call.pace._texts_read == 1000
    call.send(500, chunk(". "))
    assert (call.found(), call.pace._texts_read) == ((500.0, 100.0), 1001)
    call.send(510, *[chunk("b")] * 10)
    assert (call.found(), call.pace._texts_read) == ((500.0, 100.0), 1001)
