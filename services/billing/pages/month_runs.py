"""Runs over a month as its steps show them: how far one is, what came of whom, and who can cure what did not."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Fact, Note, Table, Told, show_document
from chassis.console.wording import counted, money, sentence, words
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.paging import PageRequest
from contracts.identity import Capability
from services.billing.domain.close_runs import RunKind, RunOutcome, RunState
from services.billing.domain.periods import month_name
from services.billing.http.close_runs import get_close_results_csv
from services.billing.models import CloseResult, CloseRun
from services.billing.pages.doors import INVOICES, account_path
from services.billing.pages.month_page import PATH as MONTHS
from services.billing.pages.month_page import ROOM
from services.billing.pages.month_screens import MOST_ROWS, said, said_each
from services.billing.pages.ways import InTheWay, way_to_cure
from services.billing.queries import close_runs
from services.billing.queries.close_runs import RunFilter

READ = Capability.READ_OPS
PATH = "/console/close-runs"
SHOWN_RUNS = 5
OUTCOMES = {
    RunOutcome.DRAFTED: ("Drafted", "positive"),
    RunOutcome.REDRAFTED: ("Drafted again", "positive"),
    RunOutcome.ISSUED: ("Issued", "positive"),
    RunOutcome.UNCHANGED: ("As it was", ""),
    RunOutcome.BLOCKED: ("Blocked", "warning"),
    RunOutcome.FAILED: ("Failed", "danger"),
}
WOULD_BE = {
    RunOutcome.DRAFTED: "Would be drafted",
    RunOutcome.REDRAFTED: "Would be drafted again",
    RunOutcome.ISSUED: "Would be issued",
    RunOutcome.UNCHANGED: "Would stay as it is",
}
STEPS = {RunKind.DRAFT: "drafts", RunKind.ISSUE: "issue"}


async def latest(session: AsyncSession, period: str, kind: RunKind) -> Sequence[CloseRun]:
    """The latest first."""
    return await close_runs.listed(session, PageRequest(SHOWN_RUNS), RunFilter(period, kind))


def told_of(run: CloseRun) -> str:
    """What came of it, or would have: "issues 41 invoices, $38,214.50 inc. GST; 3 are blocked"."""
    if run.kind is RunKind.ISSUE:
        what = f"{counted(run.issued_count, 'invoice', 'invoices')} issued, {money(run.total_cents)} inc. GST"
    else:
        again = f" and {run.redrafted_count:,} drafted again" if run.redrafted_count else ""
        what = f"{counted(run.drafted_count, 'invoice', 'invoices')} drafted{again}, {money(run.total_cents)} inc. GST"
    rest = (
        (run.unchanged_count, f"{run.unchanged_count:,} as before"),
        (run.blocked_count, f"{run.blocked_count:,} blocked, see why"),
        (run.failed_count, f"{run.failed_count:,} failed, see why"),
    )
    return "; ".join([what, *(told for number, told in rest if number)])


def note_of(run: CloseRun) -> Note:
    told = told_of(run)
    if run.state is RunState.RUNNING:
        text = f"So far: {told}. It goes on by itself, whatever becomes of this page."
        title = f"In work: {run.done_count:,} of {counted(run.planned_count, 'installer', 'installers')}"
        return Note(title, text, items=[("Look again", _step(run)), ("Each installer", f"{PATH}/{run.id}")])
    is_whole = not run.blocked_count + run.failed_count
    door = [("Each installer", f"{PATH}/{run.id}")]
    if run.is_dry:
        text = f"Nothing was changed. {run.asked_by_name} asked what it would come to; what came since is not in it."
        return Note(f"Dry run: {told}", text, "info" if is_whole else "warning", door)
    return Note(sentence(told), f"{run.asked_by_name} ran it.", "positive" if is_whole else "warning", door)


def _step(run: CloseRun) -> str:
    return f"{MONTHS}/{run.period}/{STEPS[run.kind]}"


def runs_table(runs: Sequence[CloseRun]) -> list[Table]:
    if not runs:
        return []
    heads = (("Run", Kind.INSTANT), ("By", Kind.TEXT), ("State", Kind.CHIP), ("What came of it", Kind.TEXT))
    return [Table("Runs", heads, [_run_row(run) for run in runs])]


def _run_row(run: CloseRun) -> Sequence[Told]:
    return (
        Shown(run.started_at, Kind.INSTANT, path=f"{PATH}/{run.id}"),
        run.asked_by_name,
        state_chip(run),
        said(told_of(run)),
    )


def state_chip(run: CloseRun) -> Markup:
    if run.state is RunState.RUNNING:
        return chip(f"{run.done_count:,} of {run.planned_count:,} done", "info")
    if run.is_dry:
        return chip("Dry run, nothing changed", "")
    return chip("Done", "warning" if run.blocked_count + run.failed_count else "positive")


def results_table(run: CloseRun, rows: Sequence[Row[CloseResult, str | None]], console: Console) -> Table:
    """Those that somebody has to look at come first."""
    heads = (
        ("Installer", Kind.TEXT),
        ("What came of it", Kind.CHIP),
        ("Invoice", Kind.TEXT),
        ("Total", Kind.MONEY),
        ("In the way", Kind.TEXT),
        ("Cure", Kind.TEXT),
    )
    more = (f"All {run.planned_count:,}", f"{PATH}/{run.id}/results.csv") if run.planned_count > len(rows) else None
    title = "What would come of whom" if run.is_dry else "What came of whom"
    return Table(title, heads, [_result_row(run, console, *row) for row in rows], empty="There was nobody.", more=more)


def _result_row(run: CloseRun, console: Console, result: CloseResult, name: str | None) -> Sequence[Told]:
    invoice: Told = ""
    if result.invoice_id:
        invoice = Shown(result.number or "Draft", path=f"{INVOICES}/{result.invoice_id}")
    return (
        Shown(name or "Not known yet", path=account_path(result.installer_id)),
        _outcome_chip(run, result),
        invoice,
        Shown(result.total_cents, Kind.MONEY),
        said_each([Markup("{}").format(sentence(each["detail"])) for each in result.reasons]),
        said_each(_cures(run, console, result)),
    )


def _cures(run: CloseRun, console: Console, result: CloseResult) -> list[Markup]:
    """What has the same cure, as lines that differ, names it once."""
    told = (
        Markup("{} ({}). {}").format(
            each["cure"],
            words(each["owner"]).lower(),
            way_to_cure(InTheWay(each["code"], result.installer_id, run.period, result.invoice_id), console),
        )
        for each in result.reasons
    )
    return list(dict.fromkeys(told))


def _outcome_chip(run: CloseRun, result: CloseResult) -> Markup:
    if result.outcome is None:
        return chip("Waits its turn", "info")
    word, tone = OUTCOMES[result.outcome]
    return chip(WOULD_BE.get(result.outcome, word), tone) if run.is_dry else chip(word, tone)


@page_at(PATH + "/{run_id:uuid}", READ)
async def show_run(
    run_id: FromPath[UUID], request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        run = await close_runs.find(session, run_id)
        rows = await close_runs.first_results(session, run_id, MOST_ROWS)
    return show_document(console, request, _document(run, rows, console))


def _document(run: CloseRun, rows: Sequence[Row[CloseResult, str | None]], console: Console) -> Document:
    what = "Drafts" if run.kind is RunKind.DRAFT else "Issue"
    about = counted(len(run.installer_ids), "chosen installer", "chosen installers") if run.installer_ids else "All"
    return Document(
        title=f"{what} of {month_name(run.period)}{', dry run' if run.is_dry else ''}",
        room=ROOM,
        up=(f"Month close: {month_name(run.period)}", _step(run)),
        states=[state_chip(run)],
        sentence=f"{run.asked_by_name} asked for it: {told_of(run)}.",
        amount=money(run.total_cents),
        amount_note="AUD inc. GST",
        notes=[note_of(run)],
        facts=[
            Fact("Installers", about),
            Fact("Planned", Shown(run.planned_count, Kind.NUMBER)),
            Fact("Done", Shown(run.done_count, Kind.NUMBER)),
            Fact("Began", Shown(run.started_at, Kind.INSTANT)),
            Fact("Ended", Shown(run.finished_at, Kind.INSTANT)),
            *([Fact("Due", Shown(run.due_at, Kind.DAY))] if run.due_at else []),
        ],
        sections=[results_table(run, rows, console)],
        timeline=None,
        links=[("Each installer, CSV", f"{PATH}/{run.id}/results.csv")],
    )


@page_at(PATH + "/{run_id:uuid}/results.csv", READ, media_type="text/csv")
async def download_results(
    run_id: FromPath[UUID], database: Given[Database], operator: Given[Operator]
) -> Response[str]:
    answer: Response[str] = await get_close_results_csv.fn(run_id, database, operator)
    return answer


ROUTES = (show_run, download_results)
