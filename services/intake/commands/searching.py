"""Keeping what leads are found by: written when they come in, and anew when what they say is corrected."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.domain.grams import forms_of_phone, grams_of, searchable
from services.intake.models import Lead

FIELDS = ("name", "email", "email_match", "phone", "street", "suburb", "state", "postcode", "submission_key")
"""What a lead is found by."""


async def index_leads(session: AsyncSession, lead_ids: Sequence[UUID]) -> None:
    """As they are in this transaction."""
    # Locked: what an erasure blanks meanwhile is not written back from what was read before it.
    read = select(*_READ).where(Lead.id.in_(lead_ids)).order_by(Lead.id).with_for_update(read=True)
    leads = await session.execute(read)
    await index_said(session, leads.all())


async def index_said(session: AsyncSession, leads: Iterable[Any]) -> None:
    """Each has an `id` and the fields."""
    texts = {lead.id: searchable([*_said(lead), *forms_of_phone(lead.phone)]) for lead in leads}
    if texts:
        grams = ["{" + ",".join(map(str, grams_of(each))) + "}" for each in texts.values()]
        await session.execute(_WRITE, {"ids": list(texts), "texts": list(texts.values()), "grams": grams})


_said = attrgetter(*FIELDS)
_READ = (Lead.id, *(getattr(Lead, name) for name in FIELDS))

_WRITE = text(
    """
    INSERT INTO lead_search (lead_id, text, grams)
    SELECT id, text, grams::int[] FROM unnest(:ids, :texts, :grams) AS said (id, text, grams)
    ON CONFLICT (lead_id) DO UPDATE SET text = excluded.text, grams = excluded.grams
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("texts", type_=ARRAY(Text)),
    bindparam("grams", type_=ARRAY(Text)),
)
