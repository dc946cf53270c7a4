"""`python -m bench.cold_start`: how long each part of the gateway's start takes, in the order of the imports."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
STARTS = 7
PARTS = {
    "Mangum (and asyncio)": "import asyncio, mangum",
    "FastAPI (and pydantic)": "import fastapi",
    "httpx": "import httpx, httpcore, certifi",
    "botocore": "import botocore.session, botocore.config",
    "Powertools": "import aws_lambda_powertools.logging, aws_lambda_powertools.metrics",
    "the gateway's modules": "import gateway.assembly, gateway.recording.observability",
    "clients, TLS, routes": "import gateway.handler",
}
_PROBE = """
import gc, json, sys, time
gc.disable()  # as the handler does
parts, took, scope = json.loads(sys.argv[1]), {}, {}
for name, code in parts.items():
    begun = time.perf_counter()
    exec(code, scope)
    took[name] = (time.perf_counter() - begun) * 1000
print(json.dumps(took))
"""
_ENVIRONMENT = {
    "TABLE_NAME": "no-table",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def one_start(parts: dict[str, str]) -> dict[str, float]:
    """Milliseconds for each part, in a new interpreter, with cached byte code."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | _ENVIRONMENT
    command = [sys.executable, "-c", _PROBE, json.dumps(parts)]
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    took: dict[str, float] = json.loads(done.stdout)
    return took


def main() -> None:
    """Print the table."""
    one_start(PARTS)  # writes the byte code cache
    starts = [one_start(PARTS) for _ in range(STARTS)]
    whole = [sum(start.values()) for start in starts]
    for name in PARTS:
        print(f"{name:24}{median(start[name] for start in starts):8.1f} ms")
    print(f"{'all':24}{median(whole):8.1f} ms")


if __name__ == "__main__":
    main()
