"""Keeping what leads are found by: written when they come in, and anew when they are corrected, merged or unmerged."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.domain.grams import forms_of_phone, grams_of, searchable
from services.intake.models import Lead

FIELDS = ("name", "email", "email_match", "phone", "street", "suburb", "state", "postcode", "submission_key")
"""What a lead is found by."""
NONE: Mapping[UUID, Sequence[str]] = MappingProxyType({})


async def index_leads(session: AsyncSession, lead_ids: Sequence[UUID]) -> None:
    """As they are in this transaction, and as those are that were merged into them."""
    # Locked: what an erasure blanks meanwhile is not written back from what was read before it. It locks whole
    # families, so that what was merged into these is as it stays until the end of the transaction too.
    read = select(*_READ).where(Lead.id.in_(lead_ids)).order_by(Lead.id).with_for_update(read=True)
    leads = (await session.execute(read)).all()
    merged: dict[UUID, list[str]] = {}
    for row in await session.execute(_MERGED, {"ids": list(lead_ids)}):
        merged.setdefault(row.survivor_id, []).append(_text_of(row))
    await index_said(session, leads, merged)


async def index_said(session: AsyncSession, leads: Iterable[Any], merged: Mapping[UUID, Sequence[str]] = NONE) -> None:
    """Each has an `id` and the fields; `merged` are the texts of what was merged into it."""
    texts = {lead.id: (_text_of(lead), searchable(merged.get(lead.id, ()))) for lead in leads}
    if texts:
        columns = {
            "ids": list(texts),
            "texts": [text for text, _ in texts.values()],
            "merged": [merged for _, merged in texts.values()],
            "grams": ["{" + ",".join(map(str, grams_of(text + merged))) + "}" for text, merged in texts.values()],
        }
        await session.execute(_WRITE, columns)


def _text_of(lead: Any) -> str:
    return searchable([*_said(lead), *forms_of_phone(lead.phone)])


_said = attrgetter(*FIELDS)
_READ = (Lead.id, *(getattr(Lead, name) for name in FIELDS))

# That it is not null is said in words, so that the index of what was merged is taken whatever plan is kept.
_MERGED = text(
    f"""
    WITH RECURSIVE family AS (
        SELECT merged_into AS survivor_id, id FROM leads WHERE merged_into = ANY (:ids) AND merged_into IS NOT NULL
         UNION ALL
        SELECT family.survivor_id, leads.id FROM family JOIN leads ON leads.merged_into = family.id
    )
    SELECT family.survivor_id, {", ".join(FIELDS)} FROM family JOIN leads USING (id) ORDER BY id
    """  # noqa: S608  # columns of ours
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_WRITE = text(
    """
    INSERT INTO lead_search (lead_id, text, merged, grams)
    SELECT id, text, merged, grams::int[] FROM unnest(:ids, :texts, :merged, :grams) AS said (id, text, merged, grams)
    ON CONFLICT (lead_id) DO UPDATE SET text = excluded.text, merged = excluded.merged, grams = excluded.grams
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("texts", type_=ARRAY(Text)),
    bindparam("merged", type_=ARRAY(Text)),
    bindparam("grams", type_=ARRAY(Text)),
)
