"""What stands in the way of an issue, as a page tells it: who mends it, and where."""

from chassis.console.wording import words
from contracts.values import InvoiceKind
from services.billing.http.invoice_views import BlockerView
from services.billing.pages import month_page, unrecorded
from services.billing.pages.doors import account_path
from services.billing.pages.invoice_page import InvoicePage


def cure_of(blocker: BlockerView, page: InvoicePage) -> tuple[str, str]:
    """What is missing, who mends it, and the way there."""
    detail, addresses = page.detail, page.console.addresses
    account = account_path(detail.account_id)
    is_installer = detail.kind is InvoiceKind.INSTALLER
    owner = (
        ("routing", f"/console/installers/{detail.account_id}")
        if is_installer
        else ("intake", f"/console/clients/{detail.account_id}")
    )
    path = {
        "held_deliveries": f"{account}#set_prices-effective_day",
        "deliveries_unrecorded": unrecorded.WAIT,
        "draft_is_stale": f"{month_page.PATH}/{detail.period}",
        "buyer_email_missing": addresses.url(*owner),
        "buyer_identity_missing": addresses.url(*owner),
    }.get(blocker.code, "")
    text = blocker.detail[:1].upper() + blocker.detail[1:]
    return f"{text} ({words(blocker.owner).lower()} mends it)", path
