"""Posting to the journal: once per source key, however often the fact arrives."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.billing.domain.journal import Posting

# What is posted already keeps its entries: only those of fresh postings are written.
POST = """
    WITH fresh AS (
        INSERT INTO journal_postings (id, source_key, kind, occurred_at, posted_at, party_id, invoice_id, payout_id)
        SELECT id, source_key, kind, occurred_at, :now, party_id, invoice_id, payout_id
        FROM unnest(:ids, :source_keys, :kinds, :occurred_at, :party_ids, :invoice_ids, :payout_ids)
             AS given (id, source_key, kind, occurred_at, party_id, invoice_id, payout_id)
        ON CONFLICT (source_key) DO NOTHING
        RETURNING id
    )
    INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency)
    SELECT posting_id, entry_no, account, amount_cents, currency
    FROM unnest(:posting_ids, :entry_nos, :accounts, :amounts_cents, :currencies)
         AS given (posting_id, entry_no, account, amount_cents, currency)
    JOIN fresh ON fresh.id = given.posting_id
"""
_TYPES = {
    **dict.fromkeys(("ids", "party_ids", "invoice_ids", "payout_ids", "posting_ids"), Uuid),
    **dict.fromkeys(("source_keys", "kinds", "accounts", "currencies"), Text),
    **dict.fromkeys(("entry_nos", "amounts_cents"), BigInteger),
}
_POST = text(POST).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("occurred_at", type_=ARRAY(DateTime(timezone=True))),
    *(bindparam(name, type_=ARRAY(type_)) for name, type_ in _TYPES.items()),
)


async def post(session: AsyncSession, postings: Sequence[Posting], now: datetime) -> None:
    """One statement for any number of postings; one without entries moves no money and leaves no trace."""
    first: dict[str, tuple[UUID, Posting]] = {}
    for posting in postings:
        if posting.entries:
            first.setdefault(posting.source_key, (new_id(), posting))
    if not first:
        return
    await session.flush()
    given = list(first.values())
    await session.execute(_POST, {"now": now, **_headers(given), **_entries(given)})


def _headers(given: Sequence[tuple[UUID, Posting]]) -> dict[str, list[object]]:
    return {
        "ids": [id_ for id_, _ in given],
        "source_keys": [posting.source_key for _, posting in given],
        "kinds": [str(posting.kind) for _, posting in given],
        "occurred_at": [posting.occurred_at for _, posting in given],
        "party_ids": [posting.party_id for _, posting in given],
        "invoice_ids": [posting.invoice_id for _, posting in given],
        "payout_ids": [posting.payout_id for _, posting in given],
    }


def _entries(given: Sequence[tuple[UUID, Posting]]) -> dict[str, list[object]]:
    rows = [(id_, posting, *numbered) for id_, posting in given for numbered in enumerate(posting.entries, start=1)]
    return {
        "posting_ids": [id_ for id_, _, _, _ in rows],
        "entry_nos": [number for _, _, number, _ in rows],
        "accounts": [str(entry.account) for _, _, _, entry in rows],
        "amounts_cents": [entry.amount_cents for _, _, _, entry in rows],
        "currencies": [posting.currency for _, posting, _, _ in rows],
    }
