"""The sections of an account's page: who is billed, what waits for a price, and what it was billed."""

from markupsafe import Markup

from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Fact, Facts, Table
from services.billing.commands.house import terms_days
from services.billing.domain.abn import AbnCheck, check_of, spaced
from services.billing.domain.statuses import is_overdue
from services.billing.pages.account_page import AccountPage
from services.billing.pages.deliveries import lead_title
from services.billing.pages.doors import HELD, ROOMS, invoice_path
from services.billing.pages.invoice_words import invoice_title, status_chip
from services.billing.queries import accounts

SHOWN = 12


async def who_is_billed(page: AccountPage) -> Facts:
    account = page.account
    return Facts(
        "Who is billed",
        [
            Fact("Billed as", account.billing_name or account.name),
            Fact("ABN", Shown(spaced(account.abn) if account.abn else None)),
            Fact("ABN's check digits", _check(account.abn)),
            Fact("GST registered", Shown(account.gst_registered, Kind.YES_NO)),
            Fact("Billing e-mail", Shown(account.billing_email)),
            Fact("Billing address", Shown(account.billing_address)),
            Fact("Terms", f"{terms_days(account, page.house)} days"),
            Fact("Stripe customer", Shown(account.stripe_customer_id, Kind.ID)),
            Fact("On hold since", Shown(account.credit_hold_since, Kind.INSTANT)),
            Fact("Their credit", Shown(account.customer_credit_cents, Kind.MONEY)),
            Fact("Account id", Shown(str(account.id), Kind.ID)),
        ],
    )


def _check(abn: str | None) -> Markup:
    """Whether it can be an ABN at all; that it is theirs, and active, the register says."""
    match check_of(abn):
        case AbnCheck.HOLDS:
            return chip("Hold", "positive")
        case AbnCheck.FAILS:
            return chip("Fail: no such ABN can be", "danger")
        case AbnCheck.MISSING:
            return chip("No ABN", "warning")


async def held_deliveries(page: AccountPage) -> Table | None:
    if not page.is_installer:
        return None
    path = f"{HELD}?state=waits&installer_id={page.account.id}"
    return Table(
        "Held deliveries",
        (("Lead", Kind.TEXT), ("Product", Kind.WORD), ("No price for", Kind.DAY), ("Held", Kind.AGO)),
        [
            (
                lead_title(each.service, each.locality),
                Shown(each.product_type, Kind.WORD),
                Shown(each.delivered_at, Kind.DAY),
                Shown(each.held_at, Kind.AGO),
            )
            for each in page.held[:SHOWN]
        ],
        empty="None: each of its deliveries has its price.",
        more=("All that are held", path) if len(page.held) > SHOWN else None,
    )


async def invoices(page: AccountPage) -> Table:
    found = await accounts.latest_invoices(page.session, page.account.id, SHOWN)
    return Table(
        "Invoices",
        (
            ("Invoice", Kind.TEXT),
            ("For", Kind.TEXT),
            ("State", Kind.CHIP),
            ("Due", Kind.DAY),
            ("Total", Kind.MONEY),
            ("Balance", Kind.MONEY),
        ),
        [
            (
                Shown(each.number or "Draft", path=invoice_path(each.kind, each.id)),
                invoice_title(each),
                status_chip(each.status, is_overdue=is_overdue(each.status, each.due_at, page.now)),
                Shown(each.due_at, Kind.DAY),
                Shown(each.adjusted_total_cents, Kind.MONEY),
                Shown(each.owed_cents, Kind.MONEY),
            )
            for each in found
        ],
        empty="None yet.",
        more=("All its invoices", f"{ROOMS[page.account.kind]}?account_id={page.account.id}") if found else None,
    )
