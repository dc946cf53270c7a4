"""What is known of one provider."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gateway.providers.usage import UsageReader, read_openai


def bearer(key: str) -> dict[str, str]:
    """The key as most providers take it."""
    return {"authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of the table.

    `base_url` is where a call without a URL goes; None where there is no such place (an account's or a region's own
    URL is needed). `hosts` are host names, where `*` stands for any part. `models` are the beginnings of
    model names that mean this provider. `takes_stream_options`: whether a stream's usage must, and may, be asked for.
    """

    name: str
    base_url: str | None = None
    hosts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    key_headers: Callable[[str], dict[str, str]] = bearer
    takes_stream_options: bool = True
    read_usage: UsageReader = read_openai

    def serves(self, host: str) -> bool:
        """Whether the host is one of this provider's."""
        return any(fnmatchcase(host, pattern) for pattern in self.hosts)
