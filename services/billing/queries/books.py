"""All equalities of the books in one snapshot: a statement for each, and its rows only where it does not hold."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.certificate import MOST_OFFENDERS, Offender, Unit, Verdict
from services.billing.errors import CertificateUnderWay
from services.billing.queries import stripe_balance
from services.billing.queries.equalities import EQUALITIES, About, Equality

SUMS = """
    SELECT coalesce(sum(left_side), 0)::bigint AS left_sum, coalesce(sum(right_side), 0)::bigint AS right_sum,
           count(*) AS compared_count, count(*) FILTER (WHERE left_side IS DISTINCT FROM right_side) AS offender_count
      FROM (SELECT key, left_side, right_side, CAST(:as_of AS timestamptz) AS as_of FROM ({rows}) AS found) AS compared
"""
OFFENDERS = """
    SELECT coalesce(key::text, '') AS key, left_side, right_side
      FROM (SELECT key, left_side, right_side, CAST(:as_of AS timestamptz) AS as_of FROM ({rows}) AS found) AS compared
     WHERE left_side IS DISTINCT FROM right_side
     ORDER BY abs(coalesce(left_side, 0) - coalesce(right_side, 0)) DESC, key
     LIMIT {most}
"""
# A million rows are hashed and summed: in memory, by plans that are not compiled first, and for as long as it takes.
MEANS = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL statement_timeout = '15min'"

STRIPE_IS_CLEARING = Equality(
    "stripe_is_clearing",
    "What Stripe holds for us is what the journal says, by the comparison of the last day",
    "Stripe clearing",
    "Stripe's balance",
    About.STRIPE,
    rows="",
)
ALL: Mapping[str, Equality] = {each.name: each for each in (*EQUALITIES, STRIPE_IS_CLEARING)}
"""By name, in the order of a certificate. What Stripe says is no table of ours."""


async def compare_all(session: AsyncSession, as_of: datetime) -> tuple[Verdict, ...]:
    """In a session that sees one instant. One who compares is enough: refuses while another does."""
    key = "billing.certificate"
    if not await session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}):
        raise CertificateUnderWay("the books are being compared already")
    for setting in MEANS.split("; "):
        await session.execute(text(setting))
    compared = [await compare(session, equality, as_of) for equality in EQUALITIES]
    return (*compared, await _compare_stripe(session, as_of))


async def compare(session: AsyncSession, equality: Equality, as_of: datetime) -> Verdict:
    asked = {"as_of": as_of}
    sums = (await session.execute(_statement(SUMS, equality), asked)).one()
    offenders: tuple[Offender, ...] = ()
    if sums.offender_count:
        found = await session.execute(_statement(OFFENDERS, equality), asked)
        offenders = tuple(Offender(row.key, row.left_side, row.right_side) for row in found)
    return Verdict(
        equality.name,
        equality.unit,
        sums.left_sum,
        sums.right_sum,
        sums.compared_count,
        sums.offender_count,
        offenders,
    )


async def _compare_stripe(session: AsyncSession, as_of: datetime) -> Verdict:
    found = await stripe_balance.last_compared(session, as_of)
    name = STRIPE_IS_CLEARING.name
    if found is None:
        return Verdict(name, Unit.CENTS, 0, 0, 0, 0, is_compared=False)
    sides = (found.ledger_cents, found.stripe_cents)
    offenders = (Offender("balance", *sides),) if found.ledger_cents != found.stripe_cents else ()
    return Verdict(name, Unit.CENTS, *sides, 1, len(offenders), offenders)


def _statement(form: str, equality: Equality) -> TextClause:
    # A colon that a text begins with, as in ':rest', is none of a parameter's.
    written: dict[str, Any] = {"rows": equality.rows.replace("':", r"'\:"), "most": MOST_OFFENDERS}
    return text(form.format(**written)).bindparams(bindparam("as_of", type_=DateTime(timezone=True)))
