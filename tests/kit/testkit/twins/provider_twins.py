"""All twins behind one server on loopback, which answers for every provider's host name."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from testkit.twins import closed_models, hosted_models, laboratories, openai_models, writing
from testkit.twins.anthropic import AnthropicTwin
from testkit.twins.dialect import Dialect, Json, Refusal
from testkit.twins.reply import Reply, Trouble, text_reply
from testkit.upstream import Answer, Request, json_answer

KEY = "provider-key-of-the-twins"

DIALECTS = (
    openai_models.OPENAI,
    closed_models.ANTHROPIC_NATIVE,
    closed_models.ANTHROPIC_LAYER,
    closed_models.GOOGLE,
    hosted_models.GROQ,
    hosted_models.TOGETHER,
    hosted_models.CLOUDFLARE,
    laboratories.DEEPSEEK,
    laboratories.MISTRAL,
    laboratories.XAI,
    hosted_models.CEREBRAS,
    hosted_models.FIREWORKS,
    hosted_models.OPENROUTER,
    openai_models.AZURE,
    openai_models.BEDROCK,
    openai_models.GENERIC,
)


OPENAI_SHAPED = tuple(row for row in DIALECTS if row is not closed_models.ANTHROPIC_NATIVE)


@dataclass(slots=True)
class ProviderTwins:
    """Answers `/<host>/<path>` as the provider of that host does.

    `reply` gives every model's reply to a request body; `requests` are those received, `refused` the refusals sent.
    """

    reply: Callable[[Json], Reply] = lambda _body: text_reply("Hello from the twin.")
    refused: list[Refusal] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    native: AnthropicTwin = field(default_factory=AnthropicTwin)

    def reply_with(self, reply: Reply) -> None:
        """Have every model give this reply from now on."""
        self.reply = lambda _body: reply

    def clear(self) -> None:
        """Clear the lists of requests and refusals."""
        self.refused.clear()
        self.requests.clear()

    def respond(self, request: Request) -> Answer:
        """The answer to one request."""
        self.requests.append(request)
        host, _, path = request.path.lstrip("/").partition("/")
        if (host, f"/{path}") == (closed_models.ANTHROPIC_NATIVE.host, closed_models.ANTHROPIC_NATIVE.path):
            return self._answer_as_anthropic(request)
        dialect = next((row for row in OPENAI_SHAPED if row.host == host), None)
        if dialect is None:
            self.refused.append(Refusal(421, f"no provider at {host}"))
            return json_answer({"error": {"message": f"no provider at {host}"}}, 421)
        refusal = refuse(dialect, request, f"/{path}")
        if refusal is not None:
            self.refused.append(refusal)
            return json_answer(dialect.error(refusal), refusal.status)
        return self._answer(dialect, request.json)

    def _answer_as_anthropic(self, request: Request) -> Answer:
        self.native.reply, self.native.refused = self.reply, self.refused
        answer = self.native.respond(request, closed_models.ANTHROPIC_NATIVE.path)
        # The scripted server knows registered statuses only; 529 is Anthropic's own.
        return replace(answer, status=503) if answer.status == 529 else answer

    def _answer(self, dialect: Dialect, body: Json) -> Answer:
        reply = self.reply(body)
        if reply.trouble is Trouble.REFUSED:
            return json_answer(dialect.error(dialect.overloaded), dialect.overloaded.status, {"retry-after": "7"})
        write = writing.stream if body.get("stream") else writing.whole
        return write(dialect, reply, body)


def refuse(dialect: Dialect, request: Request, path: str) -> Refusal | None:
    """The provider's refusal of the request, None if it is accepted: path, key and model first, then its rules."""
    if path != dialect.path or request.method != "POST":
        return dialect.wrong_path
    if dialect.key_of(request.headers) != KEY:
        return dialect.wrong_key
    body = request.json
    if body["model"] not in dialect.models:
        return dialect.unknown_model(body["model"])
    return next((refusal for rule in dialect.rules if (refusal := rule(body)) is not None), None)
