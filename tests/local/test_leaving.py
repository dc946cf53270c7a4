"""A caller that leaves in mid-answer: the provider is left at once, and the call is kept."""

import time
from pathlib import Path

import httpx
import pytest

from testkit.local_system import local_system
from testkit.openai_events import chunk
from testkit.upstream import Answer, End, ScriptedUpstream

LEFT_WITHIN_S = 0.05


@pytest.mark.alone
async def test_the_provider_is_left_at_once(tmp_path: Path) -> None:
    body = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    answer = Answer([chunk("Hello"), chunk(" there"), End.HANG])
    with (
        ScriptedUpstream(answer) as upstream,
        local_system(tmp_path, {"PRIVATE_PROVIDER_HOSTS": upstream.host}) as system,
    ):
        left_after_s: list[float] = []
        # A few tries at the most: other work on the machine can only make it later.
        while len(left_after_s) < 3 and min(left_after_s, default=1.0) >= LEFT_WITHIN_S:
            task_id = f"left-{len(left_after_s)}"
            headers = {**system.headers, "x-inference-provider-url": upstream.base_url, "x-inference-task-id": task_id}
            async with (
                httpx.AsyncClient(trust_env=False) as client,
                client.stream("POST", f"{system.base_url}/chat/completions", json=body, headers=headers) as reply,
            ):
                assert b"Hello" in await anext(reply.aiter_raw())
                leaving_at = time.monotonic()
            left_after_s.append(await upstream.requests[-1].left() - leaving_at)
            trace = system.recorded(task_id)
            assert trace["status"] == "client_closed"
            assert trace["usage"]["source"] == "estimated"
            assert trace["usage"]["output"] > 0
        assert min(left_after_s) < LEFT_WITHIN_S
