"""The layer's imports beyond Lambda's runtime and Mangum, which add to the cold start."""

import subprocess
import sys

LISTING = """
import sys
import awslambdaric.__main__, mangum
before = set(sys.modules)
import runpy, response_streaming.client, response_streaming.handler, response_streaming.function
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
print(*sorted(name for name in sys.modules if name.startswith("response_streaming")))
"""

# http.client and what it brings (email, datetime, quopri); every httpx and boto3 has imported it already.
STANDARD_LIBRARY = {"_datetime", "datetime", "email", "http", "importlib", "quopri", "runpy"}


def listed() -> tuple[set[str], list[str], str]:
    ran = subprocess.run([sys.executable, "-I", "-c", LISTING], capture_output=True, text=True, check=True)
    roots, own = ran.stdout.splitlines()
    return set(roots.split()), own.split(), ran.stderr


def test_the_layer_imports_only_itself_and_few_standard_modules() -> None:
    roots, own, _ = listed()
    assert roots - {"response_streaming"} <= STANDARD_LIBRARY
    assert [name.removeprefix("response_streaming").lstrip(".") for name in own] == [
        "",
        "client",
        "exchange",
        "function",
        "handler",
        "prelude",
        "response_post",
        "trailers",
    ]


def test_importing_the_layer_prints_nothing() -> None:
    assert listed()[2] == ""
