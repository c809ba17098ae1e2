"""What can be done with many items of the exception queue at once."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import counted
from services.routing.commands.exceptions import (
    AssignByHand,
    ResolveException,
    RetryDispatch,
    assign_by_hand,
    resolve_exception,
    retry_dispatch,
)
from services.routing.commands.owning import HandOverException, hand_over_exception
from services.routing.commands.rejecting import RejectException, reject_exception
from services.routing.commands.snoozing import SnoozeException, snooze_exception
from services.routing.domain.queue import QueueAction
from services.routing.http.fields import Note
from services.routing.http.lead_views import obstacles_of
from services.routing.models import Dispatch, DispatchException
from services.routing.pages.exception_forms import (
    REASON,
    REJECT_FIELDS,
    SNOOZE_NOTE,
    WRITE,
    HandOverForm,
    RejectForm,
    ResolveForm,
    RetryForm,
    hand_over_fields,
)
from services.routing.pages.telling import lead_title
from services.routing.queries import exceptions as queries
from services.routing.queries.arrays import among
from services.routing.queries.installers import active_by_name
from services.routing.queries.operators import operator_name

FormT = TypeVar("FormT", bound=Form)
NEEDS_NOTE = "somebody has it: who gets it needs a note"
HOURS = (("1", "An hour"), ("4", "Four hours"), ("24", "A day"), ("72", "Three days"), ("168", "A week"))


class GiveForm(Form):
    installer_id: Annotated[UUID, Field(strict=False)]
    reason: Note | None = None


class ManySnoozeForm(Form):
    hours: Annotated[int, Field(strict=False, ge=1, le=168)]
    note: Note


async def _rows(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[tuple[DispatchException, Dispatch, int]]:
    query = (
        select(DispatchException, Dispatch, queries.FREE_SHARES)
        .join(Dispatch, Dispatch.lead_id == DispatchException.lead_id)
        .where(among(DispatchException.id, ids))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


def _looking(action: QueueAction) -> Callable[[AsyncSession, Sequence[UUID], datetime], Awaitable[dict[UUID, Verdict]]]:
    async def look(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, Verdict]:
        return {
            item.id: Verdict(lead_title(dispatch), obstacles_of(item, dispatch, free, now)[action] or "")
            for item, dispatch, free in await _rows(session, ids)
        }

    return look


async def _look_at_hand_over(
    session: AsyncSession, ids: Sequence[UUID], form: HandOverForm, _now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    owner = await operator_name(session, form.owner_id) or "who is not known here"
    return {item.id: _handed_over(item, lead_title(lead), form, owner) for item, lead, _ in await _rows(session, ids)}


def _handed_over(item: DispatchException, name: str, form: HandOverForm, owner: str) -> Verdict:
    if not item.is_open:
        return Verdict(name, "it is resolved")
    if item.owner_id == form.owner_id:
        return Verdict(name, f"{owner} has it already")
    if item.owner_id is not None and not form.note:
        return Verdict(name, NEEDS_NOTE)
    return Verdict(name, effect=f"{item.owner_name or 'Nobody'} → {owner}")


def _doing(
    form_type: type[FormT], deed: Callable[[AsyncSession, Work, FormT, datetime], Awaitable[object]]
) -> Callable[[Work], Awaitable[None]]:
    async def do(work: Work) -> None:
        assert isinstance(work.form, form_type)  # noqa: S101  # the action's own form
        async with work.transaction() as session:
            await deed(session, work, work.form, work.clock.now())

    return do


async def _retry(session: AsyncSession, work: Work, _form: RetryForm, now: datetime) -> None:
    await retry_dispatch(session, RetryDispatch(work.id, work.actor), now)


async def _give(session: AsyncSession, work: Work, form: GiveForm, now: datetime) -> None:
    await assign_by_hand(session, AssignByHand(work.id, (form.installer_id,), work.actor, form.reason), now)


async def _hand_over(session: AsyncSession, work: Work, form: HandOverForm, now: datetime) -> None:
    await hand_over_exception(session, HandOverException(work.id, form.owner_id, form.note, work.actor), now)


async def _snooze(session: AsyncSession, work: Work, form: ManySnoozeForm, now: datetime) -> None:
    until = now + timedelta(hours=form.hours)
    await snooze_exception(session, SnoozeException(work.id, until, form.note, work.actor), now)


async def _reject(session: AsyncSession, work: Work, form: RejectForm, now: datetime) -> None:
    await reject_exception(session, RejectException(work.id, form.reason, form.note, work.actor), now)


async def _resolve(session: AsyncSession, work: Work, form: ResolveForm, now: datetime) -> None:
    await resolve_exception(session, ResolveException(work.id, form.reason, work.actor), now)


async def _give_fields(session: AsyncSession) -> Sequence[FormField]:
    options = [(str(id_), name) for id_, name in await active_by_name(session)]
    return (
        FormField("installer_id", "Installer", FieldKind.CHOICE, is_required=True, options=options),
        FormField("reason", "Reason", FieldKind.PROSE, hint="Stands in each decision"),
    )


BULK = (
    BulkAction(
        name="retry",
        label="Retry dispatch",
        capability=WRITE,
        look=_looking(QueueAction.RETRY),
        do=_doing(RetryForm, _retry),
        form=RetryForm,
        effect=lambda number: (
            f"Runs dispatch again for {counted(number, 'lead', 'leads')}, by the rules and caps of now. Each "
            "installer that is chosen gets its lead by its channel and is billed once it is sent."
        ),
    ),
    BulkAction(
        name="assign",
        label="Assign to an installer",
        capability=WRITE,
        look=_looking(QueueAction.ASSIGN),
        do=_doing(GiveForm, _give),
        form=GiveForm,
        fields=_give_fields,
        effect=lambda number: (
            f"Gives {counted(number, 'lead', 'leads')} to one installer, whatever its territory, as far as its caps "
            "go; each is billed once it is sent."
        ),
    ),
    BulkAction(
        name="hand-over",
        label="Hand over",
        capability=WRITE,
        look=_looking(QueueAction.HAND_OVER),
        look_with=_look_at_hand_over,
        do=_doing(HandOverForm, _hand_over),
        form=HandOverForm,
        fields=hand_over_fields,
        effect=lambda number: f"Gives {counted(number, 'item', 'items')} to one operator, whoever has them now.",
    ),
    BulkAction(
        name="snooze",
        label="Snooze",
        capability=WRITE,
        look=_looking(QueueAction.SNOOZE),
        do=_doing(ManySnoozeForm, _snooze),
        form=ManySnoozeForm,
        fields=(FormField("hours", "For", FieldKind.CHOICE, is_required=True, options=HOURS), SNOOZE_NOTE),
        effect=lambda number: (
            f"Puts {counted(number, 'item', 'items')} off: until then nothing is tried and nobody is called. They "
            "wake by themselves."
        ),
    ),
    BulkAction(
        name="reject",
        label="Reject",
        capability=WRITE,
        look=_looking(QueueAction.REJECT),
        do=_doing(RejectForm, _reject),
        form=RejectForm,
        fields=REJECT_FIELDS,
        effect=lambda number: f"Closes {counted(number, 'lead', 'leads')} for good: nobody gets them.",
        destroys=True,
    ),
    BulkAction(
        name="resolve",
        label="Set aside",
        capability=WRITE,
        look=_looking(QueueAction.RESOLVE),
        do=_doing(ResolveForm, _resolve),
        form=ResolveForm,
        fields=(REASON,),
        effect=lambda number: (
            f"Takes {counted(number, 'item', 'items')} out of the queue. The leads stay as they are, "
            "and nobody is charged."
        ),
    ),
)
