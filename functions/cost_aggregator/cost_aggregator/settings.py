"""The aggregator's settings, read from the environment once, at the entry point."""

from collections.abc import Mapping
from dataclasses import dataclass

from switchboard.settings import positive, read_settings


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is an environment variable of the same name in capitals.

    `poison_queue_url`: the SQS queue for traces that cannot be settled; if empty, they are only logged.
    `dynamodb_endpoint`: empty for AWS's endpoint. `retention_days`: how long the gateway keeps traces.
    """

    table_name: str
    poison_queue_url: str = ""
    dynamodb_endpoint: str = ""
    retention_days: int = 30

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings of an environment. Raises SettingsInvalid."""
        return read_settings(cls, environment, {"retention_days": positive})
