"""A caller that disconnects in mid-answer: the provider's request is cancelled at once, and the trace is stored."""

import time
from pathlib import Path

import httpx
import pytest

from testkit.local_system import local_system
from testkit.openai_events import chunk
from testkit.upstream import Answer, End, ScriptedUpstream

CANCELLED_WITHIN_S = 0.05


@pytest.mark.alone
async def test_the_providers_request_is_cancelled_at_once(tmp_path: Path) -> None:
    body = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    answer = Answer([chunk("Hello"), chunk(" there"), End.HANG])
    with (
        ScriptedUpstream(answer) as upstream,
        local_system(tmp_path, {"PRIVATE_PROVIDER_HOSTS": upstream.host}) as system,
    ):
        cancelled_after_s: list[float] = []
        # Several tries, because other load on the machine can delay it.
        while len(cancelled_after_s) < 3 and min(cancelled_after_s, default=1.0) >= CANCELLED_WITHIN_S:
            task_id = f"left-{len(cancelled_after_s)}"
            headers = {**system.headers, "x-inference-provider-url": upstream.base_url, "x-inference-task-id": task_id}
            async with (
                httpx.AsyncClient(trust_env=False) as client,
                client.stream("POST", f"{system.base_url}/chat/completions", json=body, headers=headers) as reply,
            ):
                assert b"Hello" in await anext(reply.aiter_raw())
                disconnected_at = time.monotonic()
            cancelled_after_s.append(await upstream.requests[-1].left() - disconnected_at)
            trace = system.recorded(task_id)
            assert trace["status"] == "client_closed"
            assert trace["usage"]["source"] == "estimated"
            assert trace["usage"]["output"] > 0
        assert min(cancelled_after_s) < CANCELLED_WITHIN_S
