"""Suppressions: the addresses that get no mail for a while, why, and the form that adds one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from sqlalchemy import ColumnElement, Row, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import NOW, Choice, Column, Days, Empty, Listing, Option, Tab, among, routes_of
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.notifications.commands.suppressions import lift_suppression
from services.notifications.domain.replies import SuppressionSource
from services.notifications.domain.suppressions import obstacle_to_lifting
from services.notifications.http.suppressions import LiftSuppression, NewSuppression, add_suppression
from services.notifications.models import Message, Suppression
from services.notifications.pages.searching import MailSearch
from services.notifications.pages.words import SOURCES, SUPPRESSION_TONES, reason_told
from services.notifications.queries.suppressions import KNOWN_ADDRESS
from services.notifications.settings import Settings

ROOM = "suppressions"
PATH = "/console/suppressions"
QUEUE = f"{PATH}?state=in_force"
WRITE = Capability.WRITE_ROUTING


class NewSuppressionForm(NewSuppression, Form):
    """As the JSON route takes it."""


class LiftForm(LiftSuppression, Form):
    """As the JSON route takes it."""


_ADDRESS = func.coalesce(KNOWN_ADDRESS, func.concat("Not kept: ", func.left(Suppression.address_hash, 8)))
_HOLDS = Suppression.lifted_at.is_(None) & (Suppression.expires_at > NOW)
_HAS_EXPIRED = Suppression.lifted_at.is_(None) & (Suppression.expires_at <= NOW)
_STATE = case(
    (Suppression.lifted_at.is_not(None), "lifted"), (Suppression.expires_at > NOW, "in_force"), else_="expired"
)


def _by_id(id_: UUID) -> ColumnElement[bool]:
    return or_(Suppression.id == id_, Suppression.message_id == id_)


def _by_part(text: str) -> ColumnElement[bool]:
    """Of an address that some mail still has, or of what was said of it."""
    hashes = select(Message.recipient_hash).where(Message.recipient_email.icontains(text, autoescape=True))
    return or_(Suppression.address_hash.in_(hashes), Suppression.detail.icontains(text, autoescape=True))


async def _look_lift(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, Verdict]:
    found = await session.execute(select(Suppression, _ADDRESS).where(Suppression.id.in_(ids)))
    return {
        row.id: Verdict(str(address), obstacle_to_lifting(row.lifted_at, row.expires_at, now) or "")
        for row, address in found.all()
    }


async def _lift(work: Work) -> None:
    assert isinstance(work.form, LiftForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        await lift_suppression(session, work.id, work.actor, work.form.reason, work.clock.now())


def _says_reason(row: Row[Any]) -> str:
    return reason_told(row.reason)


REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=500)

LISTING = Listing(
    name=ROOM,
    title="Suppressions",
    noun=("address", "addresses"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Suppression),
    key=Suppression.id,
    order="-created",
    columns=(
        Column("address", "Address", _ADDRESS),
        Column("state", "State", _STATE, Kind.CHIP, tone=SUPPRESSION_TONES),
        Column("reason", "Why", Suppression.reason_code, say=_says_reason),
        Column("detail", "Detail", Suppression.detail, wraps=True),
        Column("source", "Source", Suppression.source, say=lambda row: SOURCES[row.source]),
        Column("created", "Since", Suppression.created_at, Kind.AGO, sorts=True),
        Column("expires", "Expires", Suppression.expires_at, Kind.DAY, sorts=True),
        Column("lifted", "Lifted", Suppression.lifted_at, Kind.AGO, is_extra=True),
        Column("lifted_by", "Lifted by", Suppression.lifted_by, is_extra=True),
        Column("lifted_reason", "Why lifted", Suppression.lifted_reason, wraps=True, is_extra=True),
        Column("address_hash", "SHA-256 of the address", Suppression.address_hash, Kind.ID, is_extra=True),
        Column("suppression_id", "Suppression id", Suppression.id, Kind.ID, is_extra=True),
    ),
    filters=(
        MailSearch("q", "Address or id", Suppression.address_hash, _by_id, _by_part),
        Choice(
            "state",
            "State",
            options=(
                Option("in_force", "In force", _HOLDS),
                Option("lifted", "Lifted", Suppression.lifted_at.is_not(None)),
                Option("expired", "Expired", _HAS_EXPIRED),
            ),
        ),
        Choice("source", "Source", options=among(Suppression.source, SuppressionSource, SOURCES)),
        Days("added", "Added", column=Suppression.created_at),
    ),
    tabs=(Tab("In force", "state=in_force"), Tab("Over", "state=lifted&state=expired"), Tab("All")),
    bulk=(
        BulkAction(
            name="lift",
            label="Lift",
            capability=WRITE,
            look=_look_lift,
            do=_lift,
            form=LiftForm,
            fields=(REASON,),
            effect=lambda number: (
                f"Lets {counted(number, 'address', 'addresses')} have mail again. What was stopped meanwhile is not "
                "sent by itself."
            ),
        ),
    ),
    links=(("Suppress an address", f"{PATH}/new", WRITE),),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "Nobody is suppressed", "An address whose server says that it does not exist comes here by itself.", "ban"
    ),
    note="Only a hash is kept of each address: it is shown where a message still has it.",
    holds_personal_data=True,
)


@page_at(f"{PATH}/new", WRITE)
async def show_new_suppression(
    request: Request[Any, Any, Any], console: Given[Console], settings: Given[Settings], operator: Given[Operator]
) -> Response[str]:
    days = counted(settings.suppression_days, "day", "days")
    action = Action(
        "suppress",
        "Suppress address",
        f"{PATH}/new",
        effect=f"Nothing more is mailed to it for {days}: no leads, no invoices, no replies.",
        fields=(FormField("email", "E-mail", FieldKind.EMAIL, is_required=True, longest=254), REASON),
        **refused(operator, WRITE),
    )
    context = {"title": "Suppress an address", "up": ("Suppressions", QUEUE), "action": action}
    return console.page(request, "new.html", context, room=ROOM)


@form_at(f"{PATH}/new", WRITE)
async def suppress_by_form(
    data: JSONBody[NewSuppressionForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    asked = NewSuppression(email=data.email, reason=data.reason)
    row = await add_suppression.fn(asked, database, clock, settings, operator)
    return console.redirect(f"{PATH}/{row.id}")


ROUTES = (*routes_of(LISTING), show_new_suppression, suppress_by_form)
