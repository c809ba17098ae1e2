"""Public holidays of the states, as the library `holidays` has them: nobody here keeps such a list."""

from datetime import date, timedelta
from functools import lru_cache

from contracts.values import AustralianState
from services.routing.domain.hours import DAYS_AHEAD


@lru_cache(64)
def holidays_about(state: AustralianState, day: date) -> tuple[date, ...]:
    """From the day before, as it may be yesterday still in the west, to as far ahead as openings are looked for."""
    return holidays_between(state, day - timedelta(days=1), day + timedelta(days=DAYS_AHEAD + 1))


def holidays_between(state: AustralianState, first: date, last: date) -> tuple[date, ...]:
    """Both days belong to it."""
    days = (first + timedelta(days=each) for each in range((last - first).days + 1))
    return tuple(day for day in days if day in _of_year(state, day.year))


@lru_cache(64)
def _of_year(state: AustralianState, year: int) -> frozenset[date]:
    from holidays import country_holidays  # noqa: PLC0415  # megabytes that are spared where nobody keeps holidays

    return frozenset(country_holidays("AU", subdiv=state, years=year))
