"""What a new version of prices would change: nothing of what is delivered, and how far from it that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.values import GstTreatment, ProductType
from services.billing.domain.gst import Priced, total_of


@dataclass(frozen=True, slots=True)
class Prices:
    """In cents for one lead."""

    exclusive_cents: int
    shared_cents: int
    gst_treatment: GstTreatment = GstTreatment.TAXABLE
    includes_gst: bool = False

    def of(self, product: ProductType) -> Priced:
        cents = self.exclusive_cents if product is ProductType.EXCLUSIVE else self.shared_cents
        return Priced(cents, self.gst_treatment, self.includes_gst)


Counted = Sequence[tuple[ProductType, Priced, int]]
"""Deliveries of one product at one price, and how many there are."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Ex GST: what so many deliveries come to at their own prices, and what the same ones would at the new prices."""

    exclusive_count: int = 0
    shared_count: int = 0
    cents: int = 0
    cents_at_new_prices: int | None = None

    @property
    def count(self) -> int:
        return self.exclusive_count + self.shared_count

    @property
    def difference_cents(self) -> int | None:
        return None if self.cents_at_new_prices is None else self.cents_at_new_prices - self.cents


@dataclass(frozen=True, slots=True)
class PriceChange:
    """`issued` and `unbilled` were delivered in the version's time and keep their prices; `priced` are held and would
    have one; `month` is the running month so far, as a month of this mix would come to.
    """

    issued: Effect = field(default_factory=Effect)
    unbilled: Effect = field(default_factory=Effect)
    priced: Effect = field(default_factory=Effect)
    month: Effect = field(default_factory=Effect)
    left_held_count: int = 0


def effect_of(counted: Counted, prices: Prices | None) -> Effect:
    """Without prices there is nothing that they would come to."""
    effect = _mix_of(counted)
    effect = replace(effect, cents=total_of([(priced, count) for _, priced, count in counted]).ex_gst_cents)
    return replace(effect, cents_at_new_prices=_cents_at(counted, prices))


def priced_by(held: Mapping[ProductType, int], prices: Prices | None) -> Effect:
    """Of held deliveries, which have no price of their own."""
    counted = [(product, Priced(0), number) for product, number in held.items()] if prices else []
    return replace(_mix_of(counted), cents_at_new_prices=_cents_at(counted, prices))


def _cents_at(counted: Counted, prices: Prices | None) -> int | None:
    if prices is None:
        return None
    return total_of([(prices.of(product), count) for product, _, count in counted]).ex_gst_cents


def _mix_of(counted: Counted) -> Effect:
    def number(wanted: ProductType) -> int:
        return sum(count for product, _, count in counted if product is wanted)

    return Effect(number(ProductType.EXCLUSIVE), number(ProductType.SHARED))
