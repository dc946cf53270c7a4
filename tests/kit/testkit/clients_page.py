"""Writes `docs/clients.md` from the table of clients: `python -m testkit.clients_page > docs/clients.md`."""

import json
import re
import sys
from collections.abc import Iterator

from testkit.real_clients import CLIENTS, ROOT, Client, Told

_HEAD = """\
# Clients

What agents are built with, tried against the system that `make run` starts. `make clients` installs each client at the
version below and runs it; a provider behind the gateway answers from a script. This page is written by
`python -m testkit.clients_page`; a test holds it current. `make test` tries OpenAI's own Python and Node.js packages.

Each client is given the gateway's URL (with `/v1`) and a gateway key in place of OpenAI's. It streams text, makes two
parallel tool calls (of an OpenAI model, and of Claude), sends their results back, and gets an answer that follows its
JSON schema. When it leaves, before the first word or in the middle of an answer, the provider's connection is closed at
once and the trace says `client_closed`.

Headers such as `x-inference-task-id` go where the client takes headers for every call: `headers` (AI SDK),
`default_headers` (LangChain, Pipecat), `extra_headers` (LiteLLM, LiveKit; pydantic-ai in `model_settings`).

| client | version | set-up |
|---|---|---|
"""

_ERRORS = """
## Errors

What a client raises or, for clients that know HTTP alone, what the body's `error` says: its name, the HTTP status, the
gateway's `code` where the client keeps it. An answer that breaks off keeps the text that came before, and then ends in
the error.

| client | a key that the gateway does not know | a provider that is down | an answer that its provider breaks off |
|---|---|---|---|
"""

_FAULTS = """
## Known faults

"""


def page() -> str:
    """The page's text."""
    rows = [f"| {c.title} | {_version(c)} | `{c.setup}` |\n" for c in CLIENTS]
    errors = [f"| {c.title} | {_shown(c.wrong_key)} | {_shown(c.down)} | {_shown(c.cut)} |\n" for c in CLIENTS]
    faults = sorted(set(_faults()))
    return "".join([_HEAD, *rows, _ERRORS, *errors, *([_FAULTS, *faults] if faults else [])])


def _version(client: Client) -> str:
    if client.package is None:
        return "the machine's"
    if client.package == "ai":
        lock = json.loads((ROOT / "tests" / "clients" / "ai_sdk" / "package-lock.json").read_text())
        return f"`ai` {lock['packages']['node_modules/ai']['version']}"
    pins = (ROOT / "requirements" / "clients" / "python.txt").read_text()
    found = re.search(rf"^{client.package}(?:\[\w+\])?==(\S+)", pins, re.MULTILINE)
    assert found is not None, client.package
    return f"`{client.package}` {found[1]}"


def _shown(told: Told) -> str:
    name, status, code = told
    return ", ".join([f"`{name}`", *([str(status)] if status else []), *([f"`{code}`"] if code else [])])


def _faults() -> Iterator[str]:
    for client in CLIENTS:
        for reason in {*client.fails.values(), *client.may_fail.values()}:
            yield f"- {client.title}: {reason}.\n"


if __name__ == "__main__":
    sys.stdout.write(page())
