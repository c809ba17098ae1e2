"""The tables of billing; their constraints and triggers carry the invariants of money."""

from services.billing.models.accounts import Account, PricePlan
from services.billing.models.adjustments import Adjustment, AdjustmentDelivery, AdjustmentLine
from services.billing.models.books import BookBlock
from services.billing.models.certificates import Certificate, CertifiedEquality, CertifiedOffender
from services.billing.models.close_runs import CloseResult, CloseRun
from services.billing.models.columns import Table
from services.billing.models.contacts import BillingContact
from services.billing.models.credit_requests import CreditRequest, OpenReturn
from services.billing.models.deliveries import DeliveryEvent, HeldDelivery
from services.billing.models.documents import Document
from services.billing.models.invoices import Invoice, InvoiceLine, NumberSeries
from services.billing.models.journal import JournalEntry, JournalPosting
from services.billing.models.months import MonthMark, MonthScope, ReferenceImport
from services.billing.models.operators import KnownOperator, StripeRoles
from services.billing.models.payments import Payment, StripeEvent
from services.billing.models.receivables import (
    InvoiceOwner,
    Promise,
    ReceivablesSnapshot,
    SnapshotAccount,
    Statement,
)
from services.billing.models.reconciliation import Difference, Reconciliation, ReconciliationReview, SeenItem
from services.billing.models.settlement import PaymentReversal, Receipt, WriteOff
from services.billing.models.voids import VoidRequest

__all__ = [
    "Account",
    "Adjustment",
    "AdjustmentDelivery",
    "AdjustmentLine",
    "BillingContact",
    "BookBlock",
    "Certificate",
    "CertifiedEquality",
    "CertifiedOffender",
    "CloseResult",
    "CloseRun",
    "CreditRequest",
    "DeliveryEvent",
    "Difference",
    "Document",
    "HeldDelivery",
    "Invoice",
    "InvoiceLine",
    "InvoiceOwner",
    "JournalEntry",
    "JournalPosting",
    "KnownOperator",
    "MonthMark",
    "MonthScope",
    "NumberSeries",
    "OpenReturn",
    "Payment",
    "PaymentReversal",
    "PricePlan",
    "Promise",
    "Receipt",
    "ReceivablesSnapshot",
    "Reconciliation",
    "ReconciliationReview",
    "ReferenceImport",
    "SeenItem",
    "SnapshotAccount",
    "Statement",
    "StripeEvent",
    "StripeRoles",
    "Table",
    "VoidRequest",
    "WriteOff",
]
