"""Keys of leads as intake tells them: what is older than what is known is passed by."""

from base64 import b64decode
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.sealing import open_sealed
from contracts.values import LeadContact
from services.routing.domain.person import Person
from services.routing.models import LeadKey


class KeyTold(NamedTuple):
    """Without a key it is destroyed."""

    lead_id: UUID
    version: int
    key: bytes | None


async def keep_keys(session: AsyncSession, told: Sequence[KeyTold]) -> None:
    """In the order of the leads, so that two who write the same never wait for each other."""
    newest = {each.lead_id: each for each in sorted(told, key=lambda each: each.version)}
    if not newest:
        return
    statement = insert(LeadKey).values([newest[lead_id]._asdict() for lead_id in sorted(newest)])
    kept = {"key": statement.excluded["key"], "version": statement.excluded["version"]}
    newer = LeadKey.version < statement.excluded["version"]
    await session.execute(statement.on_conflict_do_update(index_elements=["lead_id"], set_=kept, where=newer))


def opened(person: Person, lead_id: UUID, key: LeadKey | None) -> LeadContact | None:
    """None where the key is not there, or destroyed, or another's: nothing can be told of the person."""
    if person.sealed_contact is None:
        return person.contact
    if key is None or key.key is None:
        return None
    try:
        return LeadContact.model_validate_json(open_sealed(key.key, b64decode(person.sealed_contact), str(lead_id)))
    except (InvalidTag, ValueError):
        return None
