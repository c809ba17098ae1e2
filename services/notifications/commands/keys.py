"""Keys of leads: kept as intake tells them, and used to open what mails say of a person.

Keys and leads come by topics of their own, so that either may be there first. A lead of which a mail is made has a row
whether its key has come or not, and that row is locked while it is made: a key that comes finds the mail, or the mail
finds the key.
"""

from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_keep
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.sealing import open_sealed
from contracts.values import LeadContact, SealedContact
from services.notifications.domain.contacts import SEALED, Gone, Known, Person, Waits, opened
from services.notifications.models import LeadKey, Message

ASKED_FOR = 0
"""The version of a key that has not come."""


class KeyTold(NamedTuple):
    """Without a key it is destroyed."""

    lead_id: UUID
    version: int
    key: bytes | None


class OfAPerson(Protocol):
    @property
    def lead_id(self) -> UUID: ...
    @property
    def contact(self) -> LeadContact | None: ...
    @property
    def sealed_contact(self) -> SealedContact | None: ...


async def persons_of(session: AsyncSession, events: Sequence[OfAPerson]) -> list[Person]:
    """In the order of the events, by the keys that are there; until the end of the transaction none is changed.

    Raises `cryptography.exceptions.InvalidTag` for a seal that its own lead's key does not open.
    """
    keys = await locked_keys(session, {event.lead_id for event in events})
    return [_person(event, keys[event.lead_id]) for event in events]


def _person(event: OfAPerson, held: LeadKey) -> Person:
    if held.key is None and held.version > ASKED_FOR:
        return Gone()
    if event.contact is not None:
        return Known(event.contact)
    if event.sealed_contact is None:
        return Gone()
    if held.key is None:
        return Waits(event.sealed_contact)
    return Known(open_contact(held.key, event.sealed_contact, event.lead_id))


def open_contact(key: bytes, sealed: SealedContact, lead_id: UUID) -> LeadContact:
    return LeadContact.model_validate_json(open_sealed(key, b64decode(sealed), str(lead_id)))


async def locked_keys(
    session: AsyncSession, lead_ids: Collection[UUID], *, for_update: bool = False
) -> Mapping[UUID, LeadKey]:
    """Of each of the leads, in their order. One that has not come has a row from now on: so it can be locked too."""
    ids = sorted(lead_ids)
    if not ids:
        return {}
    asked_for = [{"lead_id": id_, "version": ASKED_FOR} for id_ in ids]
    await session.execute(insert_or_keep(LeadKey).on_conflict_do_nothing(), asked_for)
    found = await session.scalars(
        select(LeadKey)
        .where(LeadKey.lead_id.in_(ids))
        .order_by(LeadKey.lead_id)
        .with_for_update(read=not for_update)
        .execution_options(populate_existing=True)
    )
    return {key.lead_id: key for key in found}


async def keep_keys(session: AsyncSession, told: Sequence[KeyTold]) -> None:
    """What is older than what is known is passed by. Mails that waited for a key are opened."""
    newest = {each.lead_id: each for each in sorted(told, key=lambda each: each.version)}
    if not newest:
        return
    statement = insert_or_keep(LeadKey).values([newest[lead_id]._asdict() for lead_id in sorted(newest)])
    kept = {"key": statement.excluded["key"], "version": statement.excluded["version"]}
    newer = LeadKey.version < statement.excluded["version"]
    applied = statement.on_conflict_do_update(index_elements=["lead_id"], set_=kept, where=newer)
    rows = await session.execute(applied.returning(LeadKey.lead_id, LeadKey.key))
    await _open_waiting(session, {row.lead_id: row.key for row in rows if row.key is not None})


_OPEN = text(
    """
    UPDATE messages SET context = opened.context, waits_for_lead_id = NULL
    FROM unnest(:ids, :contexts) AS opened (id, context) WHERE messages.id = opened.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("contexts", type_=ARRAY(JSONB)))


async def _open_waiting(session: AsyncSession, keys: Mapping[UUID, bytes]) -> None:
    if not keys:
        return
    waiting = await session.execute(
        select(Message.id, Message.purpose, Message.context, Message.waits_for_lead_id)
        .where(Message.waits_for_lead_id.in_(keys))
        .order_by(Message.id)
        .with_for_update()
    )
    contexts: dict[UUID, dict[str, Any]] = {}
    for id_, purpose, context, lead_id in waiting:
        contexts[id_] = opened(purpose, context, open_contact(keys[lead_id], context[SEALED], lead_id))
    if contexts:
        await session.execute(_OPEN, {"ids": list(contexts), "contexts": list(contexts.values())})
