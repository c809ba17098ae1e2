"""The step of a month's close that drafts it: where each installer stands, and what the last runs came to."""

from collections.abc import Iterator, Sequence

from litestar.params import JSONBody
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Note, Table, Told
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.closing import CloseRunner
from services.billing.commands.house import House
from services.billing.domain.month_close import DraftState, obstacle_to_drafting
from services.billing.domain.periods import Period
from services.billing.http.close_runs import RunBody, generate_invoice_drafts
from services.billing.pages.doors import DELIVERIES, INVOICES, account_path
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import MOST_ROWS, Screen, more, said
from services.billing.queries import months
from services.billing.queries.months import InstallerMonth, Run

MONEY = Capability.MANAGE_BILLING_OPS
GENERATE = "generate"

STATES = {
    DraftState.LATE: ("Late deliveries", "danger"),
    DraftState.STALE: ("Draft again", "warning"),
    DraftState.TO_DRAFT: ("To draft", "info"),
    DraftState.DRAFTED: ("Drafted", ""),
    DraftState.ISSUED: ("Issued", "positive"),
}


async def _show(close: Close) -> Screen:
    runs = await months.runs(close.session, close.period)
    return _screen(close.period, close.installers, runs, _generating(close))


def _screen(period: Period, installers: Sequence[InstallerMonth], runs: Sequence[Run], action: Action) -> Screen:
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


def _generating(close: Close) -> Action:
    to_draft, stale, late = (close.count(each) for each in (DraftState.TO_DRAFT, DraftState.STALE, DraftState.LATE))
    left_out = f" {counted(late, 'installer is', 'installers are')} left out: deliveries came late." if late else ""
    way = obstacle_to_drafting(
        has_ended=close.has_ended, held_count=close.figures.held_count, unrecorded_count=close.unrecorded_count
    )
    return Action(
        GENERATE,
        "Generate drafts",
        STEP.path(close.period.name),
        effect=(
            f"Drafts {counted(to_draft, 'invoice', 'invoices')} and drafts {stale:,} again; what is drafted or issued "
            f"stays as it is.{left_out} Nothing is mailed. It can be run again at any time."
        ),
        done="Drafts were generated: where each installer stands is below",
        is_primary=True,
        **refused(close.operator, MONEY, way),
    )


def _state(close: Close) -> str:
    undone, late = close.count(DraftState.TO_DRAFT, DraftState.STALE), close.count(DraftState.LATE)
    told = f"{undone:,} to draft" if undone else "All drafted" if close.installers else "Nothing to draft"
    return f"{told}, {late:,} late" if late else told


STEP = MonthStep("drafts", "Drafts", _state, _show)


class DraftsForm(Form):
    """Nothing but the session's mark: the address names the month."""


@form_at(PATH + "/{month:str}/drafts", MONEY)
async def generate_by_form(
    month: Month,
    data: JSONBody[DraftsForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    closing: Given[CloseRunner],
    operator: Given[Operator],
) -> Redirect:
    await generate_invoice_drafts.fn(RunBody(period=month), database, clock, house, closing, operator)
    return console.redirect(f"{STEP.path(month)}?done={GENERATE}")


ROUTES = (generate_by_form,)
