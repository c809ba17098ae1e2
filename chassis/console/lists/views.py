"""Saved views: a list's query under a name, of one's own or shared with everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from sqlalchemy import Row, String, Uuid, bindparam, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor, Subject, record
from chassis.console.lists.asking import Asked
from chassis.console.lists.declaration import Listing
from chassis.console.lists.filters import SEARCHED
from chassis.database import locked_by_name
from chassis.errors import NotFound, Refusal
from chassis.ids import new_id
from chassis.tables import saved_views

MOST_VIEWS = 40
"""Of one person and list: more tabs than that are no help."""


class TooManyViews(Refusal):
    code = "too_many_views"
    title = "Too many saved views"


class NotYourView(Refusal):
    code = "not_your_view"
    title = "Somebody else's view"
    status = Refusal.status.FORBIDDEN


@dataclass(frozen=True, slots=True)
class SaveView:
    asked: Asked
    name: str
    is_shared: bool
    actor: Actor

    @property
    def query(self) -> str:
        return self.asked.query


_LIST, _OWNER = bindparam("list_name", type_=String), bindparam("owner", type_=Uuid)

# Every page of a list asks for them: the statement is made once.
_VIEWS = (
    select(saved_views)
    .where(saved_views.c.list == _LIST)
    .where(or_(saved_views.c.owner_id == _OWNER, saved_views.c.is_shared))
    .order_by(saved_views.c.owner_id != _OWNER, saved_views.c.created_at, saved_views.c.id)
    .limit(3 * MOST_VIEWS)
)


async def views_of(session: AsyncSession, list_name: str, owner_id: UUID) -> Sequence[Row[Any]]:
    """One's own first, then what others share."""
    return (await session.execute(_VIEWS, {_LIST.key: list_name, _OWNER.key: owner_id})).all()


async def save_view(session: AsyncSession, command: SaveView, now: datetime) -> UUID:
    """Under a name that the owner has already, the view is replaced."""
    list_name, owner_id = command.asked.listing.name, command.actor.id
    own = saved_views.c.list == list_name, saved_views.c.owner_id == owner_id
    # One person saves one view after another: no two requests count past the limit.
    await locked_by_name(session, f"views {list_name} {owner_id}")
    replacing = delete(saved_views).where(*own, saved_views.c.name == command.name).returning(saved_views)
    replaced = (await session.execute(replacing)).one_or_none()
    count = await session.scalar(select(func.count()).select_from(saved_views).where(*own))
    if (count or 0) >= MOST_VIEWS:
        raise TooManyViews(f"you have {MOST_VIEWS} views of this list: remove one first")
    view_id = new_id()
    values = {"name": command.name, "query": command.query, "is_shared": command.is_shared}
    await session.execute(
        insert(saved_views).values(
            id=view_id,
            list=list_name,
            owner_id=owner_id,
            owner_name=command.actor.name,
            created_at=now,
            **values,
        )
    )
    await record(
        session,
        actor=command.actor,
        action="replace_view" if replaced else "save_view",
        subject=Subject("list", list_name),
        before=_told(command.asked.listing, replaced) if replaced else None,
        after=_told(command.asked.listing, command),
    )
    return view_id


def _told(listing: Listing, view: Row[Any] | SaveView) -> dict[str, Any]:
    """One that was kept may ask for what the list has no more: it is told as it was."""
    searches = {each.name for each in listing.filters if each.is_search}
    pairs = [(name, SEARCHED if name in searches else value) for name, value in parse_qsl(view.query)]
    return {"name": view.name, "query": urlencode(pairs), "is_shared": view.is_shared}


async def remove_view(session: AsyncSession, listing: Listing, view_id: UUID, actor: Actor) -> None:
    """Only its owner's to take away."""
    query = select(saved_views).where(saved_views.c.id == view_id, saved_views.c.list == listing.name).with_for_update()
    view = NotFound.unless((await session.execute(query)).one_or_none(), "there is no such view", view_id=view_id)
    if view.owner_id != actor.id:
        raise NotYourView(f"the view is {view.owner_name}'s, who can remove it")
    await session.execute(delete(saved_views).where(saved_views.c.id == view_id))
    await record(
        session,
        actor=actor,
        action="remove_view",
        subject=Subject("list", listing.name),
        before=_told(listing, view),
    )
