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
from testkit.twins.reply import Reply, ToolUse, Trouble, says
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
    """A caller's side of a conversation, with the twin's time."""

    def __init__(self, gateway: RunningGateway, twin: AnthropicTwin, *system: dict[str, Any]) -> None:
        self.history = [*system]
        self.now_s = 0.0
        self.gateway = gateway
        self._twin = twin

    async def turn(self, *said: dict[str, Any], reply: Reply | None = None) -> Tokens:
        """Say something, hear the reply; the tokens that were kept of it."""
        self.now_s += TURN_S
        self.history += said
        answer = reply or says(f"This is the answer after {len(self.history)} messages.")
        self._twin.reply = lambda _body: answer
        body = {"model": MODEL, "messages": self.history, "tools": TOOLS, "stream": True, "max_tokens": -1}
        response = await self.gateway.call(body, x_inference_provider_api_key=KEY)
        assert (response.status_code, self._twin.refused) == (200, [])
        tokens = (await self.gateway.trace()).usage.tokens
        assert tokens is not None
        return tokens

    def answered(self, content: str | None, *calls: dict[str, Any]) -> None:
        """The assistant's last words, as the caller remembers them."""
        self.history.append({"role": "assistant", "content": content} | ({"tool_calls": [*calls]} if calls else {}))


@asynccontextmanager
async def conversation(*system: dict[str, Any]) -> AsyncIterator[tuple[Conversation, AnthropicTwin]]:
    twin = AnthropicTwin()
    with ScriptedUpstream(respond=twin.respond) as server:
        base = f"anthropic=http://{server.host}"
        async with running_gateway(server.host, provider_base_urls=base) as gateway:
            talk = Conversation(gateway, twin, *system)
            twin.tell_time_by(lambda: talk.now_s)
            yield talk, twin


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def _twelve_turns(talk: Conversation) -> list[Tokens]:
    talk.answered("Good day, this is Mira. How may I help you?")
    turns = [await talk.turn(user("Hello, I need an appointment."))]
    talk.answered("Of course.")
    turns.append(await talk.turn())  # the caller is silent: the history ends with the assistant
    talk.answered("Are you still there?")
    turns.append(await talk.turn(user("Yes, sorry.")))
    turns.append(await talk.turn(user("On Monday?"), reply=Reply(tools=(ToolUse("look_up", '{"day": "Monday"}'),))))
    function = {"name": "look_up", "arguments": '{"day": "Monday"}'}
    talk.answered(None, {"id": "toolu_01", "type": "function", "function": function})
    turns.append(await talk.turn({"role": "tool", "tool_call_id": "toolu_01", "content": "9:00, 14:30"}))
    talk.answered("Nine, or half past two.")
    turns.append(await talk.turn({"role": "system", "content": "It is 12:01."}, user("Half past two.")))
    for number in range(6):
        talk.answered(f"Noted, point {number}.")
        turns.append(await talk.turn(user("...")))
    return turns


async def test_every_turn_but_the_first_reads_the_cache_and_costs_a_third_of_the_openai_layers() -> None:
    async with conversation(SYSTEM) as (talk, twin):
        turns = await _twelve_turns(talk)
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


async def test_a_pause_longer_than_the_caches_life_writes_it_anew() -> None:
    async with conversation(SYSTEM) as (talk, _):
        await talk.turn(user("Hello?"))
        talk.answered("Yes?")
        talk.now_s += 299 - TURN_S
        kept = await talk.turn(user("Wait."))
        talk.answered("I will.")
        talk.now_s += 301
        anew = await talk.turn(user("Here I am."))
    assert kept.cache_read > 6000
    assert anew.cache_read == 0
    assert anew.cache_write_5m > 6000


async def test_a_prompt_below_the_models_least_length_is_not_cached_and_works() -> None:
    async with conversation({"role": "system", "content": "Be brief."}) as (talk, _):
        await talk.turn(user("Hello?"))
        talk.answered("Yes?")
        tokens = await talk.turn(user("Good."))
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
        reckoned.append(cache.reckon(json.loads(sent), 1024))
    assert reckoned[0]["cache_read_input_tokens"] == 0
    assert reckoned[1]["cache_read_input_tokens"] > 1024
    assert reckoned[1]["cache_creation_input_tokens"] < 50


async def test_a_caller_who_leaves_is_charged_by_what_the_provider_counted_of_the_prompt() -> None:
    async with conversation(SYSTEM) as (talk, twin):
        await talk.turn(user("Hello?"))
        talk.answered("Yes?")
        twin.reply = lambda _body: says("One two three four.", pause_s=0.05)
        body = {"model": MODEL, "messages": [*talk.history, user("Count.")], "tools": TOOLS, "stream": True}
        async with talk.gateway.stream(body, x_inference_provider_api_key=KEY) as response:
            await anext(response.aiter_bytes())
        trace = await talk.gateway.trace()
    assert trace.status is Status.CLIENT_CLOSED
    assert trace.usage.source is UsageSource.ESTIMATED
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.cache_read == twin.usages[1]["cache_read_input_tokens"] > 6000
    assert trace.usage.tokens.fresh_input == twin.usages[1]["input_tokens"]
    assert trace.usage.tokens.output > 0


async def test_an_answer_that_failed_before_its_first_word_is_not_charged() -> None:
    async with conversation(SYSTEM) as (talk, twin):
        twin.reply = lambda _body: Reply(trouble=Trouble.REPORTED_FIRST)
        body = {"model": MODEL, "messages": [SYSTEM, user("Hello?")], "stream": True}
        response = await talk.gateway.call(body, x_inference_provider_api_key=KEY)
        trace = await talk.gateway.trace()
    assert response.status_code == 502
    assert "Overloaded" in response.text
    assert trace.usage == ABSENT
