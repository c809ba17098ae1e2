"""Where each installer stands on its way to a draft, and what the last run of drafts came to."""

from collections.abc import Iterator, Sequence

from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Note, Table, Told
from chassis.console.wording import counted
from services.billing.domain.month_close import DraftState
from services.billing.domain.periods import Period
from services.billing.pages.doors import account_path
from services.billing.pages.month_screens import DELIVERIES, INVOICES, MOST_ROWS, Screen, more, said
from services.billing.queries.months import InstallerMonth, Run

STATES = {
    DraftState.LATE: ("Late deliveries", "danger"),
    DraftState.STALE: ("Draft again", "warning"),
    DraftState.TO_DRAFT: ("To draft", "info"),
    DraftState.DRAFTED: ("Drafted", ""),
    DraftState.ISSUED: ("Issued", "positive"),
}


def drafts_screen(period: Period, installers: Sequence[InstallerMonth], runs: Sequence[Run], action: Action) -> Screen:
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
        more=more(len(installers), f"{INVOICES}?month={period.name}"),
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
    return Screen("Drafts", notes=notes if late else (), actions=[action], tables=[table, *_runs(runs)])


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
        said(_meaning(each.state, is_of_last_run)),
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


def _runs(runs: Sequence[Run]) -> Iterator[Table]:
    if runs:
        rows = [(each.by, Shown(each.at, Kind.INSTANT), Shown(len(each.invoice_ids), Kind.NUMBER)) for each in runs]
        heads = (("By", Kind.TEXT), ("At", Kind.INSTANT), ("Invoices written", Kind.NUMBER))
        yield Table("Runs", heads, rows)
