"""One row of the provider table: data and pure functions."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gateway.domain.call import Chat
from gateway.domain.codec import AnswerContext, CallersTerms, Draft, Memory, Reader, Repair, WholeAnswer
from gateway.providers.chat_completions import answers, dialect
from gateway.providers.chat_completions.bills import read_no_bill
from gateway.providers.chat_completions.callers_terms import ReaderInCallersTerms, translate_whole
from gateway.providers.chat_completions.choices import AnswerQuirks
from gateway.providers.chat_completions.reasoning_state import ReasoningField
from gateway.providers.chat_completions.signatures import put_back_signatures
from gateway.providers.chat_completions.usage import BillReader, UsageReader, read_openai
from gateway.providers.chat_completions.usage_doubts import (
    IMPOSSIBLE_BILL,
    IMPOSSIBLE_COUNT,
    has_impossible_bill,
    has_impossible_count,
)
from gateway.providers.histories.names import given_tool_names
from gateway.providers.histories.refusals import Refusals
from gateway.providers.histories.stage import fit_history
from gateway.providers.hosts import RegionOf, is_any_host_of, no_region
from gateway.providers.paths import HomePath, completions_path
from gateway.providers.reasoning_models import leave_out_reasoning_fields
from switchboard.domain.usage import ABSENT, Usage, UsageSource, believed
from switchboard.stream.deltas import Json
from switchboard.stream.provider_errors import InBandError, read_error

CORE = frozenset(
    {"model", "messages", "stream", "stream_options", "temperature", "top_p", "stop"}
    | {"tools", "tool_choice", "response_format"}
)
"""The request fields that every provider of Chat Completions takes."""

CORE_OF_MESSAGES = frozenset({"role", "content", "tool_calls", "tool_call_id"})
"""The message fields that every provider takes."""


def bearer(key: str) -> dict[str, str]:
    """The header with the key, as most providers take it."""
    return {"authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of the table. The defaults are OpenAI's documented behaviour.

    `name` is the provider that bills the call; `dialect` is the row's own name, different where a provider has several
    rows. `base_url` is where a call without a URL goes; None where the caller must give one (an account's or a region's
    own). `hosts` are host names, where `*` matches one label or a part of it; `has_tenant_hosts`: whether anybody can
    have a host among them. `models` are prefixes of model names that mean this provider; `aliases` are other names of
    models, with the ones to send.

    `path` joins a pasted URL's path and the endpoint, `home_path` does at the provider's own hosts. `path_ending`: a
    URL alone means this row only if its path ends so.

    Requests: `accepts` are the top-level fields that are sent on, `accepts_in_messages` those of a message (None:
    all, nulls too); `refuses` is what the provider refuses in a history; then `repairs` run on the draft in their
    order. `takes_stream_options`: whether a stream's usage must, and may, be asked for. `write` serialises the draft.

    Answers: `read_usage`, `read_bill`, `read_error`; `region_of` reads the region from a host's name, where the price
    depends on it; `searching`: models that search the web once for each answer without counting it in usage;
    `may_tag_reasoning`: whether content may begin with reasoning between tags;
    `signs_tool_calls`: whether tool calls carry Gemini's thought signatures, which are put back; `reasoning_field`: the
    message field in which reasoning is. Where answers are not chat completions,
    `reader_class` reads streams and `read_whole` whole answers.
    """

    name: str
    base_url: str | None = None
    hosts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    dialect: str = ""
    has_tenant_hosts: bool = False
    path: Callable[[str], str] = completions_path
    home_path: HomePath | None = None
    path_ending: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    key_headers: Callable[[str], dict[str, str]] = bearer
    headers: Mapping[str, str] = field(default_factory=dict)
    accepts: frozenset[str] | None = None
    accepts_in_messages: frozenset[str] | None = None
    refuses: Refusals = field(default_factory=Refusals)
    repairs: tuple[Repair, ...] = ()
    takes_stream_options: bool = True
    write: Callable[[Draft, Memory], bytes] = lambda body, _memory: dialect.serialise(body)
    may_tag_reasoning: bool = True
    signs_tool_calls: bool = False
    reasoning_field: ReasoningField | None = None
    reader_class: Callable[[Memory], Reader] | None = None
    read_whole: Callable[[bytes, Memory], WholeAnswer] | None = None
    region_of: RegionOf = no_region
    searching: re.Pattern[str] | None = None
    read_usage: UsageReader = read_openai
    read_bill: BillReader = read_no_bill
    read_error: Callable[[bytes], InBandError] = read_error

    def __post_init__(self) -> None:
        if not self.dialect:
            object.__setattr__(self, "dialect", self.name)

    def join(self, host: str, path: str) -> str:
        """The path of the calls under a pasted URL's: at the provider's own hosts, where it serves them."""
        if self.home_path is not None and self.serves(host):
            return self.home_path(host, path)
        return self.path(path)

    def serves(self, host: str) -> bool:
        """Whether the host is one of this provider's."""
        return is_any_host_of(host, self.hosts)

    def encode(self, chat: Chat, model: str, memory: Memory) -> tuple[bytes, tuple[str, ...]]:
        """The body's bytes as this provider takes them, and a note for each change. Raises BodyMalformed."""
        body = self.draft(chat, model, memory)
        return self.write(body, memory), tuple(body.notes)

    def draft(self, chat: Chat, model: str, memory: Memory, url: str = "", fixes: Iterable[Repair] = ()) -> Draft:
        """The body with this provider's repairs, and then `fixes`: what its refusals of earlier requests have told."""
        body = dialect.draft(chat, model, url)
        if self.signs_tool_calls:
            put_back_signatures(body, memory)
        if self.reasoning_field is not None:
            self.reasoning_field.put_back(body, memory)
        dialect.name_user(body, is_accepted=self.accepts is None or "user" in self.accepts)
        dialect.ask_for_usage(body, streamed=chat.streamed, may_ask=self.takes_stream_options)
        fit_history(body, self.refuses, self.accepts_in_messages)
        if self.signs_tool_calls:  # calls that the repair of the history has made have none yet
            put_back_signatures(body, memory)
        self._drop_unaccepted(body)
        leave_out_reasoning_fields(body)
        for repair in (*self.repairs, *fixes):
            repair(body)
        return body

    def _drop_unaccepted(self, body: Draft) -> None:
        if self.accepts is not None:
            body.drop_all(sorted(name for name, value in body.fields.items() if self._refuses_field(name, value)))

    def _refuses_field(self, name: str, value: object) -> bool:
        return value is None or (self.accepts is not None and name not in self.accepts)

    def callers_terms(self, chat: Chat) -> CallersTerms:
        """The caller's terms for tools that are sent in others: for the answer."""
        rule = self.refuses.tool_names
        names = given_tool_names(chat.others, chat.messages, rule) if rule is not None else {}
        knows_functions_alone = bool(chat.others.get("functions")) and not chat.others.get("tools")
        return CallersTerms(names, self.refuses.functions and knows_functions_alone)

    def usage_told(self, usage: Json | None) -> Usage:
        """The tokens, and the cost where the provider tells it, of a usage object; what cannot be was not told."""
        if usage is None:
            return ABSENT
        counted = self.read_usage(usage)
        bill = self.read_bill(usage) if counted.source is UsageSource.PROVIDER else None
        return believed(counted if bill is None else replace(counted, billed_pico_usd=bill))

    def doubts(self, usage: Json | None) -> Iterator[str]:
        """Notes for the trace on what in a usage object cannot be."""
        if usage is None:
            return
        if has_impossible_count(usage) or (counted := self.read_usage(usage)).tokens != believed(counted).tokens:
            yield IMPOSSIBLE_COUNT
        if self.read_bill is not read_no_bill and has_impossible_bill(usage):
            yield IMPOSSIBLE_BILL

    def make_reader(self, context: AnswerContext) -> Reader:
        """A new reader for one streamed answer."""
        reader = self._make_reader(context)
        return ReaderInCallersTerms(reader, context.terms) if context.terms else reader

    def _make_reader(self, context: AnswerContext) -> Reader:
        if self.reader_class is not None:
            return self.reader_class(context.memory)
        return answers.OpenAiReader(context, self._quirks)

    def read_answer(self, body: bytes, context: AnswerContext) -> WholeAnswer:
        """Read a whole (not streamed) answer."""
        answer = self._read_answer(body, context)
        return translate_whole(answer, context.terms) if context.terms else answer

    def _read_answer(self, body: bytes, context: AnswerContext) -> WholeAnswer:
        if self.read_whole is not None:
            return self.read_whole(body, context.memory)
        return answers.read_whole(body, context, self._quirks)

    @property
    def _quirks(self) -> AnswerQuirks:
        field_name = self.reasoning_field.name if self.reasoning_field is not None else ""
        return AnswerQuirks(self.may_tag_reasoning, self.signs_tool_calls, field_name)
