"""The packages that the gateway's start imports: each makes a cold start longer."""

import json
import os
import subprocess
import sys

# Ordered by import time. Measure a package before adding it (`python -m bench.cold_start`).
EXPECTED = {
    "annotated_doc",
    "annotated_types",
    "anyio",
    "aws_lambda_powertools",
    "botocore",
    "certifi",
    "dateutil",
    "fastapi",
    "gateway",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "jmespath",
    "mangum",
    "opentelemetry",
    "pydantic",
    "pydantic_core",
    "six",
    "starlette",
    "switchboard",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}
# httpx imports these if they are installed (command line, another event loop, HTTP/2). In a function they are not.
NOT_IN_A_FUNCTION = ("click", "rich", "pygments", "sniffio", "h2")
_PROBE = """
import json, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
import gateway.handler
found = [n for n, m in sys.modules.items() if m is not None and "site-packages" in (getattr(m, "__file__", None) or "")]
found += [n for n in sys.modules if n in ("gateway", "switchboard")]
print(json.dumps(sorted(found)))
"""


def imported() -> list[str]:
    """Every module outside the standard library that a start imports."""
    environment = os.environ | {"TABLE_NAME": "a-table-of-no-one", "AWS_DEFAULT_REGION": "eu-central-1"}
    command = [sys.executable, "-c", _PROBE, ",".join(NOT_IN_A_FUNCTION)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    modules: list[str] = json.loads(done.stdout)
    return modules


def test_the_start_imports_exactly_these_packages() -> None:
    modules = imported()
    assert {name.partition(".")[0] for name in modules if not name.startswith("_")} == EXPECTED
    assert not [name for name in modules if name.startswith("pydantic.v1")]  # what FastAPI's own routes would load


def test_the_collector_passes_over_what_the_start_imported_and_is_on_again() -> None:
    environment = os.environ | {"TABLE_NAME": "a-table-of-no-one", "AWS_DEFAULT_REGION": "eu-central-1"}
    probe = "import gc, gateway.handler; print(gc.isenabled(), gc.get_freeze_count() > 50_000, len(gc.get_objects()))"
    done = subprocess.run([sys.executable, "-c", probe], env=environment, check=True, capture_output=True, text=True)
    is_on, is_frozen, looked_through = done.stdout.split()
    assert (is_on, is_frozen) == ("True", "True")
    assert int(looked_through) < 5_000
