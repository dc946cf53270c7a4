"""The keys of prices: rate cards, the book that lists them, projects' own prices, and calls that wait for a price."""

from datetime import UTC, datetime

from switchboard.store.keyspace.parts import Key, hashed, part

UNPRICED_SHARDS = range(8)


def rate_card(provider: str, model: str, valid_from: datetime) -> Key:
    """The key of a rate card: in its model's partition, by its start."""
    return Key(rate_cards_of_model(provider, model), rate_card_order(valid_from))


def rate_cards_of_model(provider: str, model: str) -> str:
    """The partition that holds every rate card of a model at a provider, oldest first."""
    return f"RATES#{part(provider)}#{part(model)}"


def rate_card_order(moment: datetime) -> str:
    """The sort key of a time among rate cards: the last card at or before it applies."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def book_mark() -> Key:
    """The key of the row that says which price book is published."""
    return Key("BOOK", "MARK")


def book_of_provider(provider: str) -> str:
    """The index partition that lists a provider's rate cards in the price book."""
    return f"BOOK#{part(provider)}"


def book_order(model: str, valid_from: datetime | None = None) -> str:
    """The sort key of a rate card in its provider's book; without a time, what all cards of the model begin with."""
    return f"{part(model)}#{'' if valid_from is None else rate_card_order(valid_from)}"


def project_price(project: str, provider: str, model: str, valid_from: datetime) -> Key:
    """The key of a price that a project has for itself."""
    return Key(prices_of_project(project), f"{part(provider)}#{part(model)}#{rate_card_order(valid_from)}")


def prices_of_project(project: str) -> str:
    """The partition that holds a project's own prices."""
    return f"P#{part(project)}#PRICES"


def unpriced_model(project: str, provider: str, model: str) -> Key:
    """The key of the row of a model that has calls without a price."""
    return Key(unpriced_models_of_project(project), f"{part(provider)}#{part(model)}")


def unpriced_models_of_project(project: str) -> str:
    """The partition that lists a project's models with calls without a price."""
    return f"P#{part(project)}#UNPRICED"


def unpriced_call(project: str, provider: str, model: str, trace_id: str) -> Key:
    """The key of the row of a call that waits for the price of a model."""
    shard = hashed(trace_id) % len(UNPRICED_SHARDS)
    return Key(unpriced_calls(project, provider, model, shard), trace_id)


def unpriced_calls(project: str, provider: str, model: str, shard: int) -> str:
    """One of the partitions that hold the calls that wait for the price of a model."""
    return f"P#{part(project)}#UNPRICED#{part(provider)}#{part(model)}#{shard}"
