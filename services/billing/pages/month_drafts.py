"""The step of a month's close that drafts it: where each installer stands, and what the last runs came to."""

from collections.abc import Mapping, Sequence
from uuid import UUID

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
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.closing import CloseRunner
from services.billing.commands.house import House
from services.billing.domain.close_runs import RunKind, RunOutcome
from services.billing.domain.month_close import DraftState, obstacle_to_drafting
from services.billing.domain.periods import Period
from services.billing.http.close_runs import RunBody, generate_invoice_drafts
from services.billing.pages import month_runs
from services.billing.pages.doors import DELIVERIES, INVOICES, account_path
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import MOST_ROWS, Screen, more, said
from services.billing.queries import close_runs, month_marks
from services.billing.queries.months import InstallerMonth

MONEY = Capability.MANAGE_BILLING_OPS
GENERATE, TRY = "generate", "try"

STATES = {
    DraftState.LATE: ("Late deliveries", "danger"),
    DraftState.STALE: ("Draft again", "warning"),
    DraftState.TO_DRAFT: ("To draft", "info"),
    DraftState.DRAFTED: ("Drafted", ""),
    DraftState.ISSUED: ("Issued", "positive"),
}


async def _show(close: Close) -> Screen:
    runs = await month_runs.latest(close.session, close.period.name, RunKind.DRAFT)
    real = next(
        (run for run in runs if not run.is_dry and run.drafted_count + run.redrafted_count + run.failed_count), None
    )
    results = await close_runs.first_results(close.session, real.id, MOST_ROWS) if real else []
    outcomes = {result.installer_id: result.outcome for result, _ in results}
    notes = [*([month_runs.note_of(runs[0])] if runs else ()), *_late_notes(close)]
    tables = [_installers_table(close, outcomes), *month_runs.runs_table(runs)]
    if runs and runs[0].is_dry:
        dry = await close_runs.first_results(close.session, runs[0].id, MOST_ROWS)
        tables.insert(0, month_runs.results_table(runs[0], dry, close.console))
    elif real and real.failed_count:
        tables.insert(0, month_runs.results_table(real, results, close.console))
    return Screen("Drafts", notes=notes, actions=[_generating(close), _trying(close)], tables=tables)


def _installers_table(close: Close, outcomes: Mapping[UUID, RunOutcome | None]) -> Table:
    period, installers = close.period, close.installers
    heads = (
        ("Installer", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Not on an invoice", Kind.NUMBER),
        ("Invoice", Kind.TEXT),
        ("Total", Kind.MONEY),
        ("What it means", Kind.TEXT),
    )
    rows = [_installer_row(period, each, outcomes.get(each.standing.installer_id)) for each in installers[:MOST_ROWS]]
    door = more(len(installers), close.invoices)
    return Table("By installer", heads, rows, empty="Nothing was delivered in the month.", more=door)


def _late_notes(close: Close) -> list[Note]:
    late = close.count(DraftState.LATE)
    text = (
        "Deliveries came after the invoice was issued. Charge them by a debit on it, or void them; the others are not "
        "held up."
    )
    return [Note(f"{counted(late, 'installer is', 'installers are')} left out", text, "danger")] if late else []


def _installer_row(period: Period, each: InstallerMonth, outcome: RunOutcome | None) -> Sequence[Told]:
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
        said(_meaning(each.state, outcome)),
    )


def _meaning(state: DraftState, outcome: RunOutcome | None) -> str:
    match state:
        case DraftState.LATE:
            return "Came after the issue: charge by a debit, or void"
        case DraftState.STALE:
            return "Came after the draft: generating drafts takes them in"
        case DraftState.TO_DRAFT:
            return "Generating drafts makes its invoice"
        case _:
            return "Drafted by the last run" if outcome and outcome.is_written else "Was there already"


def _generating(close: Close) -> Action:
    return Action(
        GENERATE,
        "Generate drafts",
        STEP.path(close.period.name),
        effect=f"{_effect(close)} Nothing is mailed. It can be run again at any time.",
        hidden={"run_id": str(new_id())},
        is_primary=True,
        **refused(close.operator, MONEY, _way(close)),
    )


def _trying(close: Close) -> Action:
    return Action(
        TRY,
        "Try it first",
        STEP.path(close.period.name),
        effect="A dry run tells what would come of each installer, and changes nothing.",
        hidden={"run_id": str(new_id()), "dry_run": "true"},
        **refused(close.operator, MONEY, _way(close)),
    )


def _effect(close: Close) -> str:
    to_draft, stale, late = (close.count(each) for each in (DraftState.TO_DRAFT, DraftState.STALE, DraftState.LATE))
    left_out = f" {counted(late, 'installer is', 'installers are')} left out: deliveries came late." if late else ""
    return (
        f"Drafts {counted(to_draft, 'invoice', 'invoices')} and drafts {stale:,} again; what is drafted or issued "
        f"stays as it is.{left_out}"
    )


def _way(close: Close) -> str | None:
    return obstacle_to_drafting(
        has_ended=close.has_ended, held_count=close.figures.held_count, unrecorded_count=close.unrecorded_count
    )


def _state(close: Close) -> str:
    undone, late = close.count(DraftState.TO_DRAFT, DraftState.STALE), close.count(DraftState.LATE)
    told = f"{undone:,} to draft" if undone else "All drafted" if close.installers else "Nothing to draft"
    return f"{told}, {late:,} late" if late else told


STEP = MonthStep("drafts", "Drafts", _state, _show)


class DraftsForm(Form):
    """Sent twice it is one run; whom it is about stands with the month."""

    run_id: UUID | None = None
    dry_run: bool = False


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
    async with database.reading() as session:
        scope = await month_marks.scope(session, month)
    body = RunBody(
        period=month, installer_ids=scope.installer_ids if scope else None, run_id=data.run_id, dry_run=data.dry_run
    )
    await generate_invoice_drafts.fn(body, database, clock, house, closing, operator)
    return console.redirect(STEP.path(month))


ROUTES = (generate_by_form,)
