"""Writes `docs/providers.md` from the table of providers: `python -m testkit.providers_page > docs/providers.md`."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from itertools import groupby
from types import ModuleType

from gateway import providers
from gateway.domain.codec import Repair
from gateway.providers import table
from gateway.providers.chat_completions.bills import read_no_bill
from gateway.providers.provider import Provider
from switchboard.stream.provider_errors import read_error
from testkit.history_sentences import sentences

_HEAD = """\
# Providers

The row of each provider in the gateway. This page is written from `gateway/providers` by
`python -m testkit.providers_page`; a test checks that it is current.

A field that a provider is not known to accept is not sent. Each field left out or changed is noted on the trace.
For every provider: `max_tokens` that is null, 0 or below is left out; so are `elevenlabs_extra_body` (its scalars
become metadata, `extra.<key>`) and, where there are no tools, `tools`, `tool_choice` and `parallel_tool_calls`;
`user_id` is sent as `user` where that is accepted; a stream's usage is asked for, whether or not the caller did.
`functions` and `function_call` need functions, `top_logprobs` needs `logprobs`. `reasoning_effort` and its kin are left
out for models that are known not to reason; a model that is not known gets them.

A 400 or 422 that names a field which the gateway has added, renamed or changed is answered by one more request within
the same attempt: the added field is left out, the renamed one goes back under the caller's name. So are refusals of the
`developer` role, of a schema, of lost reasoning and of `max_tokens` where `max_completion_tokens` is wanted. A second
refusal is final. What a server has refused is remembered for an hour, by URL, API version and model, and by project
for a caller's own URL.

The reasoning that a provider wants back with a tool call (thought signatures, `reasoning_details`,
`reasoning_content`) is remembered for an hour by project, conversation (or the messages before the call) and call id,
in the process that had the answer. Another process sends what the provider accepts instead: Google's skip value, or the
tool call as text.

Histories are repaired as each row says below, the same on every turn, so that caches match. Names and ids are changed
in requests only: the answer has the caller's names of tools. For every provider: empty lists are left out of the
request, of messages and of parts, never of a schema, arguments or metadata; empty arguments of a tool call are sent as
`{}`; the media type of an image is sent as registered (`image/jpg` as `image/jpeg`). A part that the provider does not
take is a 400 in the last user turn; in an earlier turn it is replaced by a text such as `[image left out]`.

A provider is found by `x-inference-provider`, by the host of `x-inference-provider-url`, or by the model's name
(prefixes below); `<provider>/<model>` names both.
"""


def page() -> str:
    """The page's text."""
    sections = [
        _section(name, list(rows)) for name, rows in groupby(table.PROVIDERS, key=lambda provider: provider.name)
    ]
    return "\n".join([_HEAD, *_overview(), "", *sections])


def _overview() -> Iterable[str]:
    yield "| provider | URL | key | hosts | model prefixes |"
    yield "|---|---|---|---|---|"
    for row in table.PROVIDERS:
        address = f"`{row.base_url}`" if row.base_url else "the caller's URL"
        [(header, value)] = row.key_headers("<key>").items()
        cells = (row.dialect, address, f"`{header}: {value}`", _codes(row.hosts), _codes(row.models))
        yield f"| {' | '.join(cells)} |"


def _section(name: str, rows: list[Provider]) -> str:
    parts = [f"## {name}", "", inspect.cleandoc(_module_of(rows[0]).__doc__ or ""), ""]
    for row in rows:
        if len(rows) > 1:
            parts += [f"### {row.dialect}", ""]
        parts += [*_requests(row), *_answers(row), ""]
    return "\n".join(parts)


def _requests(row: Provider) -> Iterable[str]:
    yield f"- Fields: {_codes(sorted(row.accepts)) if row.accepts is not None else 'all are sent'}."
    if row.accepts_in_messages is not None:
        yield f"- Fields of a message: {_codes(sorted(row.accepts_in_messages))}."
    if not row.takes_stream_options:
        yield "- `stream_options` is not sent: usage comes without it."
    for sentence in sentences(row.refuses):
        yield f"- {sentence}"
    for repair in row.repairs:
        yield f"- {_description(repair)}"
    if written := _first_sentence(row.write):
        yield f"- Body: {written}"
    for name, value in row.headers.items():
        yield f"- Header `{name}: {value}`."


def _answers(row: Provider) -> Iterable[str]:
    if row.may_tag_reasoning and row.reader_class is None:
        yield "- Reasoning between tags at the beginning of the content is moved to `reasoning_content`."
    if row.signs_tool_calls:
        yield "- Thought signatures of tool calls are kept and put back."
    if row.reasoning_field is not None:
        yield f"- `{row.reasoning_field.name}` of answers that called tools is kept and put back."
    if row.read_error is not read_error:
        yield f"- Errors: {_first_sentence(row.read_error)}"
    if row.read_bill is not read_no_bill:
        yield f"- Bill: {_first_sentence(row.read_bill)}"
    yield f"- Usage: {_first_sentence(row.read_usage)}"


def _description(repair: Repair) -> str:
    """The first sentence of the repair's docstring, followed by its values, if it has any."""
    if not is_dataclass(repair):
        return _first_sentence(repair)
    values = [getattr(repair, part.name) for part in fields(repair)]
    return f"{_first_sentence(type(repair)).rstrip('.')}: {' → '.join(f'`{value}`' for value in values)}."


def _first_sentence(documented: object) -> str:
    text = " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())
    sentence, stop, _ = text.partition(". ")
    return sentence + stop.rstrip()


def _codes(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names) or "none"


def _module_of(row: Provider) -> ModuleType:
    """The module that defines the row, not the table that lists it."""
    names = (found.name for found in pkgutil.walk_packages(providers.__path__, f"{providers.__name__}."))
    modules = (importlib.import_module(name) for name in names)
    return next(m for m in modules if m is not table and any(value is row for value in vars(m).values()))


if __name__ == "__main__":
    sys.stdout.write(page())
