"""The deployment's own provider keys. Each belongs to a provider, and goes only where the provider's own address is."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from gateway.domain.clock import Clock
from gateway.domain.secret import Secret
from gateway.upstream.stale_cache import StaleCache

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

FRESH_S = 300
STALE_S = 86_400


class KeyringUnavailable(Exception):
    """The place where keys are stored did not answer."""


class Keyring(Protocol):
    """Where stored provider keys are."""

    async def find(self, provider: str) -> Secret | None:
        """The key stored for the provider, or None. Raises KeyringUnavailable."""


class EnvironmentKeyring:
    """Keys from environment variables, OPENAI_API_KEY and so on: for one's own machine."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def find(self, provider: str) -> Secret | None:
        """The value of <PROVIDER>_API_KEY."""
        text = self._environment.get(f"{provider.upper()}_API_KEY", "").strip()
        return Secret(text) if text else None


class ParameterKeyring:
    """Keys from SecureString parameters under a path of the stack's, read when first needed and then remembered."""

    def __init__(self, path: str, read: Callable[[str], str | None], clock: Clock) -> None:
        self._path = path.rstrip("/")
        self._look_up = StaleCache(read, clock, fresh_s=FRESH_S, stale_s=STALE_S)

    async def find(self, provider: str) -> Secret | None:
        """The parameter <path>/<provider>."""
        text = await self._look_up.get(f"{self._path}/{provider}")
        return Secret(text.strip()) if text and text.strip() else None


def parameter_reader(client: "SSMClient") -> Callable[[str], str | None]:
    """A blocking function from a parameter's full name to its decrypted text, None where there is none.

    It raises KeyringUnavailable. Powertools' own reader imports every one of its back ends, which a call that needs
    its first key would wait for.
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
