import json
from typing import Any

import pytest

from testkit.twins.anthropic import KEY, PATH, AnthropicTwin
from testkit.twins.anthropic_cache import PromptCache, cacheable_from
from testkit.twins.anthropic_rules import refuse
from testkit.twins.reply import Reply, Trouble
from testkit.upstream import Answer, Request

HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
HELLO = {"role": "user", "content": "Hello?"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"}
TOOL = {"name": "look_up", "input_schema": {"type": "object"}}
EPHEMERAL = {"type": "ephemeral"}


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": list(messages or (HELLO,))} | fields


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(content: str, **others: Any) -> dict[str, Any]:
    return {"type": "text", "text": content} | others


def ask(twin: AnthropicTwin, sent: dict[str, Any], path: str = PATH, **headers: str | None) -> Answer:
    given = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in given.items() if value is not None}
    return twin.respond(Request("POST", path, kept, json.dumps(sent).encode(), 1, 0.0))


def body_of(answer: Answer) -> Any:
    (step,) = answer.steps
    assert isinstance(step, bytes)
    return json.loads(step)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"model": "claude-sonnet-4-6", "messages": [HELLO]}, "max_tokens: Field required"),
        (body(max_tokens=-1), "max_tokens: Input should be greater"),
        (body(elevenlabs_extra_body={}), "elevenlabs_extra_body: Extra inputs are not permitted"),
        (body(HELLO | {"name": "mira"}), "messages.0.name: Extra inputs are not permitted"),
        (body({"role": "system", "content": "Be brief."}, HELLO), 'Unexpected role "system"'),
        (body({"role": "tool", "content": "1"}), "messages.0.role: Input should be 'user' or 'assistant'"),
        (body(HELLO, HELLO), "roles must alternate"),
        (body(assistant(text("Hi.")), HELLO), 'first message must use the "user" role'),
        (body(HELLO, assistant(text("Hi."))), "does not support assistant message prefill"),
        (body(user(text(""))), "messages: text content blocks must be non-empty"),
        (body(user(text(" "))), "must contain non-whitespace text"),
        (body(user()), "messages.0: all messages must have non-empty content"),
        (body(user(text("", cache_control=EPHEMERAL))), "cache_control cannot be set for empty text blocks"),
        (body(user(*[text("a", cache_control=EPHEMERAL)] * 5)), "A maximum of 4 blocks with cache_control"),
        (body(user(RESULT)), "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1"),
        (body(HELLO, assistant(USE), HELLO), "`tool_use` ids were found without `tool_result` blocks"),
        (body(HELLO, assistant(USE), user(text("1"), RESULT)), "`tool_use` ids were found without"),
        (body(HELLO, assistant(USE, USE), user(RESULT)), "`tool_use` ids must be unique"),
        (body(HELLO, assistant(USE | {"id": "a.b"}), HELLO), "tool_use.id: String should match pattern"),
        (body(tools=[TOOL, TOOL]), "tools: Tool names must be unique."),
        (body(tools=[TOOL | {"name": "look up"}]), "tools.0.custom.name: String should match"),
        (body(tools=[TOOL | {"input_schema": {}}]), "input_schema.type"),
        (body(tools=[TOOL | {"strict": 1}]), "tools.0.custom.strict: Extra inputs"),
        (body(tool_choice={"type": "auto"}), "tool_choice: may only be specified while providing tools"),
        (body(tools=[TOOL], tool_choice={"type": "tool", "name": "x"}), "Tool 'x' not found"),
        (body(temperature=1.5), "temperature: range: 0..1"),
        (body(temperature=1, top_p=1), "`temperature` and `top_p` cannot both be specified"),
        (body(model="claude-opus-4-8", temperature=1), "`temperature` is deprecated for this model."),
        (body(stop_sequences=["\n"]), "each stop sequence must contain non-whitespace"),
        (body(metadata={"user_id": "mira@example.test"}), "appears to contain an email address"),
    ],
)
def test_requests_that_the_api_refuses_are_refused_with_its_text(sent: dict[str, Any], message: str) -> None:
    refusal = refuse(sent)
    assert refusal is not None
    assert message in refusal.message
    answer = ask(AnthropicTwin(), sent)
    assert answer.status == 400
    assert body_of(answer)["error"] == {"type": "invalid_request_error", "message": refusal.message}


@pytest.mark.parametrize(
    "sent",
    [
        body(),
        body(HELLO, assistant(USE), user(RESULT, text("And?"))),
        body(HELLO, assistant(text("Hi.")), model="claude-haiku-4-5"),
        body(system="Be brief.", tools=[TOOL], temperature=0.5),
    ],
)
def test_requests_that_the_api_accepts_are_accepted(sent: dict[str, Any]) -> None:
    assert refuse(sent) is None
    assert ask(AnthropicTwin(), sent).status == 200


@pytest.mark.parametrize(
    ("headers", "path", "status", "kind"),
    [
        ({"x_api_key": "another"}, PATH, 401, "authentication_error"),
        ({"x_api_key": None, "authorization": f"Bearer {KEY}"}, PATH, 401, "authentication_error"),
        ({"anthropic_version": None}, PATH, 400, "invalid_request_error"),
        ({"anthropic_version": "2026-01-01"}, PATH, 400, "invalid_request_error"),
        ({}, "/v1/chat/completions", 404, "not_found_error"),
    ],
)
def test_a_wrong_key_version_or_path_is_refused(
    headers: dict[str, str | None], path: str, status: int, kind: str
) -> None:
    twin = AnthropicTwin()
    answer = ask(twin, body(), path, **headers)
    assert (answer.status, body_of(answer)["error"]["type"]) == (status, kind)
    assert [refusal.status for refusal in twin.refused] == [status]


def test_an_unknown_model_is_not_found_and_an_overload_is_529() -> None:
    twin = AnthropicTwin()
    assert ask(twin, body(model="claude-of-tomorrow")).status == 404
    twin.reply = lambda _body: Reply(trouble=Trouble.REFUSED)
    overloaded = ask(twin, body())
    assert (overloaded.status, body_of(overloaded)["error"]["type"]) == (529, "overloaded_error")


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("claude-sonnet-4-6", 1024), ("claude-opus-4-7", 2048), ("claude-haiku-4-5", 4096), ("claude-opus-4-6", 4096)],
)
def test_each_model_has_its_minimum_cached_length(model: str, tokens: int) -> None:
    assert cacheable_from(model) == tokens
    for length, is_cached in ((tokens - 20, False), (tokens, True)):
        cache = PromptCache(lambda: 0.0)
        marked = body(model=model, system=[text("x" * 4 * length, cache_control=EPHEMERAL)])
        assert bool(cache.count_prompt(marked, tokens)["cache_creation_input_tokens"]) == is_cached
        assert bool(cache.count_prompt(marked, tokens)["cache_read_input_tokens"]) == is_cached


def test_the_cache_is_by_the_bytes_before_the_mark_and_by_age() -> None:
    now_s = 0.0
    cache = PromptCache(lambda: now_s)

    def read(system: str, *messages: dict[str, Any], **mark: str) -> bool:
        blocks = [text(system * 5000, cache_control=EPHEMERAL | mark)]
        return bool(cache.count_prompt(body(*messages, system=blocks), 1024)["cache_read_input_tokens"])

    assert not read("a")
    assert read("a", user(text("Something else.")))
    assert not read("b")
    now_s = 299
    assert read("a")
    now_s = 299 + 299
    assert read("a")
    now_s = 299 + 299 + 300
    assert not read("a")
    assert not read("c", ttl="1h")
    now_s += 3599
    assert read("c", ttl="1h")


def test_a_mark_finds_what_was_written_up_to_twenty_blocks_before_it() -> None:
    for distance, is_found in ((19, True), (20, False)):
        cache = PromptCache(lambda: 0.0)
        beginning = text("x" * 5000)
        cache.count_prompt(body(user(beginning | {"cache_control": EPHEMERAL})), 1024)
        later = [text(f"{number}") for number in range(distance)]
        later[-1]["cache_control"] = EPHEMERAL
        assert bool(cache.count_prompt(body(user(beginning, *later)), 1024)["cache_read_input_tokens"]) == is_found
