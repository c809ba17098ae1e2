"""What one lead may double, and what was merged into it."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field
from sqlalchemy import select

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Note, Section, Table
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import Moment, refuse_if_changed, seen_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from services.intake import queries
from services.intake.commands.reviewing import RejectLead, ReleaseLead, reject_lead, release_lead
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain import LeadAction, LeadStatus
from services.intake.domain.duplicates import RejectReason
from services.intake.domain.merging import UnmergeReason
from services.intake.http.duplicates import Dismissal, Rejection
from services.intake.http.merging import Unmerging
from services.intake.models import Lead, LeadPair, Merge
from services.intake.pages.duplicates import PATH as PAIRS
from services.intake.pages.duplicates import REASONS as NOT_ONE
from services.intake.pages.duplicates import told_reasons
from services.intake.pages.lead_erased import name_of
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.leads import PATH, WRITE

VERBS = {
    "release_lead": "released the lead: it is no duplicate",
    "reject_lead": "rejected the lead",
    "dismiss_pair": "said that it is not the same as another",
    "merge_leads": "merged another lead into it",
    "merge_into": "merged it into another lead",
    "unmerge_lead": "took its merge apart",
    "unmerge_from": "took a merge into it apart",
}
COMPARE = "compare"
Seen = Annotated[UUID | None, Field(strict=False)]
IN_WORDS = FormField("reason", "In your words", FieldKind.PROSE, is_required=True, hint="Stands in the timeline")


class ReleaseForm(Dismissal, Form):
    seen: Seen = None


class RejectForm(Rejection, Form):
    seen: Seen = None


class UnmergeForm(Unmerging, Form):
    seen: Seen = None


class CompareForm(Form):
    other_id: Annotated[UUID, Field(strict=False)]


async def notes_of(file: LeadFile) -> Sequence[Note]:
    lead = file.lead
    if lead.merged_into is not None:
        merge = await queries.standing_merge(file.session, lead.id)
        by = f"{merge.merged_by} merged it {file.console.wording.ago(merge.merged_at)}" if merge else "It was merged"
        told = f"{by}: the other goes on for both, and shows all that belongs to this one too."
        return [Note("It was merged into another lead", told, items=[("Open that lead", f"{PATH}/{lead.merged_into}")])]
    if lead.status is LeadStatus.DUPLICATE_REVIEW:
        holding = await queries.holding_pairs(file.session, [lead.id])
        items = [(f"Compare them: score {each.score}", f"{PAIRS}/{each.lead_id}/{each.other_id}") for each in holding]
        return [Note("It is held: it may be the same as an earlier lead", tone="warning", items=items)]
    return []


async def deeds_of(file: LeadFile) -> Sequence[Action]:
    lead = file.lead
    hidden = {"seen": await seen_of(file.session, Subject("lead", lead.id))}
    was_held = any(change.to_status is LeadStatus.DUPLICATE_REVIEW for change in file.history)
    held = [_release(file, hidden), _reject(file, hidden)] if was_held and not lead.is_merged else []
    merge = await queries.last_merge(file.session, lead.id)
    apart = [await _unmerge(file, merge, hidden)] if merge else []
    return [*held, *apart, *([] if lead.is_merged else [_compare(file)])]


def _why(file: LeadFile, action: LeadAction) -> Any:
    lead = file.lead
    return refused(file.operator, WRITE, lead.obstacle_to(action))


def _release(file: LeadFile, hidden: dict[str, str]) -> Action:
    return Action(
        LeadAction.RELEASE,
        "Release",
        f"{PATH}/{file.lead.id}/{LeadAction.RELEASE}",
        effect="It doubles none of those that it is held for: dispatch gets it at once.",
        fields=NOT_ONE,
        hidden=hidden,
        done="Released: dispatch has it",
        **_why(file, LeadAction.RELEASE),
    )


def _reject(file: LeadFile, hidden: dict[str, str]) -> Action:
    options = options_of(RejectReason)
    return Action(
        LeadAction.REJECT,
        "Reject lead",
        f"{PATH}/{file.lead.id}/{LeadAction.REJECT}",
        effect="It goes nowhere and stays rejected; its source reads so at its status address.",
        fields=(FormField("reason_code", "Reason", FieldKind.CHOICE, options=options, is_required=True), IN_WORDS),
        hidden=hidden,
        done="Rejected: it goes nowhere",
        destroys=True,
        **_why(file, LeadAction.REJECT),
    )


def _compare(file: LeadFile) -> Action:
    return Action(
        LeadAction.MERGE,
        "Merge with another lead",
        f"{PATH}/{file.lead.id}/{COMPARE}",
        effect="Shows both side by side; nothing is done before you confirm it there.",
        fields=(FormField("other_id", "The other lead's id", is_required=True, hint="It stands on its page"),),
        done="Merged: this one goes on for both",
        **_why(file, LeadAction.MERGE),
    )


async def _unmerge(file: LeadFile, merge: Merge, hidden: dict[str, str]) -> Action:
    obstacle: str | None = file.lead.obstacle_to(LeadAction.UNMERGE)
    if obstacle is None:
        survivor = await queries.lead(file.session, merge.survivor_id)
        obstacle = await queries.obstacle_to_unmerge(file.session, merge, survivor)
    options = options_of(UnmergeReason)
    return Action(
        LeadAction.UNMERGE,
        "Unmerge",
        f"{PATH}/{file.lead.id}/{LeadAction.UNMERGE}",
        effect="Both leads are as before. What was corrected since stays, what was sent since stays sent, and credits "
        f"that were asked for stand.{await _told_credits(file, merge)}",
        fields=(FormField("reason_code", "Why", FieldKind.CHOICE, options=options, is_required=True), IN_WORDS),
        hidden=hidden,
        done="Unmerged: it is a lead of its own again",
        **refused(file.operator, WRITE, obstacle),
    )


async def _told_credits(file: LeadFile, merge: Merge) -> str:
    asked = await queries.credits_because_of(file.session, merge.id)
    names = [each.installer_name or "an installer" for each in asked if each.result in {None, "credited", "voided"}]
    return f" Of {', '.join(names)}: a debit on the invoice takes it back." if names else ""


# --- what is there ---------------------------------------------------------------------------------------------------


async def pairs_of(file: LeadFile) -> Sequence[Section]:
    pairs = await queries.pairs_of(file.session, file.family)
    others = await _leads(file, [pair.other_id for pair in pairs] + [pair.lead_id for pair in pairs])
    heads = (
        ("Lead", Kind.TEXT),
        ("Score", Kind.NUMBER),
        ("Why", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Found", Kind.AGO),
    )
    rows = [_pair(file, pair, others) for pair in pairs]
    return [Table("Duplicates and merged leads", heads, rows)] if rows else []


async def _leads(file: LeadFile, ids: Sequence[UUID]) -> dict[UUID, Lead]:
    return {lead.id: lead for lead in await file.session.scalars(select(Lead).where(Lead.id.in_(ids)))}


def _pair(file: LeadFile, pair: LeadPair, leads: dict[UUID, Lead]) -> Sequence[Any]:
    other = leads[pair.other_id if pair.lead_id in file.family and pair.other_id != file.lead.id else pair.lead_id]
    said = {"open": "Open", "merged": "Merged", "dismissed": "Not duplicates"}[pair.state]
    return (
        Shown(f"{name_of(other)}, {words(other.service).lower()}", path=f"{PAIRS}/{pair.lead_id}/{pair.other_id}"),
        Shown(pair.score, Kind.NUMBER),
        told_reasons(",".join(pair.reasons)),
        chip("Holds it", "warning") if pair.holds and pair.state == "open" else chip(said),
        Shown(pair.found_at, Kind.AGO),
    )


async def merges_of(file: LeadFile) -> Sequence[Section]:
    merges = await queries.merges_of(file.session, file.family)
    leads = await _leads(file, [each.loser_id for each in merges] + [each.survivor_id for each in merges])
    heads = (("Merged away", Kind.TEXT), ("Into", Kind.TEXT), ("Why", Kind.TEXT), ("By", Kind.TEXT), ("When", Kind.AGO))
    rows = [_merge(each, leads) for each in reversed(merges)]
    return [Table("Merges", heads, rows)] if rows else []


def _merge(merge: Merge, leads: dict[UUID, Lead]) -> Sequence[Any]:
    apart = f", taken apart by {merge.unmerged_by}" if merge.unmerged_at else ""
    return (
        Shown(name_of(leads[merge.loser_id]), path=f"{PATH}/{merge.loser_id}"),
        Shown(name_of(leads[merge.survivor_id]), path=f"{PATH}/{merge.survivor_id}"),
        f"{words(merge.reason_code)}{apart}",
        merge.merged_by,
        Shown(merge.merged_at, Kind.AGO),
    )


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    return [moment for moment in file.audit if moment.what in VERBS.values()]


# --- what is done ----------------------------------------------------------------------------------------------------


@form_at(PATH + "/{lead_id:uuid}/release", WRITE)
async def release_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[ReleaseForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await release_lead(session, ReleaseLead(lead_id, data.reason_code, data.reason, operator, clock.now()))
    return console.redirect(f"{PATH}/{lead_id}?done={LeadAction.RELEASE}")


@form_at(PATH + "/{lead_id:uuid}/reject", WRITE)
async def reject_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[RejectForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await reject_lead(session, RejectLead(lead_id, data.reason_code, data.reason, operator, clock.now()))
    return console.redirect(f"{PATH}/{lead_id}?done={LeadAction.REJECT}")


@form_at(PATH + "/{lead_id:uuid}/unmerge", WRITE)
async def unmerge_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[UnmergeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await unmerge_lead(session, UnmergeLead(lead_id, data.reason_code, data.reason, operator, clock.now()))
    return console.redirect(f"{PATH}/{lead_id}?done={LeadAction.UNMERGE}")


@form_at(PATH + "/{lead_id:uuid}/compare", WRITE)
async def compare_by_form(
    lead_id: FromPath[UUID], data: JSONBody[CompareForm], console: Given[Console], database: Given[Database]
) -> Redirect:
    async with database.reading() as session:
        await queries.lead(session, data.other_id)
    return console.redirect(f"{PAIRS}/{lead_id}/{data.other_id}")


ROUTES = (release_by_form, reject_by_form, unmerge_by_form, compare_by_form)
