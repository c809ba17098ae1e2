"""What each step of a month's close shows. Nothing of it is kept: all of it is told by the books as they stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Row

from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown, chip, html_of, link
from chassis.console.documents import Fact, Note, Table, Told
from chassis.console.wording import Wording, counted, money, sentence, words
from contracts.values import ProductType
from services.billing.domain.month_close import FORMER_MONTHS, DraftState, Outlier, outlier_of, usual_of
from services.billing.domain.periods import Period
from services.billing.domain.statuses import is_overdue
from services.billing.domain.tax_invoice import Blocker
from services.billing.models import Account, HeldDelivery, Invoice
from services.billing.pages.doors import account_path, invoice_path
from services.billing.queries.months import InstallerMonth, MonthFigures, Run
from services.billing.queries.periods import Preview

HELD, DELIVERIES, INVOICES = "/console/held-deliveries", "/console/delivery-events", "/console/invoices"
MOST_ROWS = 200
SHOWN_HELD = 20
STRIPE_REFERENCE = "stripe_reference_missing"

OUTLIERS = {
    Outlier.NOTHING_NOW: ("Nothing this month", "warning"),
    Outlier.FAR_MORE: ("Far more than usual", "warning"),
    Outlier.FAR_LESS: ("Far less than usual", "warning"),
    Outlier.FIRST_MONTH: ("First month", "info"),
}
STATES = {
    DraftState.LATE: ("Late deliveries", "danger"),
    DraftState.STALE: ("Draft again", "warning"),
    DraftState.TO_DRAFT: ("To draft", "info"),
    DraftState.DRAFTED: ("Drafted", ""),
    DraftState.ISSUED: ("Issued", "positive"),
}


@dataclass(frozen=True, slots=True)
class Screen:
    title: str
    text: str = ""
    notes: Sequence[Note] = ()
    facts: Sequence[Fact] = ()
    actions: Sequence[Action] = ()
    tables: Sequence[Table] = ()
    asks_month: bool = False


def boundaries(period: Period, wording: Wording) -> list[Fact]:
    """As the business's calendar has them, and as they are kept."""
    last = period.end.astimezone(wording.zone)
    return [
        Fact("Begins", wording.exact(period.start)),
        Fact("Ends, not included", wording.exact(period.end)),
        Fact("Begins, UTC", _utc(period.start)),
        Fact("Ends, UTC", _utc(period.end)),
        Fact("Zone", str(last.tzinfo)),
    ]


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def month_state(each: MonthFigures, now: datetime) -> Markup:
    """The first thing that is left to do in it."""
    if not each.period.has_ended(now):
        return chip("Still open", "info")
    if each.held_count:
        return chip(f"{each.held_count:,} without a price", "warning")
    if each.delivery_count and not each.draft_count + each.issued_count:
        return chip("To draft", "warning")
    if each.draft_count:
        return chip(f"{each.draft_count:,} to issue", "warning")
    if each.overdue_count:
        return chip(f"{each.overdue_count:,} overdue", "danger")
    if each.unpaid_count:
        return chip(f"{each.unpaid_count:,} unpaid", "info")
    return chip("Paid", "positive") if each.issued_count else chip("Nothing delivered")


def months_table(figures: Sequence[MonthFigures], path: str, now: datetime, wording: Wording) -> Table:
    rows = [
        (
            Shown(month_name(each.period), path=f"{path}/{each.period.name}"),
            month_state(each, now),
            Shown(each.period.end, Kind.INSTANT),
            Shown(each.delivery_count, Kind.NUMBER),
            Shown(each.draft_count, Kind.NUMBER),
            Shown(each.issued_count, Kind.NUMBER),
            Shown(each.issued_cents, Kind.MONEY),
            Shown(each.unpaid_cents, Kind.MONEY),
        )
        for each in figures
    ]
    heads = (
        ("Month", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Ends", Kind.INSTANT),
        ("Billable deliveries", Kind.NUMBER),
        ("Drafts", Kind.NUMBER),
        ("Issued", Kind.NUMBER),
        ("Issued, inc. GST", Kind.MONEY),
        ("Owed", Kind.MONEY),
    )
    return Table("Months", heads, rows)


def month_name(period: Period) -> str:
    """By its name: its first instant is of the day before in UTC."""
    return f"{datetime.fromisoformat(f'{period.name}-01'):%B %Y}"


def held_screen(period: Period, held: Sequence[HeldDelivery], names: Mapping[UUID, str]) -> Screen:
    """A month closes whole: what has no price holds it up."""
    rows = [
        (
            Shown(names.get(each.installer_id, "Not known yet"), path=account_path(each.installer_id)),
            f"{words(each.product_type)} lead, {words(each.service).lower()}, {each.locality}",
            Shown(each.delivered_at, Kind.INSTANT),
            Shown(each.held_at, Kind.AGO),
        )
        for each in held[:SHOWN_HELD]
    ]
    heads = (
        ("Installer", Kind.TEXT),
        ("Delivery", Kind.TEXT),
        ("No price for", Kind.INSTANT),
        ("Held", Kind.AGO),
    )
    door = (f"All {len(held):,} that wait", f"{HELD}?state=waits&month={period.name}")
    table = Table("Waits for a price", heads, rows, more=door if held else None)
    if not held:
        note = Note("Every delivery of the month has its price", tone="positive")
        return Screen("Held deliveries", notes=[note])
    installers = len({each.installer_id for each in held})
    note = Note(
        f"{counted(len(held), 'delivery has', 'deliveries have')} no price",
        f"Add a price plan for the day to {counted(installers, 'installer', 'installers')}: each delivery is then "
        "billed at the price of its own day. Until then the month cannot be drafted.",
        "warning",
    )
    return Screen("Held deliveries", notes=[note], tables=[table])


@dataclass(frozen=True, slots=True)
class _Line:
    """An installer in the preview; `preview` is None where it has nothing now and used to."""

    installer_id: UUID
    name: str
    preview: Preview | None
    usual_cents: int
    outlier: Outlier | None

    def count(self, product: ProductType) -> int:
        groups = self.preview.groups if self.preview else ()
        return sum(group.count for group in groups if group.product_type is product)


def preview_screen(
    period: Period, previews: Sequence[Preview], former: Mapping[UUID, Sequence[int]], names: Mapping[UUID, str]
) -> Screen:
    lines = _lines(previews, former, names)
    amounts = [each.amounts for each in previews]
    sums = (
        Shown(sum(line.count(ProductType.EXCLUSIVE) for line in lines), Kind.NUMBER),
        Shown(sum(line.count(ProductType.SHARED) for line in lines), Kind.NUMBER),
        Shown(sum(each.ex_gst_cents for each in amounts), Kind.MONEY),
        Shown(sum(each.gst_cents for each in amounts), Kind.MONEY),
        Shown(sum(each.inc_gst_cents for each in amounts), Kind.MONEY),
    )
    unlike = sum(line.outlier is not None for line in lines)
    heads = (
        ("Installer", Kind.TEXT),
        ("Exclusive", Kind.NUMBER),
        ("Shared", Kind.NUMBER),
        ("Subtotal", Kind.MONEY),
        ("GST", Kind.MONEY),
        ("Total", Kind.MONEY),
        ("Usual subtotal", Kind.MONEY),
        ("Against its former months", Kind.CHIP),
    )
    table = Table(
        "By installer",
        heads,
        [_preview_row(period, line) for line in lines[:MOST_ROWS]],
        empty="Nothing was delivered in the month.",
        foot=(counted(len(previews), "installer", "installers"), *sums, "", "") if lines else (),
        more=_more(len(lines), (f"{DELIVERIES}?month={period.name}")),
        note=f"AUD. Usual is the median of up to {FORMER_MONTHS} former months; twice it or half of it is far from it.",
    )
    text = "What the month comes to, whether it is invoiced already or not. Looking changes nothing."
    notes = [Note(f"{counted(unlike, 'installer is', 'installers are')} unlike former months", tone="warning")]
    return Screen("Preview", text, notes=notes if unlike else (), tables=[table])


def _lines(
    previews: Sequence[Preview], former: Mapping[UUID, Sequence[int]], names: Mapping[UUID, str]
) -> list[_Line]:
    """Those unlike their former months first, then by what they come to."""
    now = {each.installer_id: each for each in previews}
    lines = []
    for installer_id in dict.fromkeys([*now, *former]):
        found, before = now.get(installer_id), former.get(installer_id, ())
        cents = found.amounts.ex_gst_cents if found else 0
        name = (found.installer_name if found else None) or names.get(installer_id, "Not known yet")
        lines.append(_Line(installer_id, name, found, usual_of(before), outlier_of(cents, before)))
    return sorted(
        lines,
        key=lambda line: (line.outlier is None, -(line.preview.amounts.ex_gst_cents if line.preview else 0), line.name),
    )


def _preview_row(period: Period, line: _Line) -> Sequence[Told]:
    amounts = line.preview.amounts if line.preview else None
    door = f"{DELIVERIES}?month={period.name}&installer_id={line.installer_id}"
    return (
        Shown(line.name, path=door),
        Shown(line.count(ProductType.EXCLUSIVE), Kind.NUMBER),
        Shown(line.count(ProductType.SHARED), Kind.NUMBER),
        Shown(amounts.ex_gst_cents if amounts else 0, Kind.MONEY),
        Shown(amounts.gst_cents if amounts else 0, Kind.MONEY),
        Shown(amounts.inc_gst_cents if amounts else 0, Kind.MONEY),
        Shown(line.usual_cents, Kind.MONEY),
        chip(*OUTLIERS[line.outlier]) if line.outlier else "",
    )


def drafts_screen(
    period: Period, installers: Sequence[InstallerMonth], runs: Sequence[Run], action: Action, wording: Wording
) -> Screen:
    last = runs[0].invoice_ids if runs else frozenset()
    heads = (
        ("Installer", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Not on an invoice", Kind.NUMBER),
        ("Invoice", Kind.TEXT),
        ("Total", Kind.MONEY),
        ("What it means", Kind.TEXT),
    )
    table = Table(
        "By installer",
        heads,
        [_installer_row(period, each, each.standing.invoice_id in last) for each in installers[:MOST_ROWS]],
        empty="Nothing was delivered in the month.",
        more=_more(len(installers), f"{INVOICES}?month={period.name}"),
    )
    late = [each for each in installers if each.state is DraftState.LATE]
    notes = [
        Note(
            f"{counted(len(late), 'installer was', 'installers were')} left out",
            "Deliveries came after the invoice was issued. Charge them by a debit on it, or void them; the others "
            "are not held up.",
            "danger",
        )
    ]
    return Screen("Drafts", notes=notes if late else (), actions=[action], tables=[table, *_runs(runs, wording)])


def _installer_row(period: Period, each: InstallerMonth, is_of_last_run: bool) -> Sequence[Told]:
    standing = each.standing
    invoice: Told = ""
    if standing.invoice_id:
        invoice = Shown(each.number or "Draft", path=f"{INVOICES}/{standing.invoice_id}")
    unbilled = f"{DELIVERIES}?month={period.name}&installer_id={standing.installer_id}&status=billable&invoiced=no"
    return (
        Shown(each.name or "Not known yet", path=account_path(standing.installer_id)),
        chip(*STATES[each.state]),
        Shown(standing.unbilled_count, Kind.NUMBER, path=unbilled if standing.unbilled_count else ""),
        invoice,
        Shown(each.total_cents, Kind.MONEY),
        _meaning(each.state, is_of_last_run),
    )


def _meaning(state: DraftState, is_of_last_run: bool) -> str:
    match state:
        case DraftState.LATE:
            return "Came after the issue: charge by a debit, or void"
        case DraftState.STALE:
            return "Came after the draft: generating drafts takes them in"
        case DraftState.TO_DRAFT:
            return "Generating drafts makes its invoice"
        case _:
            return "Drafted by the last run" if is_of_last_run else "Was there already"


def _runs(runs: Sequence[Run], wording: Wording) -> Iterator[Table]:
    if runs:
        rows = [(each.by, Shown(each.at, Kind.INSTANT), Shown(len(each.invoice_ids), Kind.NUMBER)) for each in runs]
        heads = (("By", Kind.TEXT), ("At", Kind.INSTANT), ("Invoices written", Kind.NUMBER))
        yield Table("Runs", heads, rows)


def review_screen(
    period: Period,
    drafts: Sequence[Row[Invoice, Account]],
    draft_count: int,
    blockers: Mapping[UUID, Sequence[Blocker]],
    exports: str,
) -> Screen:
    """The Stripe reference is asked for at the issue itself: what lacks nothing else is ready."""
    rows: dict[bool, list[Sequence[Told]]] = {True: [], False: []}
    for invoice, account in drafts:
        own = [each for each in blockers[invoice.id] if each.code != STRIPE_REFERENCE]
        rows[bool(own)].append(_draft_row(invoice, account, own, exports))
    heads = (("Installer", Kind.TEXT), ("Total", Kind.MONEY), ("In its way", Kind.TEXT), ("For Stripe", Kind.TEXT))
    more = _more(draft_count, f"{INVOICES}?month={period.name}&status=draft", len(drafts))
    tables = [
        Table("Blocked", heads, rows[True], empty="No draft is blocked."),
        Table("Ready to issue", heads, rows[False], empty="No draft is ready.", more=more),
    ]
    text = (
        "Make each ready invoice in Stripe from its export, then issue it on its own page with Stripe's id. "
        "Issuing gives it its number and mails it; nothing on its face changes after that."
    )
    return Screen("Review and issue", text, tables=tables)


def _draft_row(invoice: Invoice, account: Account, own: Sequence[Blocker], exports: str) -> Sequence[Told]:
    path = f"{exports}/{invoice.id}"
    files = Markup("{} {}").format(link(f"{path}/csv", "CSV"), link(f"{path}/json", "JSON"))
    ways = "; ".join(f"{sentence(each.detail)} ({words(each.owner).lower()})" for each in own)
    return (
        Shown(account.name, path=invoice_path(invoice.kind, invoice.id)),
        Shown(invoice.total_cents, Kind.MONEY),
        ways or "Nothing",
        files,
    )


def issued_screen(
    period: Period, issued: Sequence[Row[Invoice, str]], figures: MonthFigures, now: datetime, wording: Wording
) -> Screen:
    heads = (
        ("Invoice", Kind.TEXT),
        ("Installer", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Due", Kind.DAY),
        ("Total", Kind.MONEY),
        ("Owed", Kind.MONEY),
    )
    of_month = f"{INVOICES}?month={period.name}"
    unpaid = f"{of_month}&status=issued&status=partially_paid"
    table = Table(
        "Issued invoices",
        heads,
        [_issued_row(invoice, name, now) for invoice, name in issued],
        empty="No invoice of the month is issued yet.",
        more=_more(figures.issued_count, of_month, len(issued)),
    )
    facts = [
        Fact("Issued", Shown(figures.issued_count, Kind.NUMBER)),
        Fact("Issued, inc. GST", Shown(figures.issued_cents, Kind.MONEY)),
        Fact("Unpaid", Shown(figures.unpaid_count, Kind.NUMBER, path=unpaid)),
        Fact("Owed", Shown(figures.unpaid_cents, Kind.MONEY, path=unpaid)),
        Fact("Overdue", Shown(figures.overdue_count, Kind.NUMBER, path=f"{of_month}&overdue=true")),
    ]
    text = "What is out, those that owe most first. The receivables show how it stood on any day."
    return Screen("Issued", text, facts=facts, tables=[table])


def _issued_row(invoice: Invoice, name: str, now: datetime) -> Sequence[Told]:
    status = invoice.status
    late = is_overdue(status, invoice.due_at, now)
    tone = "danger" if late else "info" if status.is_owed else "positive"
    return (
        Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id)),
        Shown(name, path=account_path(invoice.account_id)),
        chip(f"{words(status)}, overdue" if late else words(status), tone),
        Shown(invoice.due_at, Kind.DAY),
        Shown(invoice.adjusted_total_cents, Kind.MONEY),
        Shown(invoice.owed_cents, Kind.MONEY),
    )


def _more(number: int, path: str, shown: int = MOST_ROWS) -> tuple[str, str] | None:
    return (f"{number - shown:,} more are not shown here: open all {number:,}", path) if number > shown else None


def amount_of(previews: Sequence[Preview]) -> str:
    return money(sum(each.amounts.inc_gst_cents for each in previews))


def told(value: Any, wording: Wording) -> Markup:
    return html_of(Kind.TEXT, value, wording)
