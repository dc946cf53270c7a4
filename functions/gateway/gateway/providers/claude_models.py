"""What each Claude model accepts, by its name; every limit as Anthropic's model pages document it."""

import re
from dataclasses import dataclass

_ALWAYS_THINKING = frozenset({"fable", "mythos"})
_NEWEST = (99, 0)
# The family comes before the version (claude-sonnet-4-5) or after it (claude-3-5-sonnet); a date is not a version.
_NAME = re.compile(
    r"claude-(?:(?P<before>[a-z]+)-)?(?P<major>\d{1,2})(?:[.-](?P<minor>\d{1,2})(?!\d))?(?!\d)(?:-(?P<after>[a-z]+))?"
)


@dataclass(frozen=True, slots=True)
class Claude:
    """A model's family and version. A Claude without a version counts as the newest, any other model as the oldest."""

    family: str
    version: tuple[int, int]

    @property
    def takes_sampling(self) -> bool:
        """Whether temperature and top_p may be set: Opus 4.7 and every later model answer 400."""
        return self.version < (4, 7)

    @property
    def takes_both_sampling_fields(self) -> bool:
        """Whether temperature and top_p may be set together: not from Opus 4.1 on."""
        return self.version < (4, 1)

    @property
    def takes_prefill(self) -> bool:
        """Whether a history may end with an assistant message: not from 4.6 on."""
        return self.version < (4, 6)

    @property
    def takes_effort(self) -> bool:
        """Whether `output_config.effort` may be set."""
        return self.version >= (4, 6)

    @property
    def takes_extra_high_effort(self) -> bool:
        """Whether `xhigh` is one of the efforts."""
        return self.version >= (4, 7)

    @property
    def thinks_by_default(self) -> bool:
        """Whether the model thinks when the request does not configure thinking."""
        return self.version >= (5, 0)

    @property
    def can_disable_thinking(self) -> bool:
        """Whether thinking that is on by default can be switched off."""
        return self.version == (5, 0) and self.family not in _ALWAYS_THINKING

    @property
    def takes_forced_tools(self) -> bool:
        """Whether a tool call may be forced: not where thinking is always on."""
        return self.version < (5, 5) and self.family not in _ALWAYS_THINKING

    @property
    def takes_schemas(self) -> bool:
        """Whether `output_config.format` and a tool's `strict` may be set: from 4.5 on."""
        return self.version >= (4, 5)

    @property
    def most_max_tokens(self) -> int | None:
        """The documented output limit, above which the model answers 400; None for newer models and other names.

        https://platform.claude.com/docs/en/about-claude/models/overview
        """
        if not (1, 0) <= self.version < (4, 6):
            return None
        if self.version < (3, 5):
            return 4_096
        if self.version < (3, 7):
            return 8_192
        return 32_000 if self.family == "opus" and self.version < (4, 5) else 64_000

    @property
    def default_max_tokens(self) -> int:
        """The limit that is sent when the caller sets none: far above a spoken answer, within every model's maximum.

        Models that think by default spend it on their thinking too.
        """
        if self.thinks_by_default:
            return 16_384
        return 8_192 if self.version >= (4, 0) else 4_096


def claude(model: str) -> Claude:
    """The family and version in a model's name."""
    name = model.lower()
    if (found := _NAME.search(name)) is not None:
        family = found["before"] or found["after"] or ""
        return Claude(family, (int(found["major"]), int(found["minor"] or 0)))
    return Claude("", _NEWEST if "claude" in name else (0, 0))
