"""Replaces `/var/runtime/bootstrap.py`, the start file of Lambda's Python runtime, on a machine without one."""

import os
from pathlib import Path

from awslambdaric.__main__ import main

main([str(Path.cwd()), os.environ["_HANDLER"]])
