"""The real clients that the tests point at the gateway: how each one's script runs, and its names for errors."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "tests" / "clients"
ENVIRONMENTS = ROOT / os.environ.get("CLIENT_ENVS", ".tools/clients")
"""Where `make clients-setup` installs."""

PYTHON = ENVIRONMENTS / "python" / "bin" / "python"
NOT_INSTALLED = "its packages are not installed: run `make clients-setup`"
H2C = "the server that `make run` uses loses the body of a request that offers an upgrade to HTTP/2 (h2c)"

type Told = tuple[str, int | None, str | None]
"""What a client tells of an error: its own name for it, the HTTP status, the gateway's code."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client.

    `wrong_key`, `down` and `cut` are what it tells of these errors. `has_api` is false where it knows HTTP alone: its
    script then prints bodies as they came. `fails` says why scenarios fail for now, `may_fail` why they sometimes do.
    """

    name: str
    command: tuple[str, ...]
    wrong_key: Told
    down: Told
    cut: Told
    environment: Mapping[str, str] = field(default_factory=dict)
    has_api: bool = True
    fails: Mapping[str, str] = field(default_factory=dict)
    may_fail: Mapping[str, str] = field(default_factory=dict)

    def missing(self) -> str | None:
        """What this machine lacks to run it, in a sentence, or None."""
        program, script = self.command[0], Path(self.command[1])
        if Path(program) == PYTHON:
            return None if (PYTHON.parents[1] / ".ready").exists() else f"{self.name}: {NOT_INSTALLED}"
        if shutil.which(program) is None:
            return f"{self.name}: `{program}` is not on the PATH"
        needs_packages = (script.parent / "package.json").exists()
        has_packages = (script.parent / "node_modules" / ".ready").exists()
        return f"{self.name}: {NOT_INSTALLED}" if needs_packages and not has_packages else None


def _of_python(name: str, wrong_key: Told, down: Told, cut: Told, **environment: str) -> Client:
    command = (str(PYTHON), str(SCRIPTS / "python" / f"{name}_calls.py"))
    return Client(name, command, wrong_key, down, cut, environment)


def _of_http(name: str, *command: str, **environment: str) -> Client:
    return Client(
        name,
        command,
        wrong_key=("authentication_error", 401, "key_unknown"),
        down=("upstream_error", 502, "connect_failed"),
        cut=("upstream_error", 200, "upstream_cut"),
        environment=environment,
        has_api=False,
    )


_CURL = (sys.executable, str(SCRIPTS / "curl" / "calls.py"))
_JAVA = ("java", str(SCRIPTS / "jdk" / "Calls.java"))
_WITHOUT_BODY = dict.fromkeys(("text", "tools", "structured", "down", "cut", "cancel"), H2C)

CLIENTS = (
    Client(
        "ai_sdk",
        ("node", str(SCRIPTS / "ai_sdk" / "calls.mjs")),
        wrong_key=("AI_APICallError", 401, "key_unknown"),
        down=("AI_APICallError", 502, "connect_failed"),
        cut=("AI_StreamProviderError", None, "upstream_cut"),
    ),
    _of_python(
        "langchain",
        wrong_key=("OpenAIAuthenticationError", 401, "key_unknown"),
        down=("OpenAIAPIError", 502, "connect_failed"),
        cut=("APIError", None, "upstream_cut"),
    ),
    _of_python(
        "litellm",
        wrong_key=("AuthenticationError", 401, None),
        down=("BadGatewayError", 502, None),
        cut=("MidStreamFallbackError", 500, None),
        LITELLM_LOCAL_MODEL_COST_MAP="True",  # it fetches prices from the internet otherwise
    ),
    _of_python(
        "livekit",
        wrong_key=("APIStatusError", 401, "key_unknown"),
        down=("APIStatusError", 502, "connect_failed"),
        cut=("APIConnectionError", None, None),
    ),
    _of_python(
        "pipecat",
        wrong_key=("AuthenticationError", 401, "key_unknown"),
        down=("InternalServerError", 502, "connect_failed"),
        cut=("APIError", None, "upstream_cut"),
    ),
    _of_python(
        "pydantic_ai",
        wrong_key=("ModelAuthenticationError", 401, "key_unknown"),
        down=("ModelServerError", 502, "connect_failed"),
        cut=("ModelAPIError", None, "upstream_cut"),
    ),
    # The JDK sends the body by itself, and the server may take it for the next request.
    replace(_of_http("jdk", *_JAVA), fails=_WITHOUT_BODY, may_fail={"wrong_key": H2C}),
    _of_http("jdk_http1", *_JAVA, HTTP_VERSION="1.1"),
    replace(_of_http("curl_http2", *_CURL, CURL_OPTIONS="--http2"), fails=_WITHOUT_BODY),
    _of_http("curl", *_CURL),
)
