import json

import pytest

from switchboard.store.traces.bodies import MAX_SHARED_PIECES, SHARED_FROM_BYTES, Piece, split_request

LONG = "You book tables. " * 100


def shared(body: bytes) -> list[bytes]:
    return [piece.content for piece in split_request(body) if piece.is_shared]


def message(role: str, content: object = LONG) -> dict[str, object]:
    return {"role": role, "content": content}


def test_cuts_out_the_system_prompt_and_the_tools() -> None:
    system, tools = json.dumps(message("system")).encode(), json.dumps([{"type": "function", "name": LONG}]).encode()
    body = b'{"model": "m", "messages": [' + system + b', {"role": "user", "content": "hi"}], "tools": ' + tools + b"}"
    assert split_request(body) == (
        Piece(b'{"model": "m", "messages": ['),
        Piece(system, is_shared=True),
        Piece(b', {"role": "user", "content": "hi"}], "tools": '),
        Piece(tools, is_shared=True),
        Piece(b"}"),
    )


@pytest.mark.parametrize("role", ["system", "developer"])
def test_every_system_message_is_split_off_at_any_position(role: str) -> None:
    body = json.dumps({"messages": [message("user"), message(role), message("assistant"), message(role, [LONG])]})
    assert [json.loads(piece)["role"] for piece in shared(body.encode())] == [role, role]


@pytest.mark.parametrize("role", ["user", "assistant", "tool", None, 7, ["system"], {}])
def test_user_and_assistant_messages_are_not_shared(role: object) -> None:
    assert shared(json.dumps({"messages": [{"role": role, "content": LONG}]}).encode()) == []


def test_short_content_stays_inline() -> None:
    frame = len(json.dumps(message("system", "")))
    exact, below = ("x" * (SHARED_FROM_BYTES - frame - less) for less in (0, 1))
    assert len(shared(json.dumps({"messages": [message("system", exact)]}).encode())) == 1
    assert shared(json.dumps({"messages": [message("system", below)]}).encode()) == []


def test_the_threshold_counts_bytes() -> None:
    body = json.dumps({"messages": [message("system", "寿" * 400)]}, ensure_ascii=False).encode()
    assert len(shared(body)) == 1


def test_the_next_turn_has_the_same_shared_pieces() -> None:
    first = [message("system"), message("user", "hi")]
    later = [*first, message("assistant", "hello"), message("system", LONG + "context"), message("user", "bye")]
    one, two = (shared(json.dumps({"messages": messages}).encode()) for messages in (first, later))
    assert two[: len(one)] == one
    assert len(two) == len(one) + 1


def test_the_number_of_shared_pieces_is_limited() -> None:
    messages = [message("system", f"{number} {LONG}") for number in range(MAX_SHARED_PIECES + 5)]
    body = json.dumps({"messages": messages}).encode()
    assert len(shared(body)) == MAX_SHARED_PIECES
    assert b"".join(piece.content for piece in split_request(body)) == body


SYSTEM = json.dumps(message("system")).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[" + SYSTEM + b"]",
        b'{"messages": [' + SYSTEM + b"]",
        b'{"messages": [' + SYSTEM + b"]}}",
        b'{"messages": [' + SYSTEM + b",]}",
        b'{"messages": [' + SYSTEM + b'], "x": \xff}',
        b'{"messages": [' + SYSTEM + b'], "x": "\xff"}',
        b'\xef\xbb\xbf{"messages": [' + SYSTEM + b"]}",
        b'{messages: [' + SYSTEM + b"]}",
        b'{"messages" [' + SYSTEM + b"]}",
        b'{7: 1, "messages": [' + SYSTEM + b"]}",
        b'{"messages": ' + b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b', "messages": [' + SYSTEM + b"]}",
        b'{"messages": ' + SYSTEM + b"}",
    ],
)  # fmt: skip
def test_a_body_of_another_shape_stays_in_one_piece(body: bytes) -> None:
    assert split_request(body) == (Piece(body),)


def test_a_duplicate_member_is_split_off_twice() -> None:
    body = b'{"messages": [' + SYSTEM + b'], "messages" : [ ' + SYSTEM + b" ] }"
    assert shared(body) == [SYSTEM, SYSTEM]


def test_a_name_may_be_written_with_escapes() -> None:
    assert shared(b'{"\\u006dessages": [' + SYSTEM + b"]}") == [SYSTEM]
