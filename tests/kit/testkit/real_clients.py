"""The real clients that the tests point at the gateway: how each one's script runs, and its names for errors."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "tests" / "clients"
PYTHON = ROOT / os.environ.get("CLIENT_ENVS", ".tools/clients") / "python"
"""Where `make clients-setup` installs the Python clients."""

type Told = tuple[str, int | None, str | None]
"""What a client tells of an error: its own name for it, the HTTP status, the gateway's code."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client; `title` and `setup` (how a user points it at the gateway) are for `docs/clients.md`."""

    name: str
    title: str
    setup: str
    command: tuple[str, ...]
    wrong_key: Told
    down: Told
    cut: Told
    package: str | None = None
    """The package whose pin is its version."""
    program: str | None = None
    """What must be on the PATH."""
    installed: Path | None = None
    """A file that is there once its packages are installed."""
    environment: Mapping[str, str] = field(default_factory=dict)
    has_api: bool = True
    """Whether it knows OpenAI's API. Otherwise its script prints the bodies as they came."""
    fails: Mapping[str, str] = field(default_factory=dict)
    """Scenarios that fail for now, and why."""
    may_fail: Mapping[str, str] = field(default_factory=dict)
    """Scenarios that sometimes fail for now, and why."""

    def missing(self) -> str | None:
        """What this machine lacks to run it, in a sentence, or None."""
        if self.program is not None and shutil.which(self.program) is None:
            return f"{self.name}: `{self.program}` is not on the PATH"
        if self.installed is not None and not self.installed.exists():
            return f"{self.name}: its packages are not installed: run `make clients-setup`"
        return None


def _of_python(
    name: str, title: str, package: str, setup: str, *, wrong_key: Told, down: Told, cut: Told, **environment: str
) -> Client:
    return Client(
        name,
        title,
        setup,
        (str(PYTHON / "bin" / "python"), str(SCRIPTS / "python" / f"{name}_calls.py")),
        wrong_key,
        down,
        cut,
        package,
        installed=PYTHON / ".ready",
        environment=environment,
    )


def _of_http(name: str, title: str, setup: str, program: str, *command: str, **environment: str) -> Client:
    return Client(
        name,
        title,
        setup,
        command,
        wrong_key=("authentication_error", 401, "key_unknown"),
        down=("upstream_error", 502, "connect_failed"),
        cut=("upstream_error", 200, "upstream_cut"),
        program=program,
        environment=environment,
        has_api=False,
    )


_JDK = ("javac", "java", str(SCRIPTS / "jdk" / "Calls.java"))
_CURL = ("curl", sys.executable, str(SCRIPTS / "curl" / "calls.py"))

CLIENTS = (
    Client(
        "ai_sdk",
        "Vercel AI SDK",
        "createOpenAICompatible({ baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true })",
        ("node", str(SCRIPTS / "ai_sdk" / "calls.mjs")),
        wrong_key=("AI_APICallError", 401, "key_unknown"),
        down=("AI_APICallError", 502, "connect_failed"),
        cut=("AI_StreamProviderError", None, "upstream_cut"),
        package="ai",
        program="node",
        installed=SCRIPTS / "ai_sdk" / "node_modules" / ".ready",
    ),
    _of_python(
        "langchain",
        "LangChain",
        "langchain-openai",
        "ChatOpenAI(model=…, base_url=…, api_key=…)",
        wrong_key=("OpenAIAuthenticationError", 401, "key_unknown"),
        down=("OpenAIAPIError", 502, "connect_failed"),
        cut=("APIError", None, "upstream_cut"),
    ),
    _of_python(
        "litellm",
        "LiteLLM",
        "litellm",
        'acompletion(model="openai/…", api_base=…, api_key=…)',
        wrong_key=("AuthenticationError", 401, None),
        down=("BadGatewayError", 502, None),
        cut=("MidStreamFallbackError", 500, None),
        LITELLM_LOCAL_MODEL_COST_MAP="True",  # otherwise it fetches prices from the internet at its import
    ),
    _of_python(
        "livekit",
        "LiveKit Agents",
        "livekit-plugins-openai",
        "openai.LLM(model=…, base_url=…, api_key=…)",
        wrong_key=("APIStatusError", 401, "key_unknown"),
        down=("APIStatusError", 502, "connect_failed"),
        cut=("APIConnectionError", None, None),
    ),
    _of_python(
        "pipecat",
        "Pipecat",
        "pipecat-ai",
        "OpenAILLMService(base_url=…, api_key=…)",
        wrong_key=("AuthenticationError", 401, "key_unknown"),
        down=("InternalServerError", 502, "connect_failed"),
        cut=("APIError", None, "upstream_cut"),
    ),
    _of_python(
        "pydantic_ai",
        "pydantic-ai",
        "pydantic-ai-slim",
        "OpenAIChatModel(…, provider=OpenAIProvider(base_url=…, api_key=…))",
        wrong_key=("ModelAuthenticationError", 401, "key_unknown"),
        down=("ModelServerError", 502, "connect_failed"),
        cut=("ModelAPIError", None, "upstream_cut"),
    ),
    _of_http("jdk", "JDK HttpClient", "HttpClient.newHttpClient()", *_JDK),
    _of_http(
        "jdk_http1",
        "JDK HttpClient, HTTP/1.1",
        "HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()",
        *_JDK,
        HTTP_VERSION="1.1",
    ),
    _of_http("curl_http2", "curl, HTTP/2", "curl --http2 -N …", *_CURL, CURL_OPTIONS="--http2"),
    _of_http("curl", "curl", "curl -N …", *_CURL),
)
