"""What several providers refuse in the same way."""

import re

from gateway.providers.histories.refusals import Empty, IdRule, NameRule, Refusals, hashed
from gateway.providers.histories.templates import wants_alternation, wants_no_system, wants_one_system_first

EVERY_ROLE = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
USERS = frozenset({"user"})
CACHE_MARK = frozenset({"cache_control"})

OPENAI_IDS = IdRule(re.compile(r".{1,40}", re.DOTALL), hashed("call_", 40))
ANTHROPIC_IDS = IdRule(
    re.compile("[a-zA-Z0-9_-]+"), lambda given_id: re.sub("[^a-zA-Z0-9_-]", "_", given_id), are_unique=True
)
BEDROCK_IDS = IdRule(re.compile("[a-zA-Z0-9_-]{1,64}"), hashed("call_", 40), are_unique=True)
MISTRAL_IDS = IdRule(re.compile("[a-zA-Z0-9]{9}"), hashed("", 9))

UNKNOWN_SERVER = Refusals(
    later_system=wants_one_system_first,
    second_system=wants_one_system_first,
    any_system=wants_no_system,
    neighbours=wants_alternation,
)
"""A server of which nothing is known but the model's name."""

OPEN_MODELS = Refusals(
    empty=Empty.NULL,
    open_schemas=True,
    foreign_fields=True,
    media_roles=USERS,
    later_system=wants_one_system_first,
    second_system=wants_one_system_first,
    any_system=wants_no_system,
    neighbours=wants_alternation,
    tool_names=NameRule(),
    sender_names=NameRule(),
)
"""A provider that documents its fields and hosts models of others."""
