"""Rows of an equality that does not hold, each with the way to what it is about."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Table, Told
from services.billing.domain.certificate import MOST_OFFENDERS, Offender, Unit, Verdict
from services.billing.pages.adjustments import PATH as ADJUSTMENTS
from services.billing.pages.differences import STRIPE
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.trace import trace_path
from services.billing.queries import numbered
from services.billing.queries.equalities import About, Equality

Doors = Mapping[str, str]
"""By key, the page of what it names; a key that names nothing that there is has none."""


async def doors_of(session: AsyncSession, about: About, offenders: Sequence[Offender]) -> Doors:
    keys = {offender.key for offender in offenders if offender.key}
    if about is About.NUMBER:
        return await _of_numbers(session, keys)
    return {key: path for key in keys if (path := _door(about, key))}


async def _of_numbers(session: AsyncSession, keys: set[str]) -> Doors:
    invoices = await numbered.invoices(session, keys)
    notes = await numbered.notes(session, keys)
    found = {number: invoice_path(kind, id_) for number, id_, kind in invoices if number}
    return found | {number: f"{ADJUSTMENTS}/{id_}" for number, id_ in notes if number}


def _door(about: About, key: str) -> str:
    if about is About.STRIPE:
        return STRIPE
    id_ = _id_within(key)
    if id_ is None:
        return ""
    return account_path(id_) if about is About.ACCOUNT else trace_path(id_)


def _id_within(key: str) -> UUID | None:
    """A posting's source is the kind of its fact and the fact's id: `payment:…`, `invoice:…:issued`."""
    for part in key.split(":"):
        with suppress(ValueError):
            return UUID(part)
    return None


def offenders_table(said: Equality, verdict: Verdict, doors: Doors) -> Table:
    heads = (("Row", Kind.TEXT), (said.left, Kind.MONEY), (said.right, Kind.MONEY))
    rows = [_row(offender, verdict.unit, doors) for offender in verdict.offenders]
    is_cut = verdict.offender_count > len(verdict.offenders)
    note = f"The {MOST_OFFENDERS} that are furthest apart, of {verdict.offender_count:,}." if is_cut else ""
    return Table("Rows that differ", heads, rows, empty="None.", note=note)


def _row(offender: Offender, unit: Unit, doors: Doors) -> Sequence[Told]:
    key = Shown(offender.key or "In no row", path=doors.get(offender.key, ""))
    return key, amount(offender.left, unit), amount(offender.right, unit)


def amount(value: int | None, unit: Unit) -> Shown:
    return Shown(value, Kind.MONEY if unit is Unit.CENTS else Kind.NUMBER)
