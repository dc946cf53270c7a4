import json
from collections import Counter

import pytest

from gateway.domain.redaction_kinds import redactor
from gateway.domain.secret import Scrubber, Secret
from gateway.recording.scrubbed_bodies import scrubbed_bodies
from switchboard.domain.trace import Bodies
from switchboard.stream.transcript import assemble
from testkit.openai_events import DONE, chunk, event, finish, role, tool_call, usage

CARD = "4111111111111111"
MASK = "[redacted: card]"
REDACTOR = redactor(("cards", "keys"), {"account": "ACC-[0-9]{4}"})
SCRUBBER = Scrubber([Secret("sk-canary-9c41e7")])


def _kept(bodies: Bodies) -> tuple[Bodies, dict[str, int]]:
    counts = Counter[str]()
    return scrubbed_bodies(bodies, SCRUBBER, REDACTOR, counts), dict(counts)


def _request(value: object) -> tuple[object, dict[str, int]]:
    kept, counts = _kept(Bodies(json.dumps(value).encode(), None))
    return json.loads(kept.request or b""), counts


def _response(stream: bytes) -> tuple[bytes, dict[str, int]]:
    kept, counts = _kept(Bodies(None, stream))
    assert kept.response is not None
    return kept.response, counts


def test_a_body_without_anything_to_redact_stays_byte_for_byte() -> None:
    stream = b"".join([role(), *(chunk(f" word {n}") for n in range(30)), finish(), usage(1, 2), DONE])
    request = json.dumps({"messages": [{"content": "1 2 3 é \n"}], "n": 0.4111111111111111}).encode()
    assert _kept(Bodies(request, stream)) == (Bodies(request, stream), {})


def test_texts_and_numbers_of_json_are_replaced_and_it_stays_json() -> None:
    value = {"a": f"My card: {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}.", "b": int(CARD), "c": [int(CARD), 1]}
    assert _request(value) == ({"a": f"My card: {MASK}.", "b": MASK, "c": [MASK, 1]}, {"card": 3})


def test_json_within_a_text_stays_json() -> None:
    arguments = json.dumps({"card": int(CARD), "cards": [int(CARD)], "text": f"\n{CARD}", "n": 1})
    kept, counts = _request({"arguments": arguments, "deeper": json.dumps({"arguments": arguments})})
    inner = {"card": MASK, "cards": [MASK], "text": f"\n{MASK}", "n": 1}
    assert isinstance(kept, dict)
    assert json.loads(kept["arguments"]) == inner
    assert json.loads(json.loads(kept["deeper"])["arguments"]) == inner
    assert counts == {"card": 6}


def test_a_code_before_a_number_is_not_cut() -> None:
    kept, _ = _kept(Bodies(rb'{"a": "\u6221\u2116' + CARD.encode() + rb" \n" + CARD.encode() + b'"}', None))
    assert json.loads(kept.request or b"") == {"a": f"戡№{MASK} \n{MASK}"}


def test_what_a_pattern_matches_beyond_a_text_stays() -> None:
    everything = redactor((), {"all": r'(?s)"a.*\}'})
    kept = scrubbed_bodies(Bodies(b'{"a": "b", "c": [1, true]}', None), SCRUBBER, everything, Counter())
    assert json.loads(kept.request or b"") == {"[redacted: all]": "[redacted: all]"} | {
        "[redacted: all]": ["[redacted: all]", True]
    }


def test_what_is_not_json_is_replaced_too() -> None:
    assert _kept(Bodies(b'"' + CARD.encode(), None))[0].request == b'"' + MASK.encode()
    assert _response(b"<p>" + CARD.encode())[0] == b"<p>" + MASK.encode()


@pytest.mark.parametrize("size", [1, 3, 5, 16])
def test_a_number_that_is_spoken_over_many_events_is_found(size: int) -> None:
    spoken = f"It is {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}, and 12/30."
    parts = [spoken[at : at + size] for at in range(0, len(spoken), size)]
    kept, counts = _response(b"".join([role(), *map(chunk, parts), finish(), usage(1, 2), DONE]))
    assert assemble(kept).completion()["choices"][0]["message"]["content"] == f"It is {MASK}, and 12/30."  # type: ignore[index]
    assert counts == {"card": 1}
    assert kept.endswith(finish() + usage(1, 2) + DONE)


def test_the_arguments_of_a_tool_call_stay_json() -> None:
    arguments = json.dumps({"card": int(CARD), "to": "ACC-1234"})
    parts = [arguments[at : at + 3] for at in range(0, len(arguments), 3)]
    kept, counts = _response(b"".join([tool_call("", name="pay", call_id="c"), *map(tool_call, parts), DONE]))
    message = assemble(kept).completion()["choices"][0]["message"]  # type: ignore[index]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"card": MASK, "to": "[redacted: account]"}
    assert counts == {"card": 1, "account": 1}


def test_every_place_of_a_stream_is_looked_at_and_it_stays_a_stream() -> None:
    odd = event({"id": CARD, "x": int(CARD), "choices": [{"index": 0, "delta": {"content": f"a {CARD}"}}]})
    stream = b": " + CARD.encode() + b"\r\nid: 1\r\n" + odd + b"data: " + CARD.encode() + b" cut"
    kept, counts = _response(stream)
    assert CARD.encode() not in kept
    assert kept.startswith(f": {MASK}\r\nid: 1\r\ndata: ".encode())
    assert json.loads(kept.splitlines()[2][6:]) == {
        "id": MASK,
        "x": MASK,
        "choices": [{"index": 0, "delta": {"content": f"a {MASK}"}}],
    }
    assert counts == {"card": 5}


def test_the_calls_own_secrets_are_masked_before() -> None:
    kept, counts = _response(chunk("sk-canary") + chunk("-9c41e7 ") + chunk(CARD[:9]) + chunk(CARD[9:]))
    assert assemble(kept).completion()["choices"][0]["message"]["content"] == f"*** {MASK}"  # type: ignore[index]
    assert counts == {"card": 1}
