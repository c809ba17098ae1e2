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
    first: dict[str, tuple[UUID, Posting]] = {}
    for posting in postings:
        if posting.entries:
            first.setdefault(posting.source_key, (new_id(), posting))
    if not first:
        return
    await session.flush()
    headers = [_header(id_, posting, now) for id_, posting in first.values()]
    statement = insert(JournalPosting).values(headers).on_conflict_do_nothing(index_elements=["source_key"])
    fresh = set(await session.scalars(statement.returning(JournalPosting.id)))
    entries = [entry for id_, posting in first.values() if id_ in fresh for entry in _entries(id_, posting)]
    if entries:
        await session.execute(insert(JournalEntry).values(entries))


def _header(id_: UUID, posting: Posting, now: datetime) -> dict[str, object]:
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


def _entries(id_: UUID, posting: Posting) -> list[dict[str, object]]:
    return [
        {
            "posting_id": id_,
            "entry_no": number,
            "account": entry.account,
            "amount_cents": entry.amount_cents,
            "currency": posting.currency,
        }
        for number, entry in enumerate(posting.entries, start=1)
    ]
