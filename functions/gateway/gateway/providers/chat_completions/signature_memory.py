"""Remembers reasoning state from one turn of a conversation for its next, in this process."""

from dataclasses import dataclass
from threading import Lock

from gateway.domain.call import Target
from gateway.domain.clock import Clock
from switchboard.domain.bounded_dict import BoundedDict
from switchboard.domain.limits import MAX_REASONING_CHARACTERS

MAX_AGE_S = 3600
MAX_CHARACTERS = 2_000_000
"""Of all names and values of one project together."""

MAX_PROJECTS = 32

type Key = tuple[str, str, str]
"""The conversation and place, the history's fingerprint, the name."""

type Entries = BoundedDict[Key, tuple[str, tuple[float, float]]]

_REUSED = ""
"""The value under a name alone where it has stood for two values: nobody gets either."""


class SignatureMemory:
    """Values by project, conversation, provider, history and name, each for an hour.

    When a project's values grow too large its least recently written are dropped. A turn that is served by another
    process finds nothing and must do without.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._projects = BoundedDict[str, Entries](MAX_PROJECTS)
        self._lock = Lock()  # large requests and large answers are read in threads

    def of(self, project: str, conversation: str | None, target: Target) -> "ConversationMemory":
        """The memory of one conversation at one provider. A conversation without an id is told by its history."""
        return ConversationMemory(self, project, conversation, f"{target.dialect} {target.host}")

    def remember(self, name: str, value: str, history: str = "") -> None:
        """Keep a value for a single conversation."""
        ConversationMemory(self, "", "", "").remember(name, value, history)

    def recall(self, name: str, history: str = "") -> str | None:
        """The value that was kept for a single conversation."""
        return ConversationMemory(self, "", "", "").recall(name, history)

    def keep(self, project: str, key: Key, value: str) -> None:
        """Keep a value under its complete key."""
        with self._lock:
            entries = self._projects.get(project)
            if entries is None:
                entries = self._projects[project] = BoundedDict(MAX_CHARACTERS, _characters)
            entries[key] = value, self._clock.moment()

    def find(self, project: str, key: Key) -> str | None:
        """The value under a complete key; None where there is none or it is older than MAX_AGE_S."""
        with self._lock:
            entries = self._projects.get(project)
            found = entries.get(key) if entries is not None else None
        return found[0] if found is not None and self._clock.age_s(found[1]) < MAX_AGE_S else None


@dataclass(frozen=True, slots=True)
class ConversationMemory:
    """What is remembered of one conversation. Call ids may repeat in it (`call_0`): the history tells them apart.

    In a conversation with an id, a call whose history has changed since is found by its id alone, if that id has stood
    for one value only.
    """

    memory: SignatureMemory
    project: str
    conversation: str | None
    place: str

    def remember(self, name: str, value: str, history: str) -> None:
        """Keep a value, unless it is very long."""
        if len(value) > MAX_REASONING_CHARACTERS:
            return
        self.memory.keep(self.project, self._key(name, history), value)
        if self.conversation is not None and history:
            alone = self._key(name, "")
            before = self.memory.find(self.project, alone)
            self.memory.keep(self.project, alone, value if before in (None, value) else _REUSED)

    def recall(self, name: str, history: str) -> str | None:
        """The value, if it is still kept."""
        value = self.memory.find(self.project, self._key(name, history))
        if value is None and self.conversation is not None:
            value = self.memory.find(self.project, self._key(name, ""))
        return value or None

    def _key(self, name: str, history: str) -> Key:
        return f"{len(self.conversation or '')} {self.conversation or ''} {self.place}", history, name


def _characters(key: Key, entry: tuple[str, tuple[float, float]]) -> int:
    return sum(map(len, key)) + len(entry[0])
