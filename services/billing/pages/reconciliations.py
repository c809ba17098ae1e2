"""Runs that held our books against Stripe's: when, who asked, what they found."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from sqlalchemy import select

from chassis.audit import Subject
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Table, Told, show_document
from chassis.console.listing import Choice, Column, Days, Empty, Listing, Search, Tab, among, routes_of
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.billing.domain.reconciliation import COVERED, About, RunMode, Stage
from services.billing.models import Reconciliation, ReconciliationReview
from services.billing.pages.differences import ABOUTS, OPEN, ROOM, STRIPE
from services.billing.queries import reconciliations

PATH = "/console/reconciliations"
MODES: Mapping[str, str] = {RunMode.ASKED: "Stripe was asked", RunMode.UPLOADED: "Uploaded report"}
STAGES: Mapping[str, str] = {
    Stage.INVOICES: "Reading invoices",
    Stage.CREDIT_NOTES: "Reading credit notes",
    Stage.CHARGES: "Reading charges",
    Stage.REFUNDS: "Reading refunds",
    Stage.MOVEMENTS: "Reading the balance",
    Stage.BALANCE: "Asking for the balance",
    Stage.COMPARING: "Comparing",
    Stage.FINISHED: "Finished",
}
TONES: Mapping[str, str] = {stage: "positive" if stage is Stage.FINISHED else "info" for stage in Stage}
VERBS = {
    "start_reconciliation": "asked for it",
    "upload_stripe_report": "uploaded its report",
    "review_reconciliation": "reviewed what it left open",
}

LISTING = Listing(
    name="reconciliations",
    room=ROOM,
    title="Comparisons with Stripe",
    noun=("comparison", "comparisons"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Reconciliation),
    key=Reconciliation.id,
    order="-started",
    links=(("Reconciliation", STRIPE, None),),
    columns=(
        Column("started", "Started", Reconciliation.started_at, Kind.INSTANT, sorts=True),
        Column("mode", "How", Reconciliation.mode, say=lambda row: MODES[row.mode]),
        Column("stage", "Stands at", Reconciliation.stage, Kind.CHIP, say=lambda row: STAGES[row.stage], tone=TONES),
        Column("items", "Read", Reconciliation.item_count, Kind.NUMBER),
        Column("opened", "Opened", Reconciliation.opened_count, Kind.NUMBER),
        Column("closed", "Closed", Reconciliation.closed_count, Kind.NUMBER),
        Column("open", "Open at its end", Reconciliation.open_count, Kind.NUMBER),
        Column("by", "Asked by", Reconciliation.asked_by_name),
        Column("finished", "Finished", Reconciliation.finished_at, Kind.AGO),
        Column("detail", "What it waits for", Reconciliation.detail, wraps=True, is_extra=True),
        Column("ours", "Clearing account", Reconciliation.ours_balance_cents, Kind.MONEY, is_extra=True),
        Column("theirs", "Stripe's balance", Reconciliation.theirs_balance_cents, Kind.MONEY, is_extra=True),
    ),
    filters=(
        Search("q", "Who asked, or id", texts=(Reconciliation.asked_by_name,), ids=(Reconciliation.id,)),
        Choice("mode", "How", options=among(Reconciliation.mode, RunMode, MODES)),
        Choice("stage", "Stands at", options=among(Reconciliation.stage, Stage, STAGES)),
        Days("started", "Started", column=Reconciliation.started_at),
    ),
    tabs=(Tab("All"),),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("Nothing was compared yet", "The nightly comparison, and those by hand, come here.", "scale"),
)


@page_at(PATH + "/{reconciliation_id:uuid}", Capability.READ_OPS)
async def show_reconciliation(
    reconciliation_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        run = await reconciliations.find(session, reconciliation_id)
        reviews = await reconciliations.reviews_of(session, run.id)
        moments = await moments_of(session, [Subject("reconciliation", run.id)], VERBS, console.wording)
    ended = [Moment(run.finished_at, "Waybill", "compared all of it")] if run.finished_at else []
    document = Document(
        title=f"Comparison of {console.wording.exact(run.started_at)}",
        room=ROOM,
        up=("Comparisons with Stripe", PATH),
        states=(chip(STAGES[run.stage], TONES[run.stage]),),
        sentence=_sentence(run),
        facts=_facts(run),
        sections=[_found(run), _reviews(reviews)],
        timeline=in_order(moments, ended, [Moment(run.started_at, run.asked_by_name, "began it")]),
        links=[("Differences that are open", OPEN), ("Reconciliation", STRIPE)],
    )
    return show_document(console, request, document, done)


def _sentence(run: Reconciliation) -> str:
    if run.stage is not Stage.FINISHED:
        return f"It goes on by itself. {counted(run.item_count, 'thing was', 'things were')} read so far."
    if not run.open_count:
        return "Nothing differs of what was compared."
    return f"{counted(run.open_count, 'difference was', 'differences were')} open at its end."


def _facts(run: Reconciliation) -> list[Fact]:
    covered = list(About) if run.report is None else COVERED[run.report]
    return [
        Fact("How", MODES[run.mode]),
        Fact("Compared", ", ".join(ABOUTS[about].lower() for about in covered)),
        Fact("Made at Stripe since", Shown(run.first_at, Kind.INSTANT) if run.first_at else "The beginning"),
        Fact("Until", Shown(run.last_at, Kind.INSTANT)),
        Fact("Waits for", Shown(run.detail)),
        Fact("Finished", Shown(run.finished_at, Kind.INSTANT)),
    ]


def _found(run: Reconciliation) -> Table:
    rows: list[tuple[Told, ...]] = [
        ("Things that were read", Shown(run.item_count, Kind.NUMBER)),
        ("Differences opened", Shown(run.opened_count, Kind.NUMBER)),
        ("Differences closed", Shown(run.closed_count, Kind.NUMBER)),
        ("Clearing account, AUD", Shown(run.ours_balance_cents, Kind.MONEY)),
        ("Stripe's balance, AUD", Shown(run.theirs_balance_cents, Kind.MONEY)),
    ]
    return Table("What it found", (("", Kind.TEXT), ("", Kind.NUMBER)), rows)


def _reviews(reviews: Sequence[ReconciliationReview]) -> Table:
    heads = (("Reviewed by", Kind.TEXT), ("When", Kind.INSTANT), ("Open", Kind.NUMBER), ("Note", Kind.TEXT))
    return Table("Reviews", heads, [_review(each) for each in reviews], empty="Nobody has reviewed it yet.")


def _review(each: ReconciliationReview) -> tuple[Told, ...]:
    return (
        each.reviewed_by_name,
        Shown(each.reviewed_at, Kind.INSTANT),
        Shown(each.open_count, Kind.NUMBER),
        Shown(each.note),
    )


ROUTES = (*routes_of(LISTING), show_reconciliation)
