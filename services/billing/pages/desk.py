"""What billing tells the pages that span all services: what waits, how it stands, and what it finds; each in order."""

from zoneinfo import ZoneInfo

from chassis.console.bulk.failures import failed_rows
from chassis.console.desk import Desk
from services.billing.domain.receivables import Figure
from services.billing.pages import (
    desk_books,
    desk_certificates,
    desk_close,
    desk_deliveries,
    desk_receivables,
    desk_reconciliation,
    desk_settlement,
    desk_stripe,
)
from services.billing.pages.about import about_of
from services.billing.pages.finders import FINDERS
from services.billing.pages.subjects import DOORS


def desk_of(zone: ZoneInfo) -> Desk:
    """Months and days are the business's."""
    return Desk(
        about=about_of(zone),
        doors=DOORS,
        finders=FINDERS,
        waiting=(
            desk_deliveries.HELD,
            desk_deliveries.UNRECORDED,
            desk_close.undrafted(zone),
            desk_close.DRAFTS,
            desk_settlement.ADJUSTMENTS,
            desk_settlement.PROPOSALS,
            desk_settlement.WRITE_OFFS,
            desk_settlement.VOIDS,
            desk_receivables.overdue_invoices(zone),
            desk_receivables.broken_promises(zone),
            desk_stripe.HELD,
            desk_stripe.UNMATCHED,
            desk_stripe.UNASKED,
            desk_reconciliation.DIFFERENCES,
            desk_reconciliation.REVIEW,
            desk_certificates.FAILED,
            failed_rows("billing"),
        ),
        cards=(
            desk_books.invoiced(zone),
            desk_receivables.outstanding(zone),
            desk_receivables.overdue_amount(zone),
            desk_receivables.overdue_over_30(zone),
            desk_deliveries.cap_used(zone),
            desk_settlement.credit_rate(zone),
            desk_receivables.sales_outstanding(zone),
            desk_reconciliation.CLEARING,
            desk_certificates.LAST,
        ),
        charts=(
            desk_receivables.ages(zone),
            desk_receivables.weeks(zone, Figure.OVERDUE),
            desk_receivables.weeks(zone, Figure.OVER_30),
            desk_books.months(zone),
            desk_settlement.reasons(zone),
            desk_deliveries.products(zone),
        ),
    )
