"""Public holidays of the states, as the library `holidays` has them: nobody here keeps such a list."""

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

from contracts.values import AustralianState
from services.routing.domain.hours import DAYS_AHEAD


@lru_cache(64)
def holidays_about(state: AustralianState, day: date) -> tuple[date, ...]:
    """From the day before, as it may be yesterday still in the west, to as far ahead as openings are looked for."""
    near = (day + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD + 2))
    return tuple(each for each in near if each in _of_year(state, each.year))


@lru_cache(64)
def _of_year(state: AustralianState, year: int) -> frozenset[date]:
    return frozenset(country_holidays("AU", subdiv=state, years=year))
