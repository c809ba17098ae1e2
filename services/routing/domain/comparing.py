"""A draft beside its control run: which leads would have gone elsewhere, and what that comes to."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from services.routing.domain.decision import Decision
from services.routing.domain.eligibility import CAPS
from services.routing.domain.ordering import LEAD_PPM, jains_index
from services.routing.domain.simulating import Arrival, World, chosen_in, paired

Prices = Mapping[tuple[UUID, str], int]
"""What a lead of a product costs an installer, in cents, as far as it is known."""


class Money(NamedTuple):
    """`unpriced` counts the leads whose price nobody knows."""

    cents: int = 0
    unpriced: int = 0


class Moved(NamedTuple):
    """A lead that others would have got."""

    arrival: Arrival
    before: frozenset[UUID]
    after: frozenset[UUID]
    before_money: Money
    after_money: Money


@dataclass
class Tally:
    """What one run gave to whom. `cap_hits` counts the leads that an installer missed by a cap alone or first."""

    leads: Counter[UUID] = field(default_factory=Counter)
    entitled_ppm: Counter[UUID] = field(default_factory=Counter)
    cap_hits: Counter[UUID] = field(default_factory=Counter)
    unplaced: int = 0
    revenue_cents: int = 0
    unpriced: int = 0

    def add(self, decision: Decision, money: Money) -> None:
        for each in decision.assessments:
            id_ = each.standing.candidate.id
            if each.obstacle is None:
                self.entitled_ppm[id_] += each.entitled_ppm
            elif each.obstacle.rule in CAPS:
                self.cap_hits[id_] += 1
        self.leads.update(chosen_in(decision))
        self.unplaced += not decision.chosen
        self.revenue_cents += money.cents
        self.unpriced += money.unpriced

    def told(self, names: Mapping[UUID, str]) -> dict[str, Any]:
        """`jain` is of what each got to what it was entitled to, 1 where all got the same part of theirs."""
        concerned = sorted(self.leads.keys() | self.entitled_ppm.keys() | self.cap_hits.keys())
        return {
            "given": self.leads.total(),
            "unplaced": self.unplaced,
            "revenue_cents": self.revenue_cents,
            "unpriced": self.unpriced,
            "jain": round(jains_index([self.leads[id_] for id_ in concerned], self._entitled(concerned)), 4),
            "installers": {
                str(id_): {
                    "name": names[id_],
                    "leads": self.leads[id_],
                    "entitled_leads": round(self.entitled_ppm[id_] / LEAD_PPM, 2),
                    "cap_hits": self.cap_hits[id_],
                }
                for id_ in concerned
            },
        }

    def _entitled(self, ids: list[UUID]) -> list[float]:
        return [self.entitled_ppm[id_] / LEAD_PPM for id_ in ids]


class Comparison:
    """Runs both; `moved` is to be read to its end before `totals` is."""

    def __init__(self, control: World, draft: World, prices: Prices) -> None:
        self._control = control
        self._draft = draft
        self._prices = prices
        self._before, self._after = Tally(), Tally()
        self._same = self._known = self._moved = 0
        self.leads = 0

    def moved(self) -> Iterator[Moved | None]:
        """One for each lead; None for one that goes where it went."""
        for arrival, one, other in paired(self._control, self._draft):
            before, after = chosen_in(one), chosen_in(other)
            money = self._money(arrival, before), self._money(arrival, after)
            self._before.add(one, money[0])
            self._after.add(other, money[1])
            self.leads += 1
            if arrival.given_to:
                self._known += 1
                self._same += before == arrival.given_to
            self._moved += before != after
            yield Moved(arrival, before, after, *money) if before != after else None

    def _money(self, arrival: Arrival, installer_ids: frozenset[UUID]) -> Money:
        prices = [self._prices.get((id_, arrival.product)) for id_ in installer_ids]
        return Money(sum(price for price in prices if price is not None), prices.count(None))

    def totals(self) -> dict[str, Any]:
        """`as_happened` is how many of the leads that were given really went where the control run gives them."""
        names = {id_: who.name for id_, who in self._control.candidates.items()}
        return {
            "leads": self.leads,
            "moved": self._moved,
            "as_happened": {"same": self._same, "of": self._known},
            "before": self._before.told(names),
            "after": self._after.told(names),
        }
