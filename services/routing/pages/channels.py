"""Delivery channels: how each installer gets its leads, how that goes, and which breakers hold leads back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.desk import Backlog, Waiting
from chassis.console.listing import Choice, Column, Empty, Exact, Flag, Listing, Search, Tab, among, routes_of
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.routing.commands.endpoints import CloseBreaker, close_breaker
from services.routing.domain.delivering import DeliveryAction, obstacle_to
from services.routing.domain.states import BreakerState, Channel
from services.routing.http.fields import Note
from services.routing.models import DeliveryEndpoint, Installer
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.reasons import REASON
from services.routing.pages.telling import BREAKER_TONES, INSTALLERS
from services.routing.pages.telling import DELIVERY_CHANNELS as PATH
from services.routing.queries.channels import HOST, IS_USED, ON_THEIR_WAY, ROWS
from services.routing.queries.installers import names_of

ROOM = "delivery-channels"
HELD_BACK = f"{PATH}?breaker=open&breaker=half_open"


class CloseForm(Form):
    reason: Note


async def _look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    query = (
        select(DeliveryEndpoint.id, DeliveryEndpoint.channel, DeliveryEndpoint.breaker, Installer.name)
        .join(Installer, Installer.id == DeliveryEndpoint.installer_id)
        .where(DeliveryEndpoint.id.in_(ids))
    )
    return {
        row.id: Verdict(
            f"{row.name}, by {row.channel}",
            obstacle_to(DeliveryAction.CLOSE_BREAKER, has_webhook=True, breaker=row.breaker) or "",
        )
        for row in await session.execute(query)
    }


async def _close(work: Work) -> None:
    assert isinstance(work.form, CloseForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        endpoint = await session.scalar(select(DeliveryEndpoint).where(DeliveryEndpoint.id == work.id))
        assert endpoint is not None  # noqa: S101  # endpoints stay for good
        command = CloseBreaker(endpoint.installer_id, endpoint.channel, work.form.reason, work.actor)
        await close_breaker(session, command, work.clock.now())


async def _name_of(session: AsyncSession, installer_id: UUID) -> str | None:
    return (await names_of(session, [installer_id])).get(installer_id)


def _says_channel(row: Row[Any]) -> str:
    return words(row.channel) + ("" if row.used else ", not in use")


LISTING = Listing(
    name=ROOM,
    title="Delivery channels",
    noun=("channel", "channels"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=DeliveryEndpoint.id,
    order="installer",
    columns=(
        Column("installer", "Installer", Installer.name, sorts=True),
        Column("channel", "Channel", DeliveryEndpoint.channel, say=_says_channel),
        Column("host", "To", HOST),
        Column("breaker", "Breaker", DeliveryEndpoint.breaker, Kind.CHIP, tone=BREAKER_TONES),
        Column("failures", "Failed in a row", DeliveryEndpoint.failures_in_row, Kind.NUMBER, sorts=True),
        Column("probe", "Tried from", DeliveryEndpoint.probe_at, Kind.INSTANT),
        Column("on_their_way", "On their way", ON_THEIR_WAY, Kind.NUMBER),
        Column("accepted", "Last taken", DeliveryEndpoint.last_accepted_at, Kind.AGO),
        Column("tested", "Tested", DeliveryEndpoint.tested_at, Kind.AGO),
        Column("opened", "Opened", DeliveryEndpoint.opened_at, Kind.AGO, is_extra=True),
        Column("opens", "Times opened", DeliveryEndpoint.opens, Kind.NUMBER, is_extra=True),
        Column("used", "In use", IS_USED, Kind.YES_NO, is_extra=True),
        Column("installer_id", "Installer id", DeliveryEndpoint.installer_id, Kind.ID, is_extra=True),
    ),
    filters=(
        Search("q", "Installer, host or id", texts=(Installer.name, HOST), ids=(DeliveryEndpoint.installer_id,)),
        Choice("breaker", "Breaker", options=among(DeliveryEndpoint.breaker, BreakerState)),
        Choice("channel", "Channel", options=among(DeliveryEndpoint.channel, Channel)),
        Flag("used", "In use", condition=IS_USED),
        Exact("installer_id", "Installer", column=DeliveryEndpoint.installer_id, name_of=_name_of),
    ),
    tabs=(
        Tab("Open breakers", "breaker=open&breaker=half_open"),
        Tab("Webhooks", "channel=webhook"),
        Tab("All"),
    ),
    bulk=(
        BulkAction(
            name="close",
            label="Close breakers",
            capability=WRITE,
            look=_look,
            do=_close,
            form=CloseForm,
            fields=(REASON,),
            effect=lambda number: (
                f"Lets deliveries through {counted(number, 'channel', 'channels')} again: what waits is delivered "
                "from now on. Each opens again if deliveries go on failing."
            ),
        ),
    ),
    document=lambda row: f"{INSTALLERS}/{row.installer_id}",
    note="A breaker opens after 5 webhooks or 3 mails that failed in a row, and holds leads back until one is taken.",
    empty=Empty(
        "No channel holds leads back",
        "A channel whose deliveries fail again and again comes here by itself.",
        "circle-check",
    ),
)


def _are_held_back(number: int) -> str:
    return f"{counted(number, 'delivery channel holds', 'delivery channels hold')} leads back"


async def _count_held_back(session: AsyncSession, _now: datetime) -> Backlog:
    query = (
        select(func.count(), func.min(DeliveryEndpoint.opened_at))
        .join(Installer, Installer.id == DeliveryEndpoint.installer_id)
        .where(DeliveryEndpoint.breaker != BreakerState.CLOSED, IS_USED)
    )
    return Backlog(*(await session.execute(query)).one())


WAITING = (Waiting(ROOM, Capability.READ_OPS, _are_held_back, f"{HELD_BACK}&used=true", _count_held_back),)
ROUTES = routes_of(LISTING)
