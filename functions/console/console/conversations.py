"""Reads the conversations of a caller's project."""

from dataclasses import dataclass

from console.conversation_json import conversation_calls_json, conversation_page_json
from console.conversation_shapes import ConversationCallsJson, ConversationPageJson
from console.errors import ConversationUnknown, ParameterInvalid
from console.query import CallsQuery, PageQuery
from switchboard.store.query_ports import ConversationReader


@dataclass(frozen=True, slots=True)
class Conversations:
    """Reads conversations. All methods block, and raise StoreUnavailable."""

    reader: ConversationReader

    def page(self, project: str, query: PageQuery) -> ConversationPageJson:
        """One page of the project's conversations, the newest first call first. Raises ParameterInvalid."""
        try:
            page = self.reader.list_conversations(
                project, limit=query.limit, since=query.since, until=query.until, cursor=query.cursor
            )
        except ValueError as invalid:
            raise ParameterInvalid(str(invalid), param="cursor") from invalid
        return conversation_page_json(page)

    def calls(self, project: str, conversation_id: str, query: CallsQuery) -> ConversationCallsJson:
        """A conversation with a page of its calls, oldest first. Raises ConversationUnknown or ParameterInvalid."""
        found = self.reader.find_conversation(project, conversation_id)
        if found is None:
            raise ConversationUnknown(
                "There is no such conversation in the key's project. One is found seconds after its first call's end."
            )
        try:
            calls = self.reader.conversation_calls(project, conversation_id, limit=query.limit, cursor=query.cursor)
        except ValueError as invalid:
            raise ParameterInvalid(str(invalid), param="cursor") from invalid
        return conversation_calls_json(found, calls)
