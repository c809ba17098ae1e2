"""Kafka in: leads from intake, what became of their mails from notifications, credits and accounts from billing.

Each handler flushes: what is wrong with its own rows is its own fault, and not the next one's or the commit's.
"""

from chassis.clock import Clock
from chassis.consumer import Consumer
from services.routing.consumers.keys import of_lead_keys
from services.routing.consumers.leads import of_lead_deeds, of_leads
from services.routing.consumers.ledger import of_deliveries
from services.routing.consumers.messages import of_messages
from services.routing.consumers.reference import of_accounts, of_operators


def consumers(clock: Clock) -> tuple[Consumer, ...]:
    return (
        of_accounts(),
        of_deliveries(clock),
        of_lead_deeds(),
        of_lead_keys(),
        of_leads(clock),
        of_messages(clock),
        of_operators(),
    )
