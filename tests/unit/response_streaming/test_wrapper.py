import os
import subprocess
from collections.abc import Mapping

from testkit.runtime_command import REPOSITORY

WRAPPER = REPOSITORY / "layers/response_streaming/wrapper"
LAUNCHER = WRAPPER.parent / "response_streaming/launch.py"


def run(env: Mapping[str, str]) -> list[str]:
    """Start the wrapper with a program that prints its arguments in place of the interpreter."""
    show = ["/usr/bin/printf", "%s\n", "/var/runtime/boot strap.py"]
    return subprocess.run([WRAPPER, *show], env=env, capture_output=True, text=True, check=True).stdout.splitlines()


def test_under_sam_local_the_runtime_starts_unchanged() -> None:
    assert run({"AWS_SAM_LOCAL": "true"}) == ["/var/runtime/boot strap.py"]


def test_elsewhere_the_interpreter_starts_the_launcher() -> None:
    shown = subprocess.run(
        [WRAPPER, "/bin/echo", "/var/runtime/bootstrap.py"], env={}, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == [str(LAUNCHER), "/var/runtime/bootstrap.py"]


def test_lambda_can_execute_it_and_finds_the_launcher_beside_it() -> None:
    assert os.access(WRAPPER, os.X_OK)
    assert LAUNCHER.is_file()
