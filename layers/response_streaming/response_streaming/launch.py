"""Starts Lambda's own Python runtime with a runtime client that streams.

Usage: python launch.py START_FILE, where START_FILE is the runtime's `bootstrap.py`.
"""

import os
import runpy
import sys
from pathlib import Path

import awslambdaric.__main__
import awslambdaric.bootstrap

# Where the runtime looks its client up: since awslambdaric 4 in the first module, before that in the second.
_CREATORS = (awslambdaric.__main__, awslambdaric.bootstrap)


def _streaming_client(*arguments: object, **keywords: object) -> object:
    # Not imported above: the start file puts the layers' folders on sys.path, after this module has run.
    from response_streaming.client import StreamingRuntimeClient  # noqa: PLC0415

    return StreamingRuntimeClient(*arguments, **keywords)


def launch(start_file: str) -> None:
    """Run `start_file` as the main program, with `response_streaming.entry` loading the function's handler."""
    os.environ["RESPONSE_STREAMING_HANDLER"] = os.environ["_HANDLER"]
    os.environ["_HANDLER"] = "response_streaming.entry.handler"
    for module in _CREATORS:
        module.LambdaRuntimeClient = _streaming_client
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(start_file).parent)
    runpy.run_path(start_file, run_name="__main__")


if __name__ == "__main__":
    launch(sys.argv[1])
