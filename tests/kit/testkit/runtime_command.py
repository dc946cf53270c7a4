"""How a function is started on this machine: the command and the environment Lambda would give it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

_WRAPPER = REPOSITORY / "layers/response_streaming/wrapper"
START_FILE = Path(__file__).with_name("runtime_bootstrap.py")


def command(start_file: Path = START_FILE, *, streaming: bool = True) -> list[str]:
    """Return the runtime's start command, behind the streaming layer's wrapper if `streaming`."""
    start = [sys.executable, str(start_file)]
    return [str(_WRAPPER), *start] if streaming else start


def environment(handler: str, env: Mapping[str, str] | None = None, *, timeout_s: int = 30) -> dict[str, str]:
    """Return a sandbox's environment variables; of the developer's own only the search path."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(REPOSITORY),
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        **(env or {}),
    }
