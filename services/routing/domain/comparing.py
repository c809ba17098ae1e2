"""A draft beside its control run: which leads would have gone elsewhere, and what that comes to."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from services.routing.domain.decision import Decision
from services.routing.domain.eligibility import CAPS
from services.routing.domain.ordering import LEAD_PPM, jains_index
from services.routing.domain.simulating import Arrival, World, chosen_in, paired
from services.routing.domain.standing import Standing

Prices = Mapping[tuple[UUID, str], int]
"""What a lead of a product costs an installer, in cents, as far as it is known."""


class Side(NamedTuple):
    """What became of one lead in one of the runs. `unpriced` counts the chosen whose price nobody knows.

    `entitled_ppm` is what the chosen were entitled to of it. `at_cap` are the candidates that a cap was in the way of
    first; `cap_percent` is how full the fullest window of the chosen is with it, None where none of them has a cap.
    """

    chosen: frozenset[UUID]
    cents: int = 0
    unpriced: int = 0
    entitled_ppm: int = 0
    at_cap: int = 0
    cap_percent: int | None = None


class Moved(NamedTuple):
    """A lead that others would have got."""

    arrival: Arrival
    before: Side
    after: Side


@dataclass
class Tally:
    """What one run gave to whom. `cap_hits` counts the leads that an installer missed by a cap alone or first,
    `full_days` the days of its own clock on which it missed any so; `leads_at_cap` are the leads that a cap kept from
    anybody.
    """

    prices: Prices
    leads: Counter[UUID] = field(default_factory=Counter)
    entitled_ppm: Counter[UUID] = field(default_factory=Counter)
    cap_hits: Counter[UUID] = field(default_factory=Counter)
    revenue_cents: Counter[UUID] = field(default_factory=Counter)
    unpriced: Counter[UUID] = field(default_factory=Counter)
    full_days: set[tuple[UUID, date]] = field(default_factory=set)
    leads_at_cap: int = 0
    unplaced: int = 0

    def add(self, arrival: Arrival, decision: Decision) -> Side:
        """Read at once: the installers go on to the next lead."""
        at_cap = self._count_candidates(decision)
        self.leads_at_cap += at_cap > 0
        self.unplaced += not decision.chosen
        chosen = chosen_in(decision)
        self.leads.update(chosen)
        return Side(
            chosen,
            *self._count_money(arrival.product, chosen),
            entitled_ppm=sum(each.entitled_ppm for each in decision.assessments if each.is_chosen),
            at_cap=at_cap,
            cap_percent=max((full for each in decision.chosen if (full := fullest(each)) is not None), default=None),
        )

    def _count_candidates(self, decision: Decision) -> int:
        """How many of them a cap is in the way of."""
        at_cap = 0
        for each in decision.assessments:
            id_ = each.standing.candidate.id
            if each.obstacle is None:
                self.entitled_ppm[id_] += each.entitled_ppm
            elif each.obstacle.rule in CAPS:
                at_cap += 1
                self.cap_hits[id_] += 1
                self.full_days.add((id_, each.standing.moment.local.date()))
        return at_cap

    def _count_money(self, product: str, chosen: frozenset[UUID]) -> tuple[int, int]:
        cents = unpriced = 0
        for id_ in chosen:
            price = self.prices.get((id_, product))
            if price is None:
                self.unpriced[id_] += 1
                unpriced += 1
            else:
                self.revenue_cents[id_] += price
                cents += price
        return cents, unpriced

    def told(self, names: Mapping[UUID, str]) -> dict[str, Any]:
        """`jain` is of what each got to what it was entitled to, 1 where all got the same part of theirs."""
        concerned = sorted(self.leads.keys() | self.entitled_ppm.keys() | self.cap_hits.keys())
        full_days = Counter(id_ for id_, _ in self.full_days)
        given = self.leads.total()
        return {
            "given": given,
            "unplaced": self.unplaced,
            "revenue_cents": self.revenue_cents.total(),
            "unpriced": self.unpriced.total(),
            "jain": round(jains_index([self.leads[id_] for id_ in concerned], self._entitled(concerned)), 4),
            "cap_hits": self.cap_hits.total(),
            "leads_at_cap": self.leads_at_cap,
            "full_days": full_days.total(),
            "installers": {
                str(id_): {
                    "name": names[id_],
                    "leads": self.leads[id_],
                    "share_ppm": self.leads[id_] * LEAD_PPM // max(1, given),
                    "entitled_leads": round(self.entitled_ppm[id_] / LEAD_PPM, 2),
                    "revenue_cents": self.revenue_cents[id_],
                    "unpriced": self.unpriced[id_],
                    "cap_hits": self.cap_hits[id_],
                    "full_days": full_days[id_],
                }
                for id_ in concerned
            },
        }

    def _entitled(self, ids: list[UUID]) -> list[float]:
        return [self.entitled_ppm[id_] / LEAD_PPM for id_ in ids]


def fullest(standing: Standing) -> int | None:
    """Per cent of its limit that the fullest of its windows holds; None without any limit."""
    limits = standing.candidate.limits
    held = ((limits.of(kind), count.taken) for kind, count in standing.counts.items())
    return max((100 * taken // max(1, limit) for limit, taken in held if limit is not None), default=None)


class Comparison:
    """Runs both; `moved` is to be read to its end before `totals` is."""

    def __init__(self, control: World, draft: World, prices: Prices) -> None:
        self._control = control
        self._draft = draft
        self._before, self._after = Tally(prices), Tally(prices)
        self._same = self._known = self._moved = 0
        self.leads = 0

    def moved(self) -> Iterator[Moved | None]:
        """One for each lead; None for one that goes where it went."""
        for arrival, one, other in paired(self._control, self._draft):
            before, after = self._before.add(arrival, one), self._after.add(arrival, other)
            is_moved = before.chosen != after.chosen
            self.leads += 1
            if arrival.given_to:
                self._known += 1
                self._same += before.chosen == arrival.given_to
            self._moved += is_moved
            yield Moved(arrival, before, after) if is_moved else None

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
