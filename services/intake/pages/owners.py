"""Who has what, in the list of leads: its columns, filters and views, and giving many leads to somebody at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import ME, Choice, Column, Filter, Offered, Option, Tab
from chassis.console.wording import counted, words
from chassis.http import Operator, Text
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.ownership import NEEDS_NOTE, AssignOwner, assign_owner
from services.intake.domain import OwnerDeed, obstacle_to_owning
from services.intake.models import Lead
from services.intake.queries.leads import IS_WAITING

PATH = "/console/leads"
WRITE = Capability.WRITE_ROUTING
MINE, UNOWNED = "owner=mine&sort=received", "owner=unowned&sort=received"

NOTE = FormField("note", "Note for who gets it", FieldKind.PROSE, hint="Needed where somebody has it already")


async def owner_options(session: AsyncSession, me: Operator | None = None) -> list[tuple[str, str]]:
    """By name; whoever looks is first, where they do the work, and known even before identity has told of them."""
    known = [(str(each.operator_id), each.name) for each in await queries.operators_who_may_own(session)]
    if me is None or not me.can(WRITE):
        return known
    return [(str(me.id), f"{me.name} (you)"), *(each for each in known if each[0] != str(me.id))]


def owner_filters(owner_id: Any, is_waiting: Any, name: str = "owner") -> tuple[Filter, ...]:
    """`is_waiting` narrows what is nobody's to what still needs somebody."""
    return (
        Choice(
            name,
            "Owner",
            options=(
                Option("mine", "Mine", owner_id == ME),
                Option("unowned", "Unowned", owner_id.is_(None) & is_waiting),
            ),
        ),
        Offered(f"{name}_id", "Owned by", column=owner_id, name_of=queries.operator_name, offers=owner_options),
    )


def _path_of_owner(row: Row[Any]) -> str:
    return f"{PATH}?owner_id={row.owner_id}" if row.owner_id else ""


COLUMNS = (
    Column("owner", "Owner", Lead.owner_name, path=_path_of_owner),
    Column("owner_since", "Owner since", Lead.owner_since, Kind.AGO, is_extra=True),
)
ALSO = {"owner_id": Lead.owner_id}
FILTERS = owner_filters(Lead.owner_id, IS_WAITING)
TABS = (Tab("Mine", MINE), Tab("Unowned", UNOWNED))


class AssignForm(Form):
    owner_id: Annotated[UUID, Field(strict=False)]
    note: Text | None = None


class TakeForm(Form):
    """Nothing but the session's mark."""


NOBODY = "nobody"
OwnerChoice = Annotated[UUID | None, BeforeValidator(lambda written: None if written == NOBODY else written)]
"""An operator, or nobody: what a form leaves empty is neither."""


async def _assign_fields(session: AsyncSession) -> Sequence[FormField]:
    options = await owner_options(session)
    return (FormField("owner_id", "Owner", FieldKind.CHOICE, options=options, is_required=True), NOTE)


async def _rows(session: AsyncSession, ids: Sequence[UUID]) -> list[Any]:
    columns = (Lead.id, Lead.service, Lead.suburb, Lead.state, Lead.postcode, Lead.status)
    query = select(*columns, Lead.owner_id, Lead.owner_name).where(Lead.id.in_(ids))
    return list(await session.execute(query))


def _name(row: Row[Any]) -> str:
    """A job is kept: its rows are told by what was asked for and where, not by whose they are."""
    return f"{words(row.service)}, {row.suburb} {row.state} {row.postcode}"


async def _look_assign(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    return {row.id: Verdict(_name(row), _in_the_way(row)) for row in await _rows(session, ids)}


def _in_the_way(row: Row[Any]) -> str:
    is_owned = row.owner_id is not None
    deed = OwnerDeed.HAND_OVER if is_owned else OwnerDeed.ASSIGN
    return obstacle_to_owning(deed, row.status, is_owned=is_owned) or ""


async def _look_at_assignment(
    session: AsyncSession, ids: Sequence[UUID], form: AssignForm, _now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    owner = await queries.operator_name(session, form.owner_id) or "who is not known here"
    return {row.id: _verdict(row, form, owner) for row in await _rows(session, ids)}


def _verdict(row: Row[Any], form: AssignForm, owner: str) -> Verdict:
    name, why_not = _name(row), _in_the_way(row)
    if why_not:
        return Verdict(name, why_not)
    if row.owner_id == form.owner_id:
        return Verdict(name, f"{owner} has it already")
    if row.owner_id is None:
        return Verdict(name, effect=f"nobody → {owner}")
    if not form.note:
        return Verdict(name, f"{row.owner_name} has it: {NEEDS_NOTE}")
    return Verdict(name, effect=f"{row.owner_name} → {owner}")


async def _assign(work: Work) -> None:
    form = work.form
    assert isinstance(form, AssignForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        command = AssignOwner(work.id, form.owner_id, form.note, work.actor, work.clock.now())
        await assign_owner(session, command)


async def _look_take(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    return {row.id: Verdict(_name(row), _not_to_be_taken(row)) for row in await _rows(session, ids)}


def _not_to_be_taken(row: Row[Any]) -> str:
    return obstacle_to_owning(OwnerDeed.TAKE, row.status, is_owned=row.owner_id is not None) or ""


async def _take(work: Work) -> None:
    async with work.transaction() as session:
        await assign_owner(session, AssignOwner(work.id, work.actor.id, None, work.actor, work.clock.now()))


BULK = (
    BulkAction(
        name=OwnerDeed.TAKE,
        label="Take",
        capability=WRITE,
        look=_look_take,
        do=_take,
        form=TakeForm,
        effect=lambda number: f"Makes you the owner of {counted(number, 'lead', 'leads')} that nobody has.",
    ),
    BulkAction(
        name=OwnerDeed.ASSIGN,
        label="Assign",
        capability=WRITE,
        look=_look_assign,
        look_with=_look_at_assignment,
        do=_assign,
        form=AssignForm,
        fields=_assign_fields,
        effect=lambda number: (
            f"Gives {counted(number, 'lead', 'leads')} to one operator. Who had one hands it over, with the note."
        ),
    ),
)
