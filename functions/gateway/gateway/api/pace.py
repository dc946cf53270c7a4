"""When the parts of a streamed answer reach its caller: the end of the first sentence, and the longest wait."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.recording.journal import Journal
from gateway.relay.stream import Stream
from switchboard.stream.first_sentence import FirstSentence


@dataclass(slots=True)
class Pace:
    """Notes both in the journal. Comments and empty chunks are no parts; they do not end a wait.

    Begins with the first part that was sent, so that nothing is done before it.
    """

    journal: Journal
    stream: Stream
    _progress: int = field(default=0, init=False)
    _sent: float = field(default=0.0, init=False)
    _longest_s: float = field(default=0.0, init=False)
    _monotonic: Callable[[], float] = field(init=False)
    _sentence: FirstSentence | None = field(default_factory=FirstSentence, init=False)
    _texts_read: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._monotonic = self.journal.clock.monotonic

    def part_came(self) -> None:
        """The next part is there, and is about to be sent."""
        if self.stream.progress != self._progress:
            self.wait_ended()

    def part_sent(self) -> None:
        """The caller's connection has taken the part."""
        if self.stream.progress == self._progress:
            return
        self._progress, self._sent = self.stream.progress, self._monotonic()
        if self._sentence is not None and self._is_spoken(self._sentence):
            self._note_sentence()

    def wait_ended(self) -> None:
        """Note how long the answer's next part, or its failure, was waited for. The time of sending does not count."""
        waited_s = self._monotonic() - self._sent
        if waited_s >= self._longest_s:
            self._longest_s, self.journal.longest_stall_ms = waited_s, round(waited_s * 1000, 3)

    def answer_ended(self) -> None:
        """The whole answer was sent: its end ends a sentence too."""
        if self._sentence is not None and self._sentence.has_begun:
            self._note_sentence()

    def _note_sentence(self) -> None:
        self.journal.first_sentence_ms, self._sentence = self.journal.elapsed_ms(), None

    def _is_spoken(self, sentence: FirstSentence) -> bool:
        """Whether the first choice has a whole sentence by now."""
        choices = self.stream.transcript.choices
        texts = choices[min(choices)].text if choices else []
        while self._texts_read < len(texts):
            self._texts_read += 1
            if sentence.ends_in(texts[self._texts_read - 1]):
                return True
        return self.stream.is_finished and sentence.has_begun
