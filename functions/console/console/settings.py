"""The console's settings, read from the environment once, at the entry point."""

from collections.abc import Mapping
from dataclasses import dataclass

from switchboard.domain.search_terms import DEFAULT_METADATA, read_metadata_names
from switchboard.settings import read_settings


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is an environment variable of the same name in capitals.

    `dynamodb_endpoint`: empty for AWS's endpoint. `search_metadata`: the names of the metadata entries that calls can
    be searched for by.
    """

    table_name: str
    dynamodb_endpoint: str = ""
    search_metadata: tuple[str, ...] = DEFAULT_METADATA

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings of an environment. Raises SettingsInvalid."""
        return read_settings(cls, environment, {"search_metadata": read_metadata_names})
