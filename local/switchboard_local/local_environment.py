"""The environment variables of the local gateway and console."""

import secrets
from collections.abc import Mapping

DEFAULT_TABLE = "switchboard-local"
DEMO_PATH = "/demo/v1"
"""A part that nobody can guess follows: any web page in a browser on this machine could post to a known path."""


def local_environment(
    environment: Mapping[str, str], *, port: int, endpoint: str, table: str = DEFAULT_TABLE
) -> dict[str, str]:
    """The user's environment with the local table, engine and demo provider added. The user's own table comes first."""
    table = environment.get("TABLE_NAME", "").strip() or table
    added = {
        "PRIVATE_PROVIDER_HOSTS": f"127.0.0.1:{port}",
        "PROVIDER_BASE_URLS": f"demo=http://127.0.0.1:{port}{DEMO_PATH}/{secrets.token_urlsafe(16)}",
        "KEYLESS_PROVIDERS": "demo",
    }
    joined = {name: ",".join(filter(None, (environment.get(name, "").strip(), own))) for name, own in added.items()}
    return {**environment, "TABLE_NAME": table, "DYNAMODB_ENDPOINT": endpoint, **joined}
