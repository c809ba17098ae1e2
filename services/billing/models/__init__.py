"""The tables of billing; their constraints and triggers carry the invariants of money."""

from services.billing.models.accounts import Account, PricePlan
from services.billing.models.adjustments import Adjustment, AdjustmentDelivery, AdjustmentLine
from services.billing.models.certificates import Certificate, CertifiedEquality, CertifiedOffender
from services.billing.models.columns import Table
from services.billing.models.credit_requests import CreditRequest, OpenReturn
from services.billing.models.deliveries import DeliveryEvent, HeldDelivery
from services.billing.models.documents import Document
from services.billing.models.invoices import Invoice, InvoiceLine, NumberSeries
from services.billing.models.journal import JournalEntry, JournalPosting
from services.billing.models.operators import KnownOperator, StripeRoles
from services.billing.models.payments import Payment, StripeEvent
from services.billing.models.settlement import PaymentReversal, Receipt, WriteOff

__all__ = [
    "Account",
    "Adjustment",
    "AdjustmentDelivery",
    "AdjustmentLine",
    "Certificate",
    "CertifiedEquality",
    "CertifiedOffender",
    "CreditRequest",
    "DeliveryEvent",
    "Document",
    "HeldDelivery",
    "Invoice",
    "InvoiceLine",
    "JournalEntry",
    "JournalPosting",
    "KnownOperator",
    "NumberSeries",
    "OpenReturn",
    "Payment",
    "PaymentReversal",
    "PricePlan",
    "Receipt",
    "StripeEvent",
    "StripeRoles",
    "Table",
    "WriteOff",
]
