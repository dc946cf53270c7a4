"""What is kept of a call's content: redacted bodies without secrets, the excerpt, and the version of the prompt."""

from collections import Counter
from dataclasses import dataclass, replace

from gateway.domain.call import Call, Capture
from gateway.domain.redaction import Redactor
from gateway.domain.secret import Scrubber
from gateway.recording.prompt import Prompt, read_prompt
from gateway.recording.prompt_version import prompt_version
from gateway.recording.scrubbed_bodies import scrubbed_bodies
from switchboard.domain.limits import MAX_EXCERPT_CHARACTERS
from switchboard.domain.trace import Bodies, Trace

_LAST_CHARACTERS = 512
"""Of a longer message's beginning: what was cut off there may be the first part of something that is redacted."""


@dataclass(frozen=True, slots=True)
class KeptContent:
    """Takes from a call's content what may be stored. A writer's thread calls it: long content takes a while."""

    prompt: Prompt
    scrubber: Scrubber
    redactor: Redactor
    capture: Capture

    @classmethod
    def of(cls, call: Call, scrubber: Scrubber, redactor: Redactor) -> "KeptContent":
        """What is kept of this call."""
        return cls(read_prompt(call.chat), scrubber, redactor, call.labels.capture)

    def bodies(self, bodies: Bodies) -> tuple[Bodies, Counter[str]]:
        """The bodies as they are stored, and how often what was redacted in them."""
        counts = Counter[str]()
        return scrubbed_bodies(bodies, self.scrubber, self.redactor, counts), counts

    def trace(self, trace: Trace) -> Trace:
        """The trace with its excerpt and the version of its prompt.

        Without metadata the prompt's variables are unknown: there is no version where none is captured.
        """
        return replace(trace, prompt_version=self._version(trace), excerpt=self._excerpt())

    def _version(self, trace: Trace) -> str | None:
        if self.capture is Capture.NONE or not self.prompt.system:
            return None
        return prompt_version("\n".join(self.prompt.system), trace.metadata.values())

    def _excerpt(self) -> str | None:
        if self.capture is not Capture.FULL:
            return None
        # Clipped before, it could end with the beginning of a secret.
        words = self.scrubber.text(self.prompt.words, is_cut=self.prompt.has_more_words)
        words = self.redactor.text(words, Counter())  # counted in the body of the request
        if self.prompt.has_more_words:
            words = words[:-_LAST_CHARACTERS]
        return words[:MAX_EXCERPT_CHARACTERS] or None
