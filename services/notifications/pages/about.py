"""What notifications knows of others' things, for their pages: the mail that was sent about them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind, Shown
from chassis.console.desk import About
from chassis.console.documents import Section, Table, Told
from contracts.identity import Capability
from services.notifications.models import Message
from services.notifications.pages.messages import GONE, PATH, with_id
from services.notifications.pages.words import STANDING_TONES, reason_told
from services.notifications.queries.standings import STANDING

MOST = 20
KINDS = ("lead", "invoice", "installer", "board")


async def _tell(session: AsyncSession, id_: UUID, _now: datetime) -> list[Section]:
    query = (
        select(Message, STANDING.label("standing"))
        .where(with_id(id_))
        .order_by(Message.created_at.desc(), Message.id)
        .limit(MOST + 1)
    )
    found = (await session.execute(query)).all()
    heads = (("To", Kind.TEXT), ("Mail", Kind.WORD), ("State", Kind.CHIP), ("Why", Kind.TEXT), ("Since", Kind.AGO))
    more = ("All of its mail", f"{PATH}?q={id_}") if len(found) > MOST else None
    return [
        Table(
            "Messages",
            heads,
            [_message(message, standing) for message, standing in found[:MOST]],
            empty="No mail was sent.",
            more=more,
        )
    ]


def _message(message: Message, standing: str) -> tuple[Told, ...]:
    return (
        Shown(message.recipient_email or GONE, path=f"{PATH}/{message.id}"),
        Shown(message.purpose, Kind.WORD),
        Shown(standing, Kind.CHIP, tones=STANDING_TONES),
        reason_told(message.reason_code) or "",
        Shown(message.state_since, Kind.AGO),
    )


_TELL: Callable[[AsyncSession, UUID, datetime], Awaitable[list[Section]]] = _tell
ABOUT = tuple(About(kind, Capability.READ_OPS, _TELL) for kind in KINDS)
