"""A twin of Anthropic's Messages API: refuses, answers and caches as the API is documented to.

    twin = AnthropicTwin(reply=lambda body: text_reply("Hello."), clock=lambda: now_s)
    with ScriptedUpstream(respond=twin.respond) as server: ...

Its refusals are in `anthropic_rules`, its cache in `anthropic_cache`, the form of its answers in `anthropic_writing`.
"""

import time
from collections.abc import Callable

from testkit.twins import anthropic_writing as writing
from testkit.twins.anthropic_cache import PromptCache, cacheable_from
from testkit.twins.anthropic_rules import refuse, refuse_headers
from testkit.twins.dialect import Json, Refusal
from testkit.twins.reply import Reply, Trouble, text_reply
from testkit.upstream import Answer, Request, json_answer

KEY = "provider-key-of-the-twins"
PATH = "/v1/messages"
MODELS = (
    "claude-3-5-haiku-20241022",
    "claude-haiku-4-5",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-opus-4-6",
    "claude-opus-4-8",
    "claude-sonnet-5",
)
OVERLOADED = Refusal(529, "Overloaded", type="overloaded_error")


class AnthropicTwin:
    """The API with its own cache. `refused` are the refusals it sent, `usages` the usage of each answer."""

    def __init__(
        self, reply: Callable[[Json], Reply] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.reply = reply or (lambda _body: text_reply("Hello from the twin."))
        self.refused: list[Refusal] = []
        self.usages: list[Json] = []
        self._cache = PromptCache(clock)

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Start an empty cache whose entries age by this clock, in seconds."""
        self._cache = PromptCache(clock)

    def respond(self, request: Request, path: str | None = None) -> Answer:
        """The answer to one request; `path` where the request's own is not the real API's."""
        refusal = self._refusal(request, request.path if path is None else path)
        if refusal is not None:
            self.refused.append(refusal)
            return json_answer(writing.error(refusal), refusal.status)
        body = request.json
        reply = self.reply(body)
        if reply.trouble is Trouble.REFUSED:
            return json_answer(writing.error(OVERLOADED), OVERLOADED.status, {"retry-after": "7"})
        usage = self._cache.count_prompt(body, cacheable_from(body["model"]))
        self.usages.append(usage | writing.output_counts(reply))
        write = writing.stream if body.get("stream") else writing.whole
        return write(reply, body, usage)

    def _refusal(self, request: Request, path: str) -> Refusal | None:
        if path != PATH or request.method != "POST":
            return Refusal(404, "Not Found", type="not_found_error")
        if (refusal := refuse_headers(request.headers, KEY)) is not None:
            return refusal
        body = request.json
        if (refusal := refuse(body)) is not None:
            return refusal
        if body["model"] not in MODELS:
            return Refusal(404, f"model: {body['model']}", type="not_found_error")
        return None
