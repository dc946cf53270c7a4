"""The fields around the choices of a chunk or completion: added where a provider leaves them out."""

from gateway.domain.codec import AnswerContext
from switchboard.domain.limits import MAX_ANSWER_NAME_CHARACTERS

CHUNK = "chat.completion.chunk"
COMPLETION = "chat.completion"


class Envelope:
    """The id, object, time and model of one answer: the provider's once it has sent them, else the gateway's own."""

    __slots__ = ("_completion_id", "_created_s", "_kind", "_model")

    def __init__(self, context: AnswerContext, kind: str) -> None:
        self._kind = kind
        self._completion_id = f"chatcmpl-{context.answer_id}"
        self._created_s = context.created_s
        self._model = context.model

    def fill(self, body: dict[str, object]) -> bool:
        """Add the missing fields; whether any was missing."""
        completion_id, model = body.get("id"), body.get("model")
        is_whole = True
        if isinstance(completion_id, str) and completion_id:
            self._completion_id = completion_id
        else:
            body["id"], is_whole = self._completion_id[:MAX_ANSWER_NAME_CHARACTERS], False
        created_s = body.get("created")
        if type(created_s) is int and created_s:
            self._created_s = created_s
        else:
            body["created"], is_whole = self._created_s, False
        if isinstance(model, str) and model:
            self._model = model
        else:
            body["model"], is_whole = self._model[:MAX_ANSWER_NAME_CHARACTERS], False
        if body.get("object") != self._kind:
            body["object"], is_whole = self._kind, False
        return not is_whole

    def wrap(self, choices: list[dict[str, object]], **others: object) -> dict[str, object]:
        """A body that the gateway makes itself, with the same id, time and model."""
        body: dict[str, object] = {"choices": choices, **others}
        self.fill(body)
        return body
