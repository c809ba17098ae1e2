"""The exception queue: the list of leads that wait for an operator, and what can be done with many at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    Listing,
    Option,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import counted, sentence, words
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.commands.exceptions import (
    ResolveException,
    RetryDispatch,
    resolve_exception,
    retry_dispatch,
)
from services.routing.domain.queue import QueueAction
from services.routing.domain.states import ExceptionReason
from services.routing.http.exceptions import (
    ResolveBody,
)
from services.routing.http.lead_views import obstacles_of
from services.routing.models import Dispatch, DispatchException
from services.routing.pages.telling import AUTO_DISPATCH, DISPATCHES, lead_title
from services.routing.pages.telling import EXCEPTIONS as PATH
from services.routing.queries import exceptions as queries

ROOM = "exceptions"
QUEUE = f"{PATH}?state=open"
LIMIT = timedelta(hours=1)
"""A lead that waits longer than this for an operator is late."""
WRITE = Capability.WRITE_ROUTING


class RetryForm(Form):
    """Nothing but the session's mark."""


class ResolveForm(ResolveBody, Form):
    """As the JSON route takes it."""


async def _look(session: AsyncSession, ids: Sequence[UUID], action: QueueAction, now: datetime) -> dict[UUID, Verdict]:
    query = (
        select(DispatchException, Dispatch, queries.FREE_SHARES.label("free_shares"))
        .join(Dispatch, Dispatch.lead_id == DispatchException.lead_id)
        .where(DispatchException.id.in_(ids))
    )
    return {
        item.id: Verdict(lead_title(dispatch), obstacles_of(item, dispatch, free_shares, now)[action] or "")
        for item, dispatch, free_shares in (await session.execute(query)).all()
    }


async def _look_retry(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, Verdict]:
    return await _look(session, ids, QueueAction.RETRY, now)


async def _look_resolve(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, Verdict]:
    return await _look(session, ids, QueueAction.RESOLVE, now)


async def _retry(work: Work) -> None:
    async with work.transaction() as session:
        await retry_dispatch(session, RetryDispatch(work.id, work.actor), work.clock.now())


async def _resolve(work: Work) -> None:
    assert isinstance(work.form, ResolveForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        await resolve_exception(session, ResolveException(work.id, work.form.reason, work.actor), work.clock.now())


def _says_lead(row: Row[Any]) -> str:
    return f"{words(row.service)}, {row.lead}"


def _says_state(row: Row[Any]) -> str:
    if row.resolved_at is None:
        return "Waits for you"
    return f"{words(row.resolution)} by {row.resolved_by}"


REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline")

STATE = case((DispatchException.resolved_at.is_(None), "open"), else_="resolved")

LISTING = Listing(
    name=ROOM,
    title="Exceptions",
    noun=("lead", "leads"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(DispatchException).join(Dispatch, Dispatch.lead_id == DispatchException.lead_id),
    key=DispatchException.id,
    order="raised",
    columns=(
        Column("lead", "Lead", func.concat_ws(" ", Dispatch.suburb, Dispatch.state, Dispatch.postcode), say=_says_lead),
        Column(
            "reason",
            "Why it waits",
            DispatchException.reason,
            Kind.CHIP,
            tone=lambda row: "warning" if row.resolved_at is None else "",
        ),
        Column("detail", "What was seen", DispatchException.detail, say=lambda row: sentence(row.detail), wraps=True),
        Column(
            "raised",
            "Raised",
            DispatchException.raised_at,
            Kind.AGO,
            sorts=True,
            is_late=late_after(LIMIT, "raised", unless=lambda row: row.resolved_at is not None),
        ),
        Column("times", "Times", DispatchException.occurrences, Kind.NUMBER, sorts=True),
        Column("state", "State", STATE, say=_says_state),
        Column("path", "Path", Dispatch.selected_path, Kind.WORD, is_extra=True),
        Column("last_raised", "Last raised", DispatchException.last_raised_at, Kind.AGO, sorts=True, is_extra=True),
        Column(
            "lead_id",
            "Lead id",
            DispatchException.lead_id,
            Kind.ID,
            path=lambda row: f"{DISPATCHES}/{row.lead_id}",
            is_extra=True,
        ),
    ),
    also={
        "service": Dispatch.service,
        "resolved_at": DispatchException.resolved_at,
        "resolution": DispatchException.resolution,
        "resolved_by": DispatchException.resolved_by,
    },
    filters=(
        Search(
            "q",
            "Suburb, postcode or id",
            texts=(Dispatch.suburb, Dispatch.postcode),
            ids=(DispatchException.id, DispatchException.lead_id),
        ),
        Choice(
            "state",
            "State",
            options=(
                Option("open", "Waits", DispatchException.resolved_at.is_(None)),
                Option("resolved", "Resolved", DispatchException.resolved_at.is_not(None)),
            ),
        ),
        Choice("reason", "Why it waits", options=among(DispatchException.reason, ExceptionReason)),
        Choice("in", "Region", options=among(Dispatch.state, AustralianState, {s: str(s) for s in AustralianState})),
        Days("raised", "Raised", column=DispatchException.raised_at),
    ),
    tabs=(Tab("Waits for you", "state=open"), Tab("Resolved", "state=resolved"), Tab("All")),
    bulk=(
        BulkAction(
            name="retry",
            label="Retry dispatch",
            capability=WRITE,
            look=_look_retry,
            do=_retry,
            form=RetryForm,
            effect=lambda number: (
                f"Runs dispatch again for {counted(number, 'lead', 'leads')}, by the rules and caps of now. Each "
                "installer that is chosen gets its lead by its channel and is billed once it is sent."
            ),
        ),
        BulkAction(
            name="resolve",
            label="Set aside",
            capability=WRITE,
            look=_look_resolve,
            do=_resolve,
            form=ResolveForm,
            fields=(REASON,),
            effect=lambda number: (
                f"Takes {counted(number, 'item', 'items')} out of the queue. The leads stay as they are, "
                "and nobody is charged."
            ),
        ),
    ),
    links=(("Auto-dispatch", AUTO_DISPATCH, Capability.READ_OPS),),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "Nothing waits",
        "A lead that finds no installer, or whose delivery failed, comes here by itself.",
        "circle-check",
    ),
)


ROUTES = routes_of(LISTING)
