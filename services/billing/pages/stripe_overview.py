"""Stripe and our books in one page: whether they tie, what is open, who sees to it, and when that is due again."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import StringConstraints

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, holders_of, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Facts, Note, Table, Told, show_document
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.reconciliation import DeedObstacle, Report
from services.billing.domain.webhooks import WebhookUse
from services.billing.http.fields import Note as Prose
from services.billing.http.reconciliations import (
    LARGEST_REPORT_BYTES,
    LONGEST_REPORT,
    ReportBody,
    ReviewBody,
    StripeStanding,
    post_reconciliation,
    post_report,
    post_review,
    standing,
)
from services.billing.http.stripe_roles import RoleHolder, RolesBody, StripeRolesView, put_stripe_roles, roles_view
from services.billing.pages.differences import ABOUTS, KINDS, MONEY, OPEN, ROOM, STRIPE, owner_fields
from services.billing.pages.differences import PATH as DIFFERENCES
from services.billing.pages.faults import told_beside
from services.billing.pages.reconciliations import PATH as RUNS
from services.billing.stripe_gateway import StripeGateway

COMPARE, UPLOAD, REVIEW, ROLES = "compare", "upload", "review", "roles"
JOURNAL = "/console/journal?on=stripe_clearing"
USES = {
    WebhookUse.ASKED: "Stripe is asked what was paid",
    WebhookUse.COMPARED: "What it is about is looked up and compared when it comes",
    WebhookUse.NIGHTLY: "Looked at by the nightly comparison",
    WebhookUse.KEPT: "Kept, and nothing more",
}
VERBS = {"name_stripe_roles": "named who sees to Stripe"}


class CompareForm(Form):
    """Nothing but the session's mark."""


class UploadForm(Form):
    report: Report
    csv: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REPORT)]


class ReviewForm(Form):
    note: Prose | None = None


class RolesForm(Form):
    creator_id: UUID | None = None
    approver_id: UUID | None = None
    reconciler_id: UUID | None = None


@page_at(STRIPE, Capability.READ_OPS)
async def show_stripe(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        now = console.clock.now()
        stands = await standing(session, now, is_connected=gateway is not None)
        roles = await roles_view(session)
        (owner,) = await owner_fields(session)
        moments = await moments_of(session, [Subject("stripe_roles", "1")], VERBS, console.wording)
    document = Document(
        title="Reconciliation",
        room=ROOM,
        up=None,
        states=(_tie(stands),),
        sentence=_sentence(stands, console),
        notes=_notes(stands, roles),
        facts=_facts(stands),
        actions=_actions(operator, roles, owner, is_connected=gateway is not None),
        sections=[_open(stands), _roles(roles), _webhooks(roles)],
        timeline=moments,
        links=[("Differences that are open", OPEN), ("Comparisons", RUNS), ("Stripe events", "/console/stripe-events")],
    )
    return show_document(console, request, document, done)


def _tie(stands: StripeStanding) -> Any:
    if stands.difference_cents is None:
        return chip("Stripe's balance was not asked", "warning")
    if stands.difference_cents:
        return chip(f"Off by {money(stands.difference_cents)}", "danger")
    return chip("Ledger and Stripe tie", "positive")


def _sentence(stands: StripeStanding, console: Console) -> str:
    told = "Nothing was compared with Stripe yet."
    if stands.compared_at:
        told = f"Last compared on {console.wording.exact(stands.compared_at)}."
    if stands.reviewed_at is None:
        return f"{told} Nobody has reviewed a comparison yet."
    return f"{told} Reviewed by {stands.reviewed_by_name} on {console.wording.exact(stands.reviewed_at)}."


def _notes(stands: StripeStanding, roles: StripeRolesView) -> list[Note]:
    notes = []
    if stands.is_review_overdue:
        notes.append(Note("A review is due", "Compare, work off what is open, and say so, once a week.", "warning"))
    if stands.not_compared:
        what = ", ".join(ABOUTS[about].lower() for about in stands.not_compared)
        text = f"No key of Stripe's is set. Upload a report of Stripe's to compare. Not compared: {what}."
        notes.append(Note("Some of it cannot be compared", text, "warning"))
    if roles.creator and roles.approver and not roles.are_apart:
        notes.append(
            Note("One person creates and approves", "A second pair of eyes sees what one overlooks.", "warning")
        )
    return notes


def _facts(stands: StripeStanding) -> list[Fact]:
    return [
        Fact("Clearing account, AUD", Shown(stands.ours_balance_cents, Kind.MONEY, path=JOURNAL)),
        Fact("Stripe's balance, AUD", Shown(stands.theirs_balance_cents, Kind.MONEY, path=RUNS)),
        Fact("Ours less Stripe's, AUD", Shown(stands.difference_cents, Kind.MONEY)),
        Fact("Compared", Shown(stands.compared_at, Kind.AGO)),
        Fact("Review due", Shown(stands.review_due_at, Kind.DAY) if stands.review_due_at else "Now"),
    ]


def _open(stands: StripeStanding) -> Table:
    heads = (("Difference", Kind.TEXT), ("Open", Kind.NUMBER), ("Nobody's", Kind.NUMBER), ("Oldest", Kind.AGO))
    rows: list[tuple[Told, ...]] = [
        (
            KINDS[each.kind],
            Shown(each.count, Kind.NUMBER, path=f"{DIFFERENCES}?state=open&kind={each.kind}"),
            Shown(each.unowned_count, Kind.NUMBER, path=f"{DIFFERENCES}?state=open&unowned=true&kind={each.kind}"),
            Shown(each.oldest_at, Kind.AGO),
        )
        for each in stands.open_differences
    ]
    return Table("What is open", heads, rows, empty="Nothing differs of what was compared.")


def _roles(roles: StripeRolesView) -> Table:
    money_holders = holders_of(Capability.MANAGE_BILLING_OPS)
    heads = (("Who", Kind.TEXT), ("Does", Kind.TEXT), ("Named", Kind.TEXT), ("Can", Kind.TEXT))
    rows: list[tuple[Told, ...]] = [
        (
            "Creator",
            "Makes invoices at Stripe, and types their references in",
            _named(roles.creator),
            money_holders,
        ),
        ("Approver", "Looks at each before it is issued; is somebody else", _named(roles.approver), money_holders),
        ("Reconciler", "Compares each week, and works off what differs", _named(roles.reconciler), money_holders),
    ]
    return Table("Who sees to Stripe", heads, rows, note="All three are of those who may manage billing.")


def _named(holder: RoleHolder | None) -> Told:
    if holder is None:
        return "Nobody"
    told = holder.name or str(holder.operator_id)
    return f"{told} (has left)" if holder.is_active is False else told


def _webhooks(roles: StripeRolesView) -> Facts:
    by_use = {use: [each.type for each in roles.webhook_types if each.use is use] for use in WebhookUse}
    facts = [Fact(USES[use], ", ".join(types)) for use, types in by_use.items()]
    return Facts("Webhooks to subscribe to at Stripe", facts)


def _actions(operator: Operator, roles: StripeRolesView, owner: FormField, *, is_connected: bool) -> list[Action]:
    no_key = refused(operator, MONEY, None if is_connected else DeedObstacle.NOT_CONNECTED)
    comparing = Action(
        COMPARE,
        "Compare now",
        f"{STRIPE}/{COMPARE}",
        effect="Asks Stripe for all that is compared. A worker goes on with it; Stripe's fees are posted with it.",
        done="It has begun",
        is_primary=is_connected,
        **no_key,
    )
    return [comparing, _uploading(operator), *_seeing_to_it(operator, roles, owner)]


def _uploading(operator: Operator) -> Action:
    rows = FormField(
        "csv",
        "Its rows, as CSV",
        FieldKind.PROSE,
        hint="With the line of heads, as Stripe exports it",
        is_required=True,
        longest=LONGEST_REPORT,
    )
    return Action(
        UPLOAD,
        "Compare with a report",
        f"{STRIPE}/{UPLOAD}",
        effect="Holds our books against what you took from Stripe's dashboard. Nothing is posted.",
        fields=(FormField("report", "Report", FieldKind.CHOICE, options=options_of(Report), is_required=True), rows),
        done="It is being compared",
        **refused(operator, MONEY),
    )


def _seeing_to_it(operator: Operator, roles: StripeRolesView, owner: FormField) -> list[Action]:
    why = refused(operator, MONEY)
    return [
        Action(
            REVIEW,
            "Review the last comparison",
            f"{STRIPE}/{REVIEW}",
            effect="Says that you looked at what it left open. The next review is due a week later.",
            fields=(FormField("note", "Note", FieldKind.PROSE, longest=1000),),
            done="Reviewed",
            **why,
        ),
        Action(
            ROLES,
            "Name who sees to Stripe",
            f"{STRIPE}/{ROLES}",
            effect="Shown here, and to whoever asks. It gives nobody a right that they have not got.",
            fields=_role_fields(roles, owner),
            done="Named",
            **why,
        ),
    ]


def _role_fields(roles: StripeRolesView, owner: FormField) -> Sequence[FormField]:
    held = {"creator_id": roles.creator, "approver_id": roles.approver, "reconciler_id": roles.reconciler}
    return tuple(
        FormField(
            name,
            words(name.removesuffix("_id")),
            FieldKind.CHOICE,
            str(holder.operator_id) if holder else "",
            options=owner.options,
        )
        for name, holder in held.items()
    )


@form_at(f"{STRIPE}/{COMPARE}", MONEY)
async def compare_by_form(
    data: JSONBody[CompareForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    run = await post_reconciliation.fn(database, clock, gateway, operator)
    return console.redirect(f"{RUNS}/{run.id}")


@form_at(f"{STRIPE}/{UPLOAD}", MONEY, request_max_body_size=LARGEST_REPORT_BYTES)
async def upload_by_form(
    data: JSONBody[UploadForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    answer = await post_report.fn(ReportBody(report=data.report, csv=data.csv), database, clock, operator)
    return console.redirect(f"{RUNS}/{answer.content.id}")


@form_at(f"{STRIPE}/{REVIEW}", MONEY)
async def review_by_form(
    data: JSONBody[ReviewForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    with told_beside({"nothing_reconciled": "note"}):
        await post_review.fn(ReviewBody(note=data.note), database, clock, operator)
    return console.redirect(f"{STRIPE}?done={REVIEW}")


@form_at(f"{STRIPE}/{ROLES}", MONEY)
async def name_roles_by_form(
    data: JSONBody[RolesForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    body = RolesBody(**data.model_dump(exclude={"csrf"}))
    await put_stripe_roles.fn(body, database, clock, operator)
    return console.redirect(f"{STRIPE}?done={ROLES}")


ROUTES = (show_stripe, compare_by_form, upload_by_form, review_by_form, name_roles_by_form)
