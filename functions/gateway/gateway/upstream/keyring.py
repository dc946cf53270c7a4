"""The deployment's stored provider keys. A key is sent only to its own provider's address."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from gateway.domain.clock import Clock
from gateway.domain.secret import Secret
from gateway.upstream.stale_cache import LookupLate, StaleCache

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

FRESH_S = 300
OLD_S = 300
STALE_S = 86_400
FIRST_WAIT_S = 5.0
"""Parameter Store serves 40 reads a second to start with: many new sandboxes at once wait for their turn."""


class KeyringUnavailable(Exception):
    """The store of provider keys did not answer."""


class Keyring(Protocol):
    """A store of provider keys."""

    async def find(self, provider: str) -> Secret | None:
        """The key stored for the provider, or None. Raises KeyringUnavailable."""


class EnvironmentKeyring:
    """Keys from environment variables such as OPENAI_API_KEY, for local development."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def find(self, provider: str) -> Secret | None:
        """The value of <PROVIDER>_API_KEY."""
        text = self._environment.get(f"{provider.upper()}_API_KEY", "").strip()
        return Secret(text) if text else None


class ParameterKeyring:
    """Keys from SecureString parameters under one path, read when first needed and then cached."""

    def __init__(self, path: str, read: Callable[[str], str | None], clock: Clock) -> None:
        self._path = path.rstrip("/")
        self._cache = StaleCache(read, clock, fresh_s=FRESH_S, old_s=OLD_S, stale_s=STALE_S, first_wait_s=FIRST_WAIT_S)

    async def find(self, provider: str) -> Secret | None:
        """The parameter <path>/<provider>. Raises KeyringUnavailable."""
        name = f"{self._path}/{provider}"
        try:
            text = await self._cache.get(name)
        except LookupLate as late:
            raise KeyringUnavailable(name) from late
        return Secret(text.strip()) if text and text.strip() else None


def parameter_reader(client: "SSMClient") -> Callable[[str], str | None]:
    """A blocking function that reads a parameter by its full name: the decrypted text, or None where there is none.

    It raises KeyringUnavailable. Powertools' own reader is not used: it imports all its back ends, and the first call
    that needs a key would wait for that.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    def read(name: str) -> str | None:
        try:
            return client.get_parameter(Name=name, WithDecryption=True)["Parameter"].get("Value")
        except client.exceptions.ParameterNotFound:
            return None
        except (BotoCoreError, ClientError) as failed:
            raise KeyringUnavailable(name) from failed

    return read
