"""Where invoices stand, as SQL: by the same rules as `domain.statuses`, for what filters, sums and orders many."""

from sqlalchemy import BigInteger, case, cast, func, select

from services.billing.domain.statuses import DocumentStatus, InvoiceStatus
from services.billing.models import HeldDelivery, Invoice

IS_ISSUED = Invoice.document_status == DocumentStatus.ISSUED
IS_OWED = IS_ISSUED & (Invoice.balance_cents > 0)
STATUS = case(
    (~IS_ISSUED, Invoice.document_status),
    ((Invoice.balance_cents == 0) & (Invoice.written_off_cents > 0), str(InvoiceStatus.WRITTEN_OFF)),
    (Invoice.balance_cents == 0, str(InvoiceStatus.PAID)),
    (Invoice.paid_cents > Invoice.customer_credit_cents, str(InvoiceStatus.PARTIALLY_PAID)),
    else_=str(InvoiceStatus.ISSUED),
)
CONDITIONS = {
    InvoiceStatus.DRAFT: Invoice.document_status == DocumentStatus.DRAFT,
    InvoiceStatus.ISSUED: IS_OWED & (Invoice.paid_cents == Invoice.customer_credit_cents),
    InvoiceStatus.PARTIALLY_PAID: IS_OWED & (Invoice.paid_cents > Invoice.customer_credit_cents),
    InvoiceStatus.PAID: IS_ISSUED & (Invoice.balance_cents == 0) & (Invoice.written_off_cents == 0),
    InvoiceStatus.WRITTEN_OFF: IS_ISSUED & (Invoice.balance_cents == 0) & (Invoice.written_off_cents > 0),
    InvoiceStatus.VOID: Invoice.document_status == DocumentStatus.VOID,
}
"""The same one by one, as their indexes serve them."""
OWED_CENTS = case((IS_ISSUED, Invoice.balance_cents), else_=0)
GST_CENTS = Invoice.gst_cents + Invoice.adjusted_gst_cents
TOTAL_CENTS = Invoice.total_cents - Invoice.credits_cents + Invoice.debits_cents + Invoice.adjusted_gst_cents
"""With its credits and debits."""

OWED_BY_ACCOUNT = (
    select(Invoice.account_id, cast(func.sum(Invoice.balance_cents), BigInteger).label("cents"))
    .where(IS_OWED)
    .group_by(Invoice.account_id)
    .subquery("owed_by_account")
)
HELD_BY_INSTALLER = (
    select(HeldDelivery.installer_id, func.count().label("number"))
    .where(HeldDelivery.released_at.is_(None))
    .group_by(HeldDelivery.installer_id)
    .subquery("held_by_installer")
)
