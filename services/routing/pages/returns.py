"""Returns: which leads installers want to give back, until when each is decided, and what came of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.business_days import MEANT_NOTE, business_days_until, say_left
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.listing import (
    NOW,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Flag,
    Listing,
    Option,
    Search,
    Tab,
    among,
    routes_of,
)
from chassis.console.wording import counted, words
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.commands.returns import DenyReturn, deny_return
from services.routing.domain.returns import DenialCode, ReturnCode, ReturnState, obstacle_to_deciding
from services.routing.http.returns import DenyBody
from services.routing.models import Dispatch, Installer, Return
from services.routing.pages.return_words import (
    ASKED,
    CREDIT_TONES,
    CREDITS,
    NONE,
    RULES,
    STATES,
    TONES,
)
from services.routing.pages.telling import ASSIGNMENTS, INSTALLERS, lead_title
from services.routing.pages.telling import RETURNS as PATH
from services.routing.queries.installers import names_of

ROOM = "returns"
QUEUE = f"{PATH}?state=requested&sort=due"
WRITE = Capability.WRITE_ROUTING
RECENT = timedelta(days=30)
"""What the figures at home are of."""


class DenyForm(DenyBody, Form):
    """As the JSON route takes it."""


DENY_FIELDS = (
    FormField("denial_code", "Reason", FieldKind.CHOICE, is_required=True, options=options_of(DenialCode)),
    FormField(
        "note",
        "In your own words",
        FieldKind.PROSE,
        is_required=True,
        hint="Goes to the installer by mail, word for word: name no person",
        longest=1000,
    ),
)


async def _look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    query = (
        select(Return, Dispatch, Installer.name)
        .join(Dispatch, Dispatch.lead_id == Return.lead_id)
        .join(Installer, Installer.id == Return.installer_id)
        .where(Return.id.in_(ids))
    )
    return {
        asked.id: Verdict(f"{lead_title(lead)}, from {installer}", obstacle_to_deciding(asked.state) or "")
        for asked, lead, installer in (await session.execute(query)).all()
    }


async def _deny(work: Work) -> None:
    assert isinstance(work.form, DenyForm)  # noqa: S101  # the action's own form
    command = DenyReturn(work.id, work.form.denial_code, work.form.note, work.actor)
    async with work.transaction() as session:
        await deny_return(session, command, work.clock.now())


async def _name_of(session: AsyncSession, installer_id: UUID) -> str | None:
    return (await names_of(session, [installer_id])).get(installer_id)


IS_REQUESTED = Return.state == ReturnState.REQUESTED
DAYS_LEFT = business_days_until(Return.decide_by - timedelta(microseconds=1)) - business_days_until(NOW)
IS_LATE = IS_REQUESTED & (Return.decide_by <= NOW)
CREDIT = case(
    (Return.state != ReturnState.ACCEPTED, None),
    (Return.credit_reason.is_(None), NONE),
    else_=func.coalesce(Return.credit_result, ASKED),
)
_QUOTA = Return.evidence["quota"]
QUOTA = func.concat(_QUOTA["accepted"].astext, " of ", _QUOTA["allowed"].astext, " (", _QUOTA["percent"].astext, " %)")


def _says_lead(row: Row[Any]) -> str:
    return f"{words(row.service)}, {row.lead}"


def _is_late(row: Row[Any], _now: Any) -> bool:
    return row.left is not None and row.left < 0


LISTING = Listing(
    name=ROOM,
    title="Returns",
    noun=("return", "returns"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select()
    .select_from(Return)
    .join(Dispatch, Dispatch.lead_id == Return.lead_id)
    .join(Installer, Installer.id == Return.installer_id),
    key=Return.id,
    one_per=Return,
    order="-asked",
    columns=(
        Column("lead", "Lead", func.concat_ws(" ", Dispatch.suburb, Dispatch.state, Dispatch.postcode), say=_says_lead),
        Column("from", "Installer", Installer.name, path=lambda row: f"{INSTALLERS}/{row.installer_id}"),
        Column("code", "Because", Return.code, Kind.WORD),
        Column("state", "State", Return.state, Kind.CHIP, say=lambda row: STATES[row.state], tone=TONES),
        Column("asked", "Asked for", Return.requested_at, Kind.AGO, sorts=True),
        Column(
            "left",
            "Time left",
            case((IS_REQUESTED, DAYS_LEFT)),
            say=lambda row: say_left(row.left),
            is_late=_is_late,
        ),
        Column(
            "credit",
            "Credit",
            CREDIT,
            Kind.CHIP,
            say=lambda row: CREDITS.get(row.credit, words(row.credit)) if row.credit else None,
            tone=CREDIT_TONES,
        ),
        Column("rule", "What the rule sees", Return.rule_reason, say=lambda row: RULES[row.rule], wraps=True),
        Column("quota", "Quota", QUOTA),
        Column("over_quota", "Over the quota", Return.is_over_quota, Kind.YES_NO, is_extra=True),
        Column("due", "Decide by", Return.decide_by, Kind.INSTANT, sorts=True, is_extra=True),
        Column("decided", "Decided", Return.decided_at, Kind.AGO, is_extra=True),
        Column("decided_by", "Decided by", Return.decided_by_name, is_extra=True),
        Column("by_rule", "By rule", Return.decided_by_rule, Kind.YES_NO, is_extra=True),
        Column("denial", "Denied for", Return.denial_code, Kind.WORD, is_extra=True),
        Column("words", "In their words", Return.words, wraps=True, is_extra=True),
        Column(
            "assignment_id",
            "Assignment id",
            Return.assignment_id,
            Kind.ID,
            path=lambda row: f"{ASSIGNMENTS}/{row.assignment_id}",
            is_extra=True,
        ),
        Column("lead_id", "Lead id", Return.lead_id, Kind.ID, is_extra=True),
    ),
    also={"service": Dispatch.service, "installer_id": Return.installer_id},
    filters=(
        Search(
            "q",
            "Installer, suburb, postcode or id",
            texts=(Installer.name, Dispatch.suburb, Dispatch.postcode),
            ids=(Return.id, Return.assignment_id, Return.lead_id),
        ),
        Choice("state", "State", options=among(Return.state, ReturnState, STATES)),
        Choice("code", "Because", options=among(Return.code, ReturnCode)),
        Choice("decision", "Decision", options=(Option("late", "Late", IS_LATE),)),
        Choice("in", "Region", options=among(Dispatch.state, AustralianState, {s: str(s) for s in AustralianState})),
        Days("asked", "Asked for", column=Return.requested_at),
        Days("decided", "Decided", column=Return.decided_at),
        Flag("over_quota", "Over the quota", condition=Return.is_over_quota),
        Flag("recent", "Last 30 days", condition=Return.requested_at >= NOW - RECENT),
        Exact("installer_id", "Installer", column=Return.installer_id, name_of=_name_of),
        Exact("assignment_id", "Assignment", column=Return.assignment_id),
    ),
    tabs=(
        Tab("To decide", "state=requested&sort=due"),
        Tab("Late", "state=requested&decision=late&sort=due"),
        Tab("Over the quota", "state=requested&over_quota=true&sort=due"),
        Tab("Accepted", "state=accepted"),
        Tab("Denied", "state=denied"),
        Tab("All"),
    ),
    bulk=(
        BulkAction(
            name="deny",
            label="Deny",
            capability=WRITE,
            look=_look,
            do=_deny,
            form=DenyForm,
            fields=DENY_FIELDS,
            effect=lambda number: (
                f"Denies {counted(number, 'return', 'returns')}: the installers keep the leads and stay charged, and "
                "each is told why by mail."
            ),
        ),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    note=f"A return is taken on the assignment's page. Where a rule is sure it is decided at once. {MEANT_NOTE}",
    empty=Empty(
        "No returns here",
        "A return that is taken on an assignment's page comes here, and waits where no rule is sure.",
        "circle-check",
    ),
)

ROUTES = routes_of(LISTING)
