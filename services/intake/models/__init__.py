"""The tables of intake: their constraints carry what must hold whoever writes."""

from services.intake.models.clients import (
    Board,
    Client,
    Nda,
)
from services.intake.models.known import (
    InvoicedDelivery,
    KnownInvoice,
    LeadAssignment,
    LeadDecision,
    LeadDelivery,
    LeadMessage,
    LeadSearch,
)
from services.intake.models.leads import (
    Consent,
    Lead,
    LeadCorrection,
    LeadStatusChange,
)
from services.intake.models.model import (
    Model,
)
from services.intake.models.sources import (
    LeadSource,
    LeadSourceKey,
)

__all__ = [
    "Board",
    "Client",
    "Consent",
    "InvoicedDelivery",
    "KnownInvoice",
    "Lead",
    "LeadAssignment",
    "LeadCorrection",
    "LeadDecision",
    "LeadDelivery",
    "LeadMessage",
    "LeadSearch",
    "LeadSource",
    "LeadSourceKey",
    "LeadStatusChange",
    "Model",
    "Nda",
]
