"""Keys of leads: one for each whose person goes out, told to those who deliver leads, and to nobody else."""

from base64 import b64encode
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox, sealing
from chassis.causation import Cause
from contracts.intake import LeadKeyCreated, LeadKeyDestroyed
from contracts.values import LeadContact, SealedContact

FIRST_VERSION = 1

# What is made is not seen by the other half of the statement: who has a key already is found there.
_GIVE = text(
    """
    WITH made AS (
        INSERT INTO lead_keys (lead_id, key, created_at, version)
        SELECT given.lead_id, given.key, :now, 1 FROM unnest(:ids, :keys) AS given (lead_id, key)
        ON CONFLICT (lead_id) DO NOTHING
        RETURNING lead_id, key
    )
    SELECT lead_id, key, true AS is_new FROM made
    UNION ALL
    SELECT lead_id, key, false FROM lead_keys WHERE lead_id = ANY (:ids)
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("keys", type_=ARRAY(LargeBinary)),
    bindparam("now", type_=DateTime(timezone=True)),
)


async def keys_of(
    session: AsyncSession, lead_ids: Collection[UUID], now: datetime, causes: Mapping[UUID, Cause | None] | None = None
) -> Mapping[UUID, bytes]:
    """Made and told where there is none; none of a lead whose key was destroyed. Lock the leads first.

    `causes` are what each key's event comes of, by lead.
    """
    if not lead_ids:
        return {}
    given = {"ids": list(lead_ids), "keys": [sealing.new_key() for _ in lead_ids], "now": now}
    rows = (await session.execute(_GIVE, given)).all()
    for lead_id, key, is_new in rows:
        if is_new:
            event = LeadKeyCreated(lead_id=lead_id, key_base64=b64encode(key).decode(), created_at=now)
            outbox.add(session, event, version=FIRST_VERSION, cause=(causes or {}).get(lead_id))
    return {row.lead_id: row.key for row in rows if row.key is not None}


def sealed_with(key: bytes, lead_id: UUID, contact: LeadContact) -> SealedContact:
    """As it stands on the wire: only the lead's key opens it, and only as this lead's."""
    return b64encode(sealing.seal(key, contact.model_dump_json().encode(), str(lead_id))).decode()


async def sealed(session: AsyncSession, lead_id: UUID, contact: LeadContact, now: datetime) -> SealedContact | None:
    """None once the person was erased. A lead from before there were keys gets one."""
    key = (await keys_of(session, [lead_id], now)).get(lead_id)
    return sealed_with(key, lead_id, contact) if key is not None else None


# One that never had a key gets a row all the same: it is told of too, and nobody makes one later.
_DESTROY = text(
    """
    INSERT INTO lead_keys (lead_id, key, created_at, destroyed_at, version)
    SELECT lead_id, NULL, :now, :now, 1 FROM unnest(:ids) AS given (lead_id) ORDER BY lead_id
    ON CONFLICT (lead_id) DO UPDATE SET key = NULL, destroyed_at = :now, version = lead_keys.version + 1
    WHERE lead_keys.key IS NOT NULL
    RETURNING lead_id, version
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("now", type_=DateTime(timezone=True)))


async def destroy_keys(session: AsyncSession, lead_ids: Collection[UUID], now: datetime) -> None:
    """For good; whoever holds a copy is told to destroy it. Lock the leads first."""
    for lead_id, version in await session.execute(_DESTROY, {"ids": list(lead_ids), "now": now}):
        outbox.add(session, LeadKeyDestroyed(lead_id=lead_id, destroyed_at=now), version=version)
