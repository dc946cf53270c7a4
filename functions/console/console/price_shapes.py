"""The shapes of prices in the API's JSON: what is answered, and what may be sent."""

from typing import NotRequired, TypedDict

from pydantic import with_config

from console.shape_config import DESCRIBED


class AmountsJson(TypedDict, total=False):
    """USD per million tokens of each class, and `searches` per web search, as exact decimal text."""

    input: str
    output: str
    cache_read: str
    cache_write_5m: str
    cache_write_1h: str
    audio_input: str
    audio_cache_read: str
    audio_output: str
    image_input: str
    image_cache_read: str
    image_output: str
    searches: str


@with_config(DESCRIBED)
class PriceTierJson(AmountsJson):
    """What all tokens of a call cost whose prompt is longer than `above` tokens."""

    above: int


@with_config(DESCRIBED)
class PriceVariantJson(AmountsJson, total=False):
    """What calls of one service tier, region or speed cost: amounts, or a factor."""

    service_tier: str
    region: str
    speed: str
    factor: str
    """By which the other amounts are multiplied: `1.1` or `1/2`."""
    tiers: list[PriceTierJson]


PriceFieldsJson = TypedDict(
    "PriceFieldsJson",
    {"provider": str, "model": str, "from": str},
)
"""What a price is for, and the time from which it applies, with its offset."""


@with_config(DESCRIBED)
class NewPriceJson(AmountsJson, PriceFieldsJson):
    """A price to add; `input` and `output` are required."""

    until: NotRequired[str]
    """Before which it applies, if it ends."""
    tiers: NotRequired[list[PriceTierJson]]
    variants: NotRequired[list[PriceVariantJson]]


@with_config(DESCRIBED)
class StoredPriceJson(AmountsJson, PriceFieldsJson):
    """A price as it is stored."""

    id: str
    """Names the price in calls that it was applied to; of the project's own, also the one to delete."""
    source: str
    """The list that it comes from."""
    until: str | None
    tiers: list[PriceTierJson]
    variants: list[PriceVariantJson]


@with_config(DESCRIBED)
class BookJson(TypedDict):
    """The price book that is published."""

    version: str
    """The library and the overrides that it was made from."""
    cards: int
    """How many prices it has."""
    published_at: str


@with_config(DESCRIBED)
class PricesJson(TypedDict):
    """Prices: the project's own, which outrank the book, and a page of the book."""

    project: list[StoredPriceJson]
    """All of the project's own; none on later pages."""
    book: BookJson | None
    """Null until the first book is published."""
    prices: list[StoredPriceJson]
    """Of the book, by provider, model and start."""
    next_cursor: str | None


@with_config(DESCRIBED)
class ListedPricesJson(TypedDict):
    """The prices of ElevenLabs' list, in USD per million tokens; null where it has none."""

    input: str
    output: str
    cache_read: str | None
    cache_write: str | None


@with_config(DESCRIBED)
class ListedModelJson(TypedDict):
    """A model of ElevenLabs' list."""

    provider: str
    model: str
    listed: ListedPricesJson
    used: StoredPriceJson | None
    """The price of calls that begin now; null if there is none."""
    is_same: bool
    """Whether every listed amount is the one that is used."""


class ElevenLabsJson(TypedDict):
    """The models that ElevenLabs lists for its agents, and the prices that are used for them."""

    models: list[ListedModelJson]
