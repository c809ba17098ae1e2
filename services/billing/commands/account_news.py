"""What stands with each account, told to who leans on it: as often as it differs from what was told last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import locked_by_name
from contracts.billing import AccountChanged
from services.billing.domain.journal import CURRENCY

_TELLING = "billing.account_news"


@dataclass(frozen=True, slots=True)
class TellingRule:
    """`has_payment_details`: invoices say how to pay, so that everybody can. Overdue is by the business's day."""

    zone: ZoneInfo
    has_payment_details: bool


async def wait_for_who_tells(session: AsyncSession) -> None:
    """Begins whatever tells of accounts: what is read after it is newer than all that was told."""
    await locked_by_name(session, _TELLING)


# Those that differ, locked in the order of their ids as their owners' news is; each takes the next version.
_DIFFERENT = text(
    """
    WITH owed AS (
        SELECT account_id, sum(balance_cents)::bigint AS cents,
               coalesce(sum(balance_cents) FILTER (WHERE due_at < :today), 0)::bigint AS overdue_cents
        FROM invoices WHERE document_status = 'issued' AND balance_cents > 0 GROUP BY account_id
    ), stands AS (
        SELECT a.id,
               coalesce((SELECT exclusive_price_cents IS NOT NULL FROM price_plans p
                         WHERE p.installer_id = a.id AND p.effective_from <= :now
                         ORDER BY effective_from DESC LIMIT 1), false) AS has_prices,
               coalesce(owed.cents, 0) AS outstanding_cents, coalesce(owed.overdue_cents, 0) AS overdue_cents,
               a.stripe_customer_id IS NOT NULL OR :has_payment_details AS is_collectable
        FROM accounts a LEFT JOIN owed ON owed.account_id = a.id
        WHERE CAST(:ids AS uuid[]) IS NULL OR a.id = ANY(:ids)
    ), different AS (
        SELECT stands.* FROM stands JOIN accounts a ON a.id = stands.id
        WHERE (a.told_has_prices, a.told_credit_hold, a.told_credit_hold_reason, a.told_outstanding_cents,
               a.told_overdue_cents, a.told_is_collectable, a.told_terms_override_days, a.told_stripe_customer_id)
              IS DISTINCT FROM (stands.has_prices, a.credit_hold, a.credit_hold_reason, stands.outstanding_cents,
                                stands.overdue_cents, stands.is_collectable, a.terms_override_days,
                                a.stripe_customer_id)
        ORDER BY a.id LIMIT :most FOR NO KEY UPDATE OF a
    )
    UPDATE accounts a
    SET version = version + 1, told_at = :now, told_has_prices = d.has_prices, told_credit_hold = a.credit_hold,
        told_credit_hold_reason = a.credit_hold_reason, told_outstanding_cents = d.outstanding_cents,
        told_overdue_cents = d.overdue_cents, told_is_collectable = d.is_collectable,
        told_terms_override_days = a.terms_override_days, told_stripe_customer_id = a.stripe_customer_id
    FROM different d WHERE a.id = d.id
    RETURNING a.id, a.kind, a.version, a.credit_hold, a.credit_hold_reason, d.has_prices, d.outstanding_cents,
              d.overdue_cents, d.is_collectable, a.terms_override_days, a.stripe_customer_id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def tell_accounts(
    session: AsyncSession, rule: TellingRule, now: datetime, most: int, ids: Sequence[UUID] | None = None
) -> int:
    """How many had changed; of these alone, where ids are given. The caller waited for who tells."""
    day = now.astimezone(rule.zone).date()
    given = {
        "now": now,
        "today": datetime.combine(day, time(), rule.zone),
        "has_payment_details": rule.has_payment_details,
        "ids": None if ids is None else list(ids),
        "most": most,
    }
    await session.flush()
    changed = (await session.execute(_DIFFERENT, given)).all()
    for row in changed:
        outbox.add(session, _event(row, now), version=row.version)
    return len(changed)


def _event(row: Row[Any], now: datetime) -> AccountChanged:
    return AccountChanged(
        account_id=row.id,
        kind=row.kind,
        has_prices=row.has_prices,
        credit_hold=row.credit_hold,
        credit_hold_reason=row.credit_hold_reason,
        outstanding_cents=row.outstanding_cents,
        overdue_cents=row.overdue_cents,
        currency=CURRENCY,
        is_collectable=row.is_collectable,
        terms_override_days=row.terms_override_days,
        stripe_customer_id=row.stripe_customer_id,
        changed_at=now,
    )
