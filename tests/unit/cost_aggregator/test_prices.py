from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cost_aggregator.overrides import Overrides, read_overrides, shipped_overrides
from cost_aggregator.price_library import LIBRARY_NAMES, PriceLibrary
from cost_aggregator.prices import _MOST_CARDS, PriceBook
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.store import rate_items
from switchboard.store.attributes import decode_item, encode_item
from switchboard.store.keyspace import rate_card_order, rate_cards_of_model

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
RATES = Rates(1, 2, 3, 4, 5)
FOR_DECEMBER = """
[[price]]
provider = "openai"
model = "gpt-4o"
from = "2026-12-01T00:00:00Z"
until = "2027-01-01T00:00:00Z"
input = "1"
output = "4"
"""


class CountingLibrary:
    """A price for every model in a period; counts the lookups. It lists one model."""

    version = "library 1"

    def __init__(self, since: datetime = ALWAYS, until: datetime | None = None) -> None:
        self.asked = 0
        self._since, self._until = since, until

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        self.asked += 1
        card = RateCard(provider, model, RATES, valid_from=self._since, valid_until=self._until, source="library")
        return card if card.is_valid_at(at) else None

    def models(self) -> list[tuple[str, str]]:
        return [("openai", "gpt-4o")]

    def starts(self, provider: str, model: str, at: datetime) -> list[datetime]:  # noqa: ARG002 - the same for all
        return [self._since]


def test_an_override_applies_in_its_period_and_the_library_outside_it() -> None:
    book = PriceBook(read_overrides(FOR_DECEMBER), CountingLibrary())
    january = datetime(2027, 1, 1, tzinfo=UTC)
    cards = [book.card("openai", "gpt-4o", at) for at in (DECEMBER - INSTANT, DECEMBER, january - INSTANT, january)]
    spans = [(card.source, card.valid_from, card.valid_until) for card in cards if card]
    assert spans == [
        ("library", ALWAYS, DECEMBER),
        ("overrides 2026-12-01", DECEMBER, january),
        ("overrides 2026-12-01", DECEMBER, january),
        ("library", january, None),
    ]


def test_the_librarys_dates_apply_if_they_are_narrower() -> None:
    since, until = DECEMBER - timedelta(days=9), DECEMBER - timedelta(days=2)
    card = PriceBook(read_overrides(FOR_DECEMBER), CountingLibrary(since, until)).card("openai", "gpt-4o", since)
    assert card is not None
    assert (card.valid_from, card.valid_until) == (since, until)


def test_a_card_has_the_names_that_the_call_used() -> None:
    card = PriceBook(shipped_overrides(), CountingLibrary()).card("demo", "Demo/Echo", NOON)
    assert card is not None
    assert (card.provider, card.model) == ("demo", "Demo/Echo")
    assert card.source.startswith("overrides ")


def test_a_price_is_looked_up_once_for_its_period() -> None:
    library = CountingLibrary()
    book = PriceBook(Overrides({}), library)
    assert book.card("openai", "gpt-4o", NOON) is book.card("openai", "gpt-4o", DECEMBER)
    assert library.asked == 1


def test_an_unknown_price_is_looked_up_again() -> None:
    book = PriceBook(Overrides({}), CountingLibrary(since=DECEMBER))
    assert book.card("openai", "gpt-10", NOON) is None
    assert book.card("openai", "gpt-10", DECEMBER) is not None


def test_the_number_of_cached_cards_is_limited() -> None:
    library = CountingLibrary()
    book = PriceBook(Overrides({}), library)
    for number in range(_MOST_CARDS):
        book.card("openai", f"gpt-{number}", NOON)
    book.card("openai", "gpt-0", NOON)
    assert library.asked == _MOST_CARDS
    book.card("openai", "one-more", NOON)
    book.card("openai", "gpt-0", NOON)
    assert library.asked == _MOST_CARDS + 2


def test_the_book_has_every_card_of_every_time() -> None:
    book = PriceBook(read_overrides(FOR_DECEMBER), CountingLibrary())
    january = datetime(2027, 1, 1, tzinfo=UTC)
    gpt_4o = [card for card in book.every_card(NOON) if card.model == "gpt-4o"]
    spans = [(card.source, card.valid_from, card.valid_until) for card in gpt_4o]
    assert spans == [
        ("library", ALWAYS, DECEMBER),
        ("overrides 2026-12-01", DECEMBER, january),
        ("library", january, None),
    ]
    assert book.unpublished() == ()


def test_a_books_version_changes_with_library_and_overrides() -> None:
    one, same = (PriceBook(read_overrides(FOR_DECEMBER), CountingLibrary()) for _ in range(2))
    dearer = PriceBook(read_overrides(FOR_DECEMBER.replace('"4"', '"5"')), CountingLibrary())
    newer = CountingLibrary()
    newer.version = "library 2"
    versions = {one.version, dearer.version, PriceBook(read_overrides(FOR_DECEMBER), newer).version}
    assert one.version == same.version
    assert len(versions) == 3


def test_the_whole_book_has_a_card_for_nearly_all_models_of_every_provider() -> None:
    library = PriceLibrary()
    cards = PriceBook(shipped_overrides(), library).every_card(NOON)
    assert len({(card.provider, card.model, card.valid_from) for card in cards}) == len(cards) > 1400
    assert {card.provider for card in cards} == {*LIBRARY_NAMES, "demo"}
    models = {(card.provider, card.model) for card in cards}
    assert len(models & set(library.models())) > 0.9 * len(set(library.models()))
    assert all(card.valid_until is None or card.valid_from < card.valid_until for card in cards)


def test_used_cards_are_unpublished_until_marked() -> None:
    book = PriceBook(Overrides({}), CountingLibrary())
    one, other = (book.card("openai", model, NOON) for model in ("gpt-4o", "gpt-4.1"))
    assert book.unpublished() == (one, other)
    book.cards_published(book.unpublished()[:1])
    assert book.unpublished() == (other,)
    book.card("openai", "gpt-4o", NOON)
    assert book.unpublished() == (other,)


@pytest.mark.parametrize(
    ("at", "source"),
    [
        (ALWAYS, "first"),
        (DECEMBER - INSTANT, "first"),
        (DECEMBER, "second"),
        (DECEMBER + timedelta(days=400), "second"),
    ],
)
def test_one_query_finds_the_card_for_a_time(dynamodb: "DynamoDBClient", table: str, at: datetime, source: str) -> None:
    first = RateCard("generic", "a#b%", RATES, valid_from=ALWAYS, valid_until=DECEMBER, source="first")
    second = replace(first, valid_from=DECEMBER, valid_until=None, source="second")
    for card in (second, first, replace(first, model="a", source="another")):
        dynamodb.put_item(TableName=table, Item=encode_item(rate_items.to_item(card)))
    page = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :pk AND sk <= :at",
        ExpressionAttributeValues={
            ":pk": {"S": rate_cards_of_model("generic", "a#b%")},
            ":at": {"S": rate_card_order(at)},
        },
        ScanIndexForward=False,
        Limit=1,
    )
    [found] = [rate_items.from_item(decode_item(item)) for item in page["Items"]]
    assert found == (first if source == "first" else second)


def test_the_shipped_overrides_price_the_demo_and_unusual_names() -> None:
    book = PriceBook(shipped_overrides(), PriceLibrary())
    for provider, model in (("demo", "demo/echo"), ("anthropic", "claude-3-0-haiku"), ("google", "gemini-1.5-pro")):
        card = book.card(provider, model, NOON)
        assert card is not None
        assert card.source.startswith("overrides ")
