"""The streaming layer inside the container, on the runtime's own start file and search path."""

import json

import pytest

from testkit.runtime_recorded import DELIMITER
from testkit.sam import BuiltStack

pytestmark = pytest.mark.sam_local

# In `sam local` the wrapper does nothing. This script calls it without the variable by which it detects that.
NOT_LOCAL = '#!/bin/sh\nunset AWS_SAM_LOCAL\nexec /opt/python/wrapper "$@"\n'


@pytest.fixture
def streaming_wrapper(stack: BuiltStack) -> str:
    """The path, in the container, of a wrapper that streams."""
    wrapper = stack.template.parent / "GatewayFunction" / "streaming"
    wrapper.write_text(NOT_LOCAL)
    wrapper.chmod(0o755)
    return f"/var/task/{wrapper.name}"


def test_a_streamed_call_is_prelude_nul_bytes_and_events(stack: BuiltStack, streaming_wrapper: str) -> None:
    done = stack.invoke("GatewayFunction", "chat-streamed", AWS_LAMBDA_EXEC_WRAPPER=streaming_wrapper)

    prelude, delimiter, body = done.result.partition(DELIMITER)
    assert delimiter == DELIMITER
    head = json.loads(prelude)
    assert head["statusCode"] == 200
    assert head["headers"]["content-type"].startswith("text/event-stream")
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")
