"""Business days in rooms: counted in SQL as `contracts/business_days.py` counts them, and said alike everywhere."""

from typing import Any

from sqlalchemy import Date, cast, func, literal

from chassis.console.documents import Fact
from chassis.console.listing import ZONE
from chassis.console.wording import counted
from contracts.business_days import FIRST_MONDAY

MEANT = "Monday to Friday, public holidays counted"
MEANT_FACT = Fact("Business days", MEANT)
MEANT_NOTE = f"Business days are {MEANT}."


def business_days_until(instant: Any) -> Any:
    """The expression; each room's tests hold it against the other."""
    days = cast(func.timezone(ZONE, instant), Date) - literal(FIRST_MONDAY, Date)
    return 5 * func.div(days, 7) + func.least(func.mod(days, 7) + 1, 5)


def say_left(days: int | None) -> str | None:
    if days is None:
        return None
    if days == 0:
        return "Decide today"
    told = counted(abs(days), "business day", "business days")
    return f"{told} left" if days > 0 else f"{told} late"
