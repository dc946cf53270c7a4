"""Sends tool-call ids in the form that a provider takes, the same for a call and its result and on every turn."""

from gateway.domain.codec import Draft
from gateway.providers.histories.refusals import IdRule
from switchboard.stream.deltas import Json


def fit_call_ids(body: Draft, rule: IdRule) -> None:
    """Replace ids of another form, of calls and of the results that follow them; in requests only, never in answers."""
    ids = _Ids(rule)
    for position, message in enumerate(body.messages):
        fitted = ids.fit(message)
        if fitted is not message:
            body.messages[position] = fitted
            body.note("repaired a tool call's id")


class _Ids:
    """The ids that are sent: those of the last message with calls by the caller's, and all that are in use."""

    def __init__(self, rule: IdRule) -> None:
        self._rule = rule
        self._sent: dict[str, str] = {}
        self._used: set[str] = set()
        self._copies: dict[str, int] = {}

    def fit(self, message: Json) -> Json:
        """The message itself, or one with other ids."""
        calls = message.get("tool_calls")
        if isinstance(calls, list) and calls:
            fitted = [self._fitted_call(call) for call in calls]
            is_same = all(new is old for new, old in zip(fitted, calls, strict=True))
            return message if is_same else {**message, "tool_calls": fitted}
        given_id = message.get("tool_call_id")
        if not isinstance(given_id, str):
            return message
        sent_id = self._sent.get(given_id) or self._form(given_id)
        return message if sent_id == given_id else {**message, "tool_call_id": sent_id}

    def _fitted_call(self, call: object) -> object:
        given_id = call.get("id") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(given_id, str):
            return call
        sent_id = self._form(given_id)
        if self._rule.are_unique:
            sent_id = self._unique(sent_id)
        self._sent[given_id] = sent_id
        return call if sent_id == given_id else {**call, "id": sent_id}

    def _form(self, given_id: str) -> str:
        return given_id if self._rule.taken.fullmatch(given_id) else self._rule.fit(given_id)

    def _unique(self, wanted: str) -> str:
        """The id itself, or with a number: the third call of an id has the same number on every turn."""
        unique = wanted
        while unique in self._used:
            self._copies[wanted] = self._copies.get(wanted, 0) + 1
            unique = f"{wanted}_{self._copies[wanted]}"
        self._used.add(unique)
        return unique
