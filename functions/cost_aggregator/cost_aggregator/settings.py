"""The aggregator's settings, read from the environment once, at the entry point."""

from collections.abc import Mapping
from dataclasses import dataclass

from switchboard.domain.search_terms import DEFAULT_METADATA, read_metadata_names
from switchboard.settings import positive, read_settings


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is an environment variable of the same name in capitals.

    `poison_queue_url`: the SQS queue for traces that cannot be settled; if empty, they are only logged.
    `dynamodb_endpoint`: empty for AWS's endpoint. `retention_days`: how long the gateway keeps traces.
    `search_metadata`: the names of the metadata entries that calls get search rows for.
    """

    table_name: str
    poison_queue_url: str = ""
    dynamodb_endpoint: str = ""
    retention_days: int = 30
    search_metadata: tuple[str, ...] = DEFAULT_METADATA

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings of an environment. Raises SettingsInvalid."""
        readers = {"retention_days": positive, "search_metadata": read_metadata_names}
        return read_settings(cls, environment, readers)
