import json
from dataclasses import replace

import pytest

from console.export_lines import Format, Skipped, export_line
from switchboard.domain.trace import Bodies, Trace
from testkit import openai_events as events
from testkit.samples import an_open_trace

ASKED = {"role": "user", "content": "Grüße"}
TOOLS = [{"type": "function", "function": {"name": "end_call"}}]
REQUEST = json.dumps({"model": "m", "messages": [ASKED], "tools": TOOLS}).encode()
STREAM = events.role() + events.chunk("Hal") + events.chunk("lo") + events.finish() + events.DONE
WHOLE = events.completion("Hallo")
TRACE = an_open_trace()


def _line(trace: Trace, bodies: Bodies, line_format: Format) -> object:
    line = export_line(trace, bodies, line_format)
    if isinstance(line, Skipped):
        return line
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return json.loads(line)


def test_catalysts_line_has_the_request_and_the_response() -> None:
    whole = replace(TRACE, streamed=False)
    line = _line(whole, Bodies(REQUEST, json.dumps(WHOLE, indent=2).encode()), Format.CATALYST)
    assert line == {"request": json.loads(REQUEST), "response": WHOLE}


def test_a_streamed_response_is_one_completion() -> None:
    line = _line(TRACE, Bodies(REQUEST, STREAM), Format.CATALYST)
    assert isinstance(line, dict)
    assert line["response"]["choices"][0]["message"] == {"role": "assistant", "content": "Hallo"}


@pytest.mark.parametrize("streamed", [True, False])
def test_the_conversation_ends_with_the_answer(streamed: bool) -> None:
    trace = replace(TRACE, streamed=streamed)
    answer = STREAM if streamed else json.dumps(WHOLE).encode()
    said = {"role": "assistant", "content": "Hallo"}
    assert _line(trace, Bodies(REQUEST, answer), Format.MESSAGES) == {
        "messages": [ASKED, said],
        "id": trace.trace_id,
        "tools": TOOLS,
    }
    plain = Bodies(json.dumps({"messages": [ASKED]}).encode(), answer)
    assert _line(trace, plain, Format.MESSAGES) == {"messages": [ASKED, said], "id": trace.trace_id, "tools": []}


def test_a_tool_call_is_an_answer() -> None:
    stream = events.tool_call("{}", name="end_call", call_id="c1") + events.finish("tool_calls") + events.DONE
    line = _line(TRACE, Bodies(REQUEST, stream), Format.MESSAGES)
    assert isinstance(line, dict)
    [call] = line["messages"][-1]["tool_calls"]
    assert call["function"] == {"name": "end_call", "arguments": "{}"}


@pytest.mark.parametrize(
    ("bodies", "catalyst", "messages"),
    [
        (Bodies(), Skipped.WITHOUT_BODIES, Skipped.WITHOUT_BODIES),
        (Bodies(REQUEST, None), Skipped.WITHOUT_BODIES, Skipped.WITHOUT_BODIES),
        (Bodies(REQUEST, b""), Skipped.WITHOUT_BODIES, Skipped.WITHOUT_BODIES),
        (Bodies(REQUEST, b"<html>"), Skipped.WITHOUT_ANSWER, Skipped.WITHOUT_ANSWER),
        (Bodies(b"[1]", STREAM), Skipped.WITHOUT_ANSWER, Skipped.WITHOUT_ANSWER),
        (Bodies(REQUEST, b'{"error": {}}'), None, Skipped.WITHOUT_ANSWER),
        (Bodies(REQUEST, events.role()), None, Skipped.WITHOUT_ANSWER),
        (Bodies(b'{"prompt": "x"}', STREAM), None, Skipped.WITHOUT_ANSWER),
    ],
)
def test_a_call_without_content_has_no_line(bodies: Bodies, catalyst: Skipped | None, messages: Skipped) -> None:
    found = export_line(TRACE, bodies, Format.CATALYST)
    assert (found if isinstance(found, Skipped) else None) is catalyst
    assert export_line(TRACE, bodies, Format.MESSAGES) is messages


def test_a_call_under_zero_retention_has_no_line_whatever_is_stored() -> None:
    trace = replace(TRACE, is_zero_retention=True)
    assert export_line(trace, Bodies(REQUEST, STREAM), Format.CATALYST) is Skipped.ZERO_RETENTION


def test_half_of_a_surrogate_pair_stays_an_escape() -> None:
    line = export_line(TRACE, Bodies(b'{"a": "\\ud83d"}', STREAM), Format.CATALYST)
    assert isinstance(line, bytes)
    assert line.startswith(b'{"request":{"a":"\\ud83d"}')
