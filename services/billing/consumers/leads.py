"""What intake says of leads: of one that is erased nothing stays that was typed."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.intake import LeadErased
from contracts.topics import LEADS
from services.billing.commands.forgetting import forget_leads


async def on_erased(session: AsyncSession, batch: list[Incoming[LeadErased]]) -> None:
    await forget_leads(session, {incoming.event.lead_id for incoming in batch})


CONSUMER = Consumer(LEADS, {LeadErased: on_erased})
