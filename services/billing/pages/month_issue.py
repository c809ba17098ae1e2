"""The step of a month's close that issues it: what is ready, and of what is not who can cure it, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Row

from chassis.console import Console
from chassis.console.actions import holders_of
from chassis.console.cells import Kind, Shown, link
from chassis.console.documents import Fact, Note, Table, Told
from chassis.console.wording import counted, money, sentence
from contracts.identity import Capability
from services.billing.commands.gate import Candidate, blockers_of
from services.billing.domain.tax_invoice import Blocker, Owner
from services.billing.models import Account, Invoice
from services.billing.pages.credit_notes import month_notes
from services.billing.pages.doors import INVOICES, account_path, invoice_path
from services.billing.pages.month_page import PATH, Close, MonthStep
from services.billing.pages.month_screens import MOST_ROWS, Screen, more
from services.billing.queries import months

MONEY = Capability.MANAGE_BILLING_OPS


@dataclass(frozen=True, slots=True)
class Readiness:
    """The drafts that are shown, each with what is in its way by the gate of the issue itself."""

    drafts: Sequence[Row[Invoice, Account]]
    blockers: Mapping[UUID, Sequence[Blocker]]

    @property
    def ready(self) -> list[Row[Invoice, Account]]:
        return [row for row in self.drafts if not self.blockers[row[0].id]]

    @property
    def blocked(self) -> list[Row[Invoice, Account]]:
        return [row for row in self.drafts if self.blockers[row[0].id]]

    @property
    def ready_cents(self) -> int:
        return sum(row[0].total_cents for row in self.ready)


async def _show(close: Close) -> Screen:
    readiness = await _readiness(close)
    notes = [*_notes(close, readiness), *await month_notes(close.session, close.period)]
    text = (
        "Issuing gives an invoice its number and mails its PDF; nothing on its face changes after that. Each is issued "
        "under the Stripe reference that its draft keeps."
    )
    tables = [_blocked_table(close, readiness), _ready_table(close, readiness)]
    facts = [
        Fact("Ready", Shown(len(readiness.ready), Kind.NUMBER)),
        Fact("Ready, inc. GST", Shown(readiness.ready_cents, Kind.MONEY)),
        Fact("Blocked", Shown(len(readiness.blocked), Kind.NUMBER)),
    ]
    return Screen("Issue", text, notes=notes, facts=facts if readiness.drafts else (), tables=tables)


async def _readiness(close: Close) -> Readiness:
    drafts = await months.drafts(close.session, close.period, MOST_ROWS, close.installer_ids)
    candidates = [Candidate(invoice, account, invoice.stripe_invoice_id) for invoice, account in drafts]
    return Readiness(drafts, await blockers_of(close.session, candidates, close.house.seller, close.now))


def _notes(close: Close, readiness: Readiness) -> Sequence[Note]:
    if not readiness.drafts:
        return ()
    ready, blocked = len(readiness.ready), len(readiness.blocked)
    told = f"Issues {counted(ready, 'invoice', 'invoices')}, {money(readiness.ready_cents)} inc. GST"
    in_the_way = f"; {counted(blocked, 'is blocked', 'are blocked')}, see why" if blocked else ""
    shown = len(readiness.drafts)
    beyond = f" Of the first {shown:,} by name." if close.figures.draft_count > shown else ""
    text = f"Nothing is issued yet: this is what an issue of all that are ready would do now.{beyond}"
    return (Note(f"{told}{in_the_way}", text, "warning" if blocked else "info"),)


def _blocked_table(close: Close, readiness: Readiness) -> Table:
    heads = (("Installer", Kind.TEXT), ("Total", Kind.MONEY), ("In its way", Kind.TEXT), ("Who cures it", Kind.TEXT))
    rows: list[Sequence[Told]] = []
    for invoice, account in readiness.blocked:
        path = invoice_path(invoice.kind, invoice.id)
        told = readiness.blockers[invoice.id]
        rows.append(
            (
                Shown(account.name, path=path),
                Shown(invoice.total_cents, Kind.MONEY),
                _lines([Markup("{}").format(sentence(each.detail)) for each in told]),
                _lines([cure(each, invoice, account, close.console) for each in told]),
            )
        )
    return Table("Blocked", heads, rows, empty="No draft is blocked.")


def cure(blocker: Blocker, invoice: Invoice, account: Account, console: Console) -> Markup:
    """Who can, and the way there."""
    ways = {
        "stripe_reference_missing": ("Keep its reference", f"{INVOICES}/{invoice.id}#do-keep_reference"),
        "stripe_total_mismatch": ("Compare with Stripe", f"{INVOICES}/{invoice.id}/stripe-comparison"),
        "held_deliveries": ("Add a price", f"{account_path(account.id)}#set_prices-effective_day"),
        "draft_is_stale": ("Draft again", f"{PATH}/{invoice.period}/drafts"),
        "lines_missing": ("Draft again", f"{PATH}/{invoice.period}/drafts"),
        "buyer_email_missing": ("The installer", console.addresses.url("routing", f"/console/installers/{account.id}")),
        "buyer_identity_missing": (
            "The installer",
            console.addresses.url("routing", f"/console/installers/{account.id}"),
        ),
    }
    label, path = ways.get(blocker.code, ("", ""))
    door = link(path, label) if path else ""
    return Markup("{} {}").format(WHO[blocker.owner], door)


WHO = {
    Owner.FINANCE: f"Finance: {holders_of(MONEY).lower()}.",
    Owner.INSTALLER_CARE: f"Installer care: {holders_of(Capability.WRITE_ROUTING).lower()}.",
    Owner.PLATFORM: "Who runs the platform, in its settings.",
}


def _lines(each: Sequence[Markup]) -> Markup:
    return Markup('<span class="said">{}</span>').format(Markup("<br>").join(each))


def _ready_table(close: Close, readiness: Readiness) -> Table:
    heads = (("Installer", Kind.TEXT), ("Total", Kind.MONEY), ("Stripe invoice", Kind.TEXT), ("", Kind.TEXT))
    rows = [
        (
            Shown(account.name, path=invoice_path(invoice.kind, invoice.id)),
            Shown(invoice.total_cents, Kind.MONEY),
            Shown(invoice.stripe_invoice_id, path=invoice.stripe_invoice_url or ""),
            Shown("Issue it alone", path=f"{invoice_path(invoice.kind, invoice.id)}#do-mark_issued"),
        )
        for invoice, account in readiness.ready
    ]
    door = more(close.figures.draft_count, f"{INVOICES}?month={close.period.name}&status=draft", len(readiness.drafts))
    return Table("Ready to issue", heads, rows, empty="No draft is ready.", more=door)


def _state(close: Close) -> str:
    drafts = close.figures.draft_count
    return counted(drafts, "draft to issue", "drafts to issue") if drafts else "None waits"


STEP = MonthStep("issue", "Issue", _state, _show)
