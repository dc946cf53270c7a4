"""What stands around the choices of every chunk and completion: filled in where a provider leaves it out."""

from gateway.domain.codec import AnswerContext

CHUNK = "chat.completion.chunk"
COMPLETION = "chat.completion"


class Envelope:
    """The id, kind, time and model of one answer: the provider's own where it once told them, constant to the end."""

    __slots__ = ("_completion_id", "_created_s", "_kind", "_model")

    def __init__(self, asked: AnswerContext, kind: str) -> None:
        self._kind = kind
        self._completion_id = f"chatcmpl-{asked.answer_id}"
        self._created_s = asked.created_s
        self._model = asked.model

    def fill(self, body: dict[str, object]) -> bool:
        """Add what is missing; whether anything was."""
        completion_id, model = body.get("id"), body.get("model")
        is_whole = True
        if isinstance(completion_id, str) and completion_id:
            self._completion_id = completion_id
        else:
            body["id"], is_whole = self._completion_id, False
        created_s = body.get("created")
        if type(created_s) is int and created_s:
            self._created_s = created_s
        else:
            body["created"], is_whole = self._created_s, False
        if isinstance(model, str) and model:
            self._model = model
        else:
            body["model"], is_whole = self._model, False
        if not body.get("object"):
            body["object"], is_whole = self._kind, False
        return not is_whole

    def around(self, choices: list[dict[str, object]], **others: object) -> dict[str, object]:
        """A body of the gateway's own, as if the provider had sent it."""
        body: dict[str, object] = {"choices": choices, **others}
        self.fill(body)
        return body
