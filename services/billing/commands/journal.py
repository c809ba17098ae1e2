"""Posting to the journal: once per source key, however often the fact arrives."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.billing.domain.journal import Posting
from services.billing.models import JournalEntry, JournalPosting


async def post(session: AsyncSession, postings: Sequence[Posting], now: datetime) -> None:
    """Two statements for any number of postings; one without entries moves no money and leaves no trace."""
    ids = {posting.source_key: new_id() for posting in postings if posting.entries}
    if not ids:
        return
    await session.flush()
    headers = [_header(posting, ids[posting.source_key], now) for posting in postings if posting.entries]
    statement = insert(JournalPosting).values(headers).on_conflict_do_nothing(index_elements=["source_key"])
    fresh = set(await session.scalars(statement.returning(JournalPosting.source_key)))
    entries = [entry for posting in postings if posting.source_key in fresh for entry in _entries(posting, ids)]
    if entries:
        await session.execute(insert(JournalEntry).values(entries))


def _header(posting: Posting, id_: UUID, now: datetime) -> dict[str, object]:
    return {
        "id": id_,
        "source_key": posting.source_key,
        "kind": posting.kind,
        "occurred_at": posting.occurred_at,
        "posted_at": now,
        "party_id": posting.party_id,
        "invoice_id": posting.invoice_id,
        "payout_id": posting.payout_id,
    }


def _entries(posting: Posting, ids: dict[str, UUID]) -> list[dict[str, object]]:
    return [
        {
            "posting_id": ids[posting.source_key],
            "entry_no": number,
            "account": entry.account,
            "amount_cents": entry.amount_cents,
            "currency": posting.currency,
        }
        for number, entry in enumerate(posting.entries, start=1)
    ]
