"""The versions of Lambda's runtime for Python that the streaming layer is tested with."""

from importlib.metadata import version

from testkit.missing import missing
from testkit.runtime_command import REPOSITORY

NEWEST = version("awslambdaric")
"""Our own environment's: `make lock` takes the newest."""
OLDER = "3.1.1"
"""Its `bootstrap.run` creates the client; since 4.0 its `__main__` does. Managed runtimes may have either."""
VERSIONS = (OLDER, NEWEST)

_OLDER = REPOSITORY / ".tools/older_runtime"


def runtime_env(number: str) -> dict[str, str]:
    """The environment variables of a sandbox with that version; without its packages the test skips, in CI it fails."""
    if number == NEWEST:
        return {}
    if not (_OLDER / f"awslambdaric-{number}.dist-info").is_dir():
        missing(f"awslambdaric {number} is missing: `make older-runtime` installs it")
    return {"PYTHONPATH": str(_OLDER)}
