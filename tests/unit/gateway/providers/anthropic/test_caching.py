import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.domain.call import Chat
from gateway.domain.clock import Clock
from gateway.providers.anthropic.row import NATIVE
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from switchboard.domain.rates import Rates, cost_at_rates
from switchboard.domain.trace import Status
from switchboard.domain.usage import ABSENT, Tokens, UsageSource
from testkit.running_gateway import RunningGateway, running_gateway
from testkit.twins.anthropic import KEY, AnthropicTwin
from testkit.twins.anthropic_cache import PromptCache
from testkit.twins.reply import Reply, ToolUse, Trouble, text_reply
from testkit.upstream import ScriptedUpstream

MODEL = "claude-sonnet-4-6"
SONNET = Rates(
    fresh_input=3_000_000,
    output=15_000_000,
    cache_read=300_000,
    cache_write_5m=3_750_000,
    cache_write_1h=6_000_000,
)
SYSTEM = {"role": "system", "content": "You are Mira, who answers the telephone of a dental practice. " * 387}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object"}}}
    for name in ("look_up", "language_detection", "end_call")
]
TURN_S = 9.0


class Conversation:
    """The caller of a conversation, and the time of the twin's clock."""

    def __init__(self, gateway: RunningGateway, twin: AnthropicTwin, *system: dict[str, Any]) -> None:
        self.history = [*system]
        self.now_s = 0.0
        self.gateway = gateway
        self._twin = twin

    async def turn(self, *messages: dict[str, Any], reply: Reply | None = None) -> Tokens:
        """Send the history with these messages added; the recorded tokens of the answer."""
        self.now_s += TURN_S
        self.history += messages
        answer = reply or text_reply(f"This is the answer after {len(self.history)} messages.")
        self._twin.reply = lambda _body: answer
        body = {"model": MODEL, "messages": self.history, "tools": TOOLS, "stream": True, "max_tokens": -1}
        response = await self.gateway.call(body, x_inference_provider_api_key=KEY)
        assert (response.status_code, self._twin.refused) == (200, [])
        tokens = (await self.gateway.trace()).usage.tokens
        assert tokens is not None
        return tokens

    def add_answer(self, content: str | None, *calls: dict[str, Any]) -> None:
        """Add the assistant's answer to the history."""
        self.history.append({"role": "assistant", "content": content} | ({"tool_calls": [*calls]} if calls else {}))


@asynccontextmanager
async def conversation(*system: dict[str, Any]) -> AsyncIterator[tuple[Conversation, AnthropicTwin]]:
    twin = AnthropicTwin()
    with ScriptedUpstream(respond=twin.respond) as server:
        base = f"anthropic=http://{server.host}"
        async with running_gateway(server.host, provider_base_urls=base) as gateway:
            caller = Conversation(gateway, twin, *system)
            twin.use_clock(lambda: caller.now_s)
            yield caller, twin


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def _twelve_turns(caller: Conversation) -> list[Tokens]:
    caller.add_answer("Good day, this is Mira. How may I help you?")
    turns = [await caller.turn(user("Hello, I need an appointment."))]
    caller.add_answer("Of course.")
    turns.append(await caller.turn())  # the caller is silent: the history ends with the assistant
    caller.add_answer("Are you still there?")
    turns.append(await caller.turn(user("Yes, sorry.")))
    turns.append(await caller.turn(user("On Monday?"), reply=Reply(tools=(ToolUse("look_up", '{"day": "Monday"}'),))))
    function = {"name": "look_up", "arguments": '{"day": "Monday"}'}
    caller.add_answer(None, {"id": "toolu_01", "type": "function", "function": function})
    turns.append(await caller.turn({"role": "tool", "tool_call_id": "toolu_01", "content": "9:00, 14:30"}))
    caller.add_answer("Nine, or half past two.")
    turns.append(await caller.turn({"role": "system", "content": "It is 12:01."}, user("Half past two.")))
    for number in range(6):
        caller.add_answer(f"Noted, point {number}.")
        turns.append(await caller.turn(user("...")))
    return turns


async def test_every_turn_but_the_first_reads_the_cache_and_costs_a_third_of_the_openai_layers() -> None:
    async with conversation(SYSTEM) as (caller, twin):
        turns = await _twelve_turns(caller)
    assert len(turns) == 12
    assert turns[0].cache_read == 0
    assert turns[0].cache_write_5m > 6000
    for number, tokens in enumerate(turns[1:], start=1):
        assert tokens.cache_read > 6000
        assert tokens.cache_write_5m + tokens.fresh_input < 120
        reckoned = twin.usages[number]
        assert tokens.cache_read == reckoned["cache_read_input_tokens"]
        assert tokens.fresh_input == reckoned["input_tokens"]
    read = [tokens.cache_read for tokens in turns]
    assert read == sorted(read)
    cost = sum(cost_at_rates(tokens, SONNET) for tokens in turns)
    uncached = sum(cost_at_rates(Tokens(tokens.prompt, tokens.output), SONNET) for tokens in turns)
    assert cost * 3 < uncached


async def test_a_pause_longer_than_the_cache_lifetime_writes_the_cache_again() -> None:
    async with conversation(SYSTEM) as (caller, _):
        await caller.turn(user("Hello?"))
        caller.add_answer("Yes?")
        caller.now_s += 299 - TURN_S
        kept = await caller.turn(user("Wait."))
        caller.add_answer("I will.")
        caller.now_s += 301
        anew = await caller.turn(user("Here I am."))
    assert kept.cache_read > 6000
    assert anew.cache_read == 0
    assert anew.cache_write_5m > 6000


async def test_a_prompt_below_the_minimum_length_is_answered_without_a_cache() -> None:
    async with conversation({"role": "system", "content": "Be brief."}) as (caller, _):
        await caller.turn(user("Hello?"))
        caller.add_answer("Yes?")
        tokens = await caller.turn(user("Good."))
    assert (tokens.cache_read, tokens.cache_write_5m) == (0, 0)
    assert tokens.fresh_input > 0


def test_a_changed_system_prompt_still_finds_the_tools() -> None:
    cache = PromptCache(lambda: 0.0)
    long = TOOLS[0]["function"] | {"description": "Looks up what the practice knows. " * 200}
    reckoned = []
    for now in ("12:01", "12:02"):
        messages = ({"role": "system", "content": f"It is {now}."}, user("Hello?"))
        chat = Chat(MODEL, messages, True, False, {"tools": [{"type": "function", "function": long}]})
        sent, _notes = NATIVE.encode(chat, MODEL, SignatureMemory(Clock()))
        reckoned.append(cache.count_prompt(json.loads(sent), 1024))
    assert reckoned[0]["cache_read_input_tokens"] == 0
    assert reckoned[1]["cache_read_input_tokens"] > 1024
    assert reckoned[1]["cache_creation_input_tokens"] < 50


async def test_a_call_whose_caller_disconnects_is_charged_for_the_counted_prompt() -> None:
    async with conversation(SYSTEM) as (caller, twin):
        await caller.turn(user("Hello?"))
        caller.add_answer("Yes?")
        twin.reply = lambda _body: text_reply("One two three four.", pause_s=0.05)
        body = {"model": MODEL, "messages": [*caller.history, user("Count.")], "tools": TOOLS, "stream": True}
        async with caller.gateway.stream(body, x_inference_provider_api_key=KEY) as response:
            await anext(response.aiter_bytes())
        trace = await caller.gateway.trace()
    assert trace.status is Status.CLIENT_CLOSED
    assert trace.usage.source is UsageSource.ESTIMATED
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.cache_read == twin.usages[1]["cache_read_input_tokens"] > 6000
    assert trace.usage.tokens.fresh_input == twin.usages[1]["input_tokens"]
    assert trace.usage.tokens.output > 0


async def test_an_answer_that_fails_before_its_first_token_is_not_charged() -> None:
    async with conversation(SYSTEM) as (caller, twin):
        twin.reply = lambda _body: Reply(trouble=Trouble.REPORTED_FIRST)
        body = {"model": MODEL, "messages": [SYSTEM, user("Hello?")], "stream": True}
        response = await caller.gateway.call(body, x_inference_provider_api_key=KEY)
        trace = await caller.gateway.trace()
    assert response.status_code == 502
    assert "Overloaded" in response.text
    assert trace.usage == ABSENT


def own(content: str, ttl: str | None = None) -> dict[str, Any]:
    mark = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    return {"type": "text", "text": content, "cache_control": mark}


def marks_of(*messages: dict[str, Any], **fields: Any) -> list[str | None]:
    """The lifetime of each mark, in the order in which blocks are cached."""
    chat = Chat(MODEL, messages, True, False, fields)
    body, _ = NATIVE.encode(chat, MODEL, SignatureMemory(Clock()))
    sent = json.loads(body)
    blocks = [
        *sent.get("tools", ()),
        *sent.get("system", ()),
        *(b for turn in sent["messages"] for b in turn["content"]),
    ]
    return [block["cache_control"].get("ttl", "5m") for block in blocks if "cache_control" in block]


def test_the_callers_own_marks_stay_and_there_are_four_at_most() -> None:
    asked = {"role": "user", "content": [own("Hello?"), own("Anyone?")]}
    said = {"role": "assistant", "content": "Yes."}
    assert marks_of(asked) == ["5m", "5m"]
    assert marks_of(asked, said, asked, said, asked) == ["5m"] * 4
    tool = {"type": "function", "cache_control": {"type": "ephemeral"}, "function": {"name": "look_up"}}
    assert marks_of({"role": "user", "content": "Hi."}, tools=[tool]) == ["5m"]


def test_no_mark_for_five_minutes_comes_before_one_for_an_hour() -> None:
    tool = {"type": "function", "function": {"name": "look_up"}}
    system = {"role": "system", "content": [own("You are Mira.", "1h")]}
    said = {"role": "assistant", "content": "Yes."}
    asked = {"role": "user", "content": "Hello?"}
    assert marks_of(system, asked, said, asked, tools=[tool]) == ["1h", "5m"]
