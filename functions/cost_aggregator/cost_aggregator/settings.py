"""What the deployment decides: read once, at the door."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields


class SettingsInvalid(Exception):
    """Names every setting that is missing."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is an environment variable of the same name in capitals.

    `poison_queue_url`: the SQS queue for traces that cannot be settled; empty for the log alone. `dynamodb_endpoint`:
    empty for AWS's own.
    """

    table_name: str
    poison_queue_url: str = ""
    dynamodb_endpoint: str = ""

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings of an environment. Raises SettingsInvalid with all that is missing, not the first of it."""
        given = {field.name: environment.get(field.name.upper(), "").strip() for field in fields(cls)}
        required = [field.name for field in fields(cls) if field.default is MISSING]
        if missing := [name.upper() for name in required if not given[name]]:
            raise SettingsInvalid(f"missing from the environment: {', '.join(missing)}")
        return cls(**{name: value for name, value in given.items() if value})
