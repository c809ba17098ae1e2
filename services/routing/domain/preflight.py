"""What must stand before an installer gets leads, is billed for them and pays: each point a check with its cure."""

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    RECEIVE = "receive"
    BE_BILLED = "be_billed"
    PAY = "pay"


class Cure(StrEnum):
    """The deed that mends it, as the installer's page names its form; its account is billing's."""

    STATUS = "status"
    ABSENCES = "end-absence"
    TERRITORY = "territory"
    PARTICULARS = "contacts"
    HOURS = "hours"
    DELIVERY = "close_breaker"
    WEBHOOK = "test"
    INVOICING = "invoicing"
    ACCOUNT = "account"


class Point(StrEnum):
    """In the order in which they are told."""

    IS_ACTIVE = "is_active"
    IS_PRESENT = "is_present"
    HAS_TERRITORY = "has_territory"
    HAS_SERVICES = "has_services"
    HAS_CLOCK = "has_clock"
    HAS_HOURS = "has_hours"
    CAN_BE_REACHED = "can_be_reached"
    IS_TESTED = "is_tested"
    IS_IDENTIFIED = "is_identified"
    GST_HAS_ITS_ABN = "gst_has_its_abn"
    HAS_BILLING_EMAIL = "has_billing_email"
    HAS_PRICES = "has_prices"
    IS_COLLECTABLE = "is_collectable"
    HAS_CREDIT = "has_credit"
    OWES_NOTHING_LATE = "owes_nothing_late"


Facts = dict[Point, bool]
"""Of every point whether it stands."""


@dataclass(frozen=True, slots=True)
class Check:
    """`why` is told where it does not stand."""

    point: Point
    group: Group
    name: str
    passed: bool
    why: str
    cure: Cure


@dataclass(frozen=True, slots=True)
class _Asked:
    group: Group
    name: str
    why: str
    cure: Cure


_ASKED = {
    Point.IS_ACTIVE: _Asked(Group.RECEIVE, "Is active", "It is paused or suspended", Cure.STATUS),
    Point.IS_PRESENT: _Asked(Group.RECEIVE, "Is not away", "It is on a pause or a holiday", Cure.ABSENCES),
    Point.HAS_TERRITORY: _Asked(Group.RECEIVE, "Has a territory", "It works nowhere", Cure.TERRITORY),
    Point.HAS_SERVICES: _Asked(Group.RECEIVE, "Does a service", "It does none", Cure.PARTICULARS),
    Point.HAS_CLOCK: _Asked(
        Group.RECEIVE, "Has a known time zone", "Nobody can say when its days begin", Cure.PARTICULARS
    ),
    Point.HAS_HOURS: _Asked(Group.RECEIVE, "Opens some time", "Its working hours are never", Cure.HOURS),
    Point.CAN_BE_REACHED: _Asked(
        Group.RECEIVE, "Its delivery works", "Deliveries to it fail, and are held back for now", Cure.DELIVERY
    ),
    Point.IS_TESTED: _Asked(
        Group.RECEIVE, "Its webhook has taken a test", "No test has reached it where it is now", Cure.WEBHOOK
    ),
    Point.IS_IDENTIFIED: _Asked(
        Group.BE_BILLED, "Can be named on an invoice", "It has neither an ABN nor an address", Cure.INVOICING
    ),
    Point.GST_HAS_ITS_ABN: _Asked(
        Group.BE_BILLED, "Its GST registration is whole", "It is registered for GST and has no ABN", Cure.INVOICING
    ),
    Point.HAS_BILLING_EMAIL: _Asked(
        Group.BE_BILLED, "Its invoices have an e-mail", "There is nowhere to send them", Cure.INVOICING
    ),
    Point.HAS_PRICES: _Asked(
        Group.BE_BILLED, "Has prices in force", "Its deliveries would be held: no price is in force", Cure.ACCOUNT
    ),
    Point.IS_COLLECTABLE: _Asked(
        Group.PAY, "Can be collected from", "It has neither a card nor instructions how to pay", Cure.ACCOUNT
    ),
    Point.HAS_CREDIT: _Asked(Group.PAY, "Is on no credit hold", "It is on credit hold", Cure.ACCOUNT),
    Point.OWES_NOTHING_LATE: _Asked(Group.PAY, "Owes nothing overdue", "Something is overdue", Cure.ACCOUNT),
}


UNTOLD = "Billing has told nothing of its account yet"


def checks(facts: Facts, *, account_is_known: bool) -> list[Check]:
    """Nothing is claimed of an account that billing has not told of."""
    return [
        Check(
            point,
            asked.group,
            asked.name,
            facts[point],
            UNTOLD if asked.cure is Cure.ACCOUNT and not account_is_known else asked.why,
            asked.cure,
        )
        for point, asked in _ASKED.items()
    ]


def told_ready(missing: int) -> str:
    return "Ready" if not missing else f"{missing} to do"
