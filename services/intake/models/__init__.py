"""The tables of intake: their constraints carry what must hold whoever writes."""

from services.intake.models.clients import (
    Board,
    Client,
    Nda,
)
from services.intake.models.duplicates import (
    CreditAsked,
    DuplicateSettings,
    LeadMatch,
    LeadPair,
    Merge,
    MergeField,
)
from services.intake.models.erasures import (
    Erasure,
)
from services.intake.models.escalations import (
    Escalation,
    EscalationPolicy,
    EscalationStep,
)
from services.intake.models.follow_ups import (
    FollowUp,
)
from services.intake.models.keys import (
    LeadKey,
)
from services.intake.models.known import (
    InvoicedDelivery,
    KnownInvoice,
    LeadAssignment,
    LeadDecision,
    LeadDelivery,
    LeadMessage,
    LeadMoment,
    LeadSearch,
)
from services.intake.models.leads import (
    Consent,
    Lead,
    LeadCorrection,
    LeadStatusChange,
    ScreeningFault,
)
from services.intake.models.model import (
    Model,
)
from services.intake.models.operators import (
    KnownOperator,
)
from services.intake.models.sources import (
    LeadSource,
    LeadSourceKey,
    SourceBudget,
    SourceRejection,
    TestSubmission,
)

__all__ = [
    "Board",
    "Client",
    "Consent",
    "CreditAsked",
    "DuplicateSettings",
    "Erasure",
    "Escalation",
    "EscalationPolicy",
    "EscalationStep",
    "FollowUp",
    "InvoicedDelivery",
    "KnownInvoice",
    "KnownOperator",
    "Lead",
    "LeadAssignment",
    "LeadCorrection",
    "LeadDecision",
    "LeadDelivery",
    "LeadKey",
    "LeadMatch",
    "LeadMessage",
    "LeadMoment",
    "LeadPair",
    "LeadSearch",
    "LeadSource",
    "LeadSourceKey",
    "LeadStatusChange",
    "Merge",
    "MergeField",
    "Model",
    "Nda",
    "ScreeningFault",
    "SourceBudget",
    "SourceRejection",
    "TestSubmission",
]
