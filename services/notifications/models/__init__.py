"""Tables of notifications."""

from services.notifications.models.accounts import KnownOperator, SenderAccount, SenderCount
from services.notifications.models.columns import Model
from services.notifications.models.messages import (
    PENDING,
    Attempt,
    Document,
    LeadKey,
    Message,
    Suppression,
    VoidedInvoice,
)
from services.notifications.models.tickets import Ticket, TicketEntry

__all__ = [
    "PENDING",
    "Attempt",
    "Document",
    "KnownOperator",
    "LeadKey",
    "Message",
    "Model",
    "SenderAccount",
    "SenderCount",
    "Suppression",
    "Ticket",
    "TicketEntry",
    "VoidedInvoice",
]
