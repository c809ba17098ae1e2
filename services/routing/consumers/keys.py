"""Keys of leads' contacts from intake: kept until they are destroyed, and their people are forgotten with them."""

from base64 import b64decode

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts import topics
from contracts.envelope import Incoming
from contracts.intake import LeadKeyCreated, LeadKeyDestroyed
from services.routing.commands.forgetting import forget_leads
from services.routing.commands.keys import KeyTold, keep_keys


def of_lead_keys() -> Consumer:
    return Consumer(topics.LEAD_KEYS, {LeadKeyCreated: on_key_created, LeadKeyDestroyed: on_key_destroyed})


async def on_key_created(session: AsyncSession, batch: list[Incoming[LeadKeyCreated]]) -> None:
    await keep_keys(session, [_told(incoming, b64decode(incoming.event.key_base64)) for incoming in batch])


async def on_key_destroyed(session: AsyncSession, batch: list[Incoming[LeadKeyDestroyed]]) -> None:
    """Here and where the erasure itself is told, whichever comes first: what the key opens is known here alone."""
    await forget_leads(session, {incoming.event.lead_id for incoming in batch})
    await keep_keys(session, [_told(incoming, None) for incoming in batch])


def _told(incoming: Incoming[LeadKeyCreated] | Incoming[LeadKeyDestroyed], key: bytes | None) -> KeyTold:
    return KeyTold(incoming.event.lead_id, incoming.envelope.aggregate_version, key)
