"""The routes of conversations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from console.access import QueriesOfApp, Reader
from console.answers import answering, refusals
from console.conversation_shapes import ConversationCallsJson, ConversationPageJson
from console.conversations import Conversations
from console.errors import ConversationUnknown
from console.query import CallsQuery, PageQuery

router = APIRouter(prefix="/api/conversations", tags=["conversations"])


def conversations_of(queries: QueriesOfApp) -> Conversations:
    """What reads conversations."""
    return Conversations(queries.conversations)


type ConversationsOfApp = Annotated[Conversations, Depends(conversations_of)]


@router.get("", responses=refusals())
@answering
def list_conversations(
    project: Reader, conversations: ConversationsOfApp, query: Annotated[PageQuery, Query()]
) -> ConversationPageJson:
    """The conversations of the project, the newest first call first."""
    return conversations.page(project, query)


# The path is already decoded, so a conversation's id may contain slashes.
@router.get("/{conversation_id:path}", responses=refusals(ConversationUnknown))
@answering
def show_conversation(
    project: Reader, conversations: ConversationsOfApp, conversation_id: str, query: Annotated[CallsQuery, Query()]
) -> ConversationCallsJson:
    """A conversation with its calls in order."""
    return conversations.calls(project, conversation_id, query)
