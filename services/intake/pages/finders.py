"""What is found here by what people have at hand of it: an id, a number, a name, an address."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Finder, Hit
from chassis.console.wording import money, words
from contracts.identity import Capability
from services.intake.models import Board, Client, Lead, LeadSource
from services.intake.pages import boards, clients, leads, sources
from services.intake.pages.clients import without_separators
from services.intake.pages.leads_found import BY_MERGED
from services.intake.queries.leads import NOBODY
from services.intake.queries.search import Search


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _holds(text: str, *columns: Any) -> ColumnElement[bool]:
    return or_(false(), *(column.icontains(text, autoescape=True) for column in columns))


async def _find_leads(session: AsyncSession, text: str) -> list[Hit]:
    found = await session.execute(_leads_like(text).limit(MOST_HITS))
    return [
        Hit(
            lead.name or NOBODY,
            f"{words(lead.status)}, {words(lead.service).lower()}, {lead.suburb} {lead.state} {lead.postcode}"
            + ("" if is_found_itself else f", {BY_MERGED}"),
            f"{leads.PATH}/{lead.id}",
        )
        for lead, is_found_itself in found
    ]


def _leads_like(text: str) -> Select[Lead, bool]:
    search, id_ = Search.of(text), _id_of(text)
    wanted = search.condition() if id_ is None else Lead.id == id_
    by_itself = search.own() if id_ is None else true()
    return select(Lead, by_itself).where(wanted).order_by(Lead.received_at.desc(), Lead.id.desc())


async def _find_boards(session: AsyncSession, text: str) -> list[Hit]:
    like = _holds(text, Board.title, Board.purchase_order, Client.name)
    query = select(Board, Client.name).join(Client).where(or_(like, Board.id == _id_of(text)))
    found = await session.execute(query.order_by(Board.opened_at.desc(), Board.id.desc()).limit(MOST_HITS))
    return [
        Hit(
            board.title,
            f"{words(board.status)}, {client}, {money(board.contracted_amount_cents)}",
            f"{boards.PATH}/{board.id}",
        )
        for board, client in found
    ]


async def _find_clients(session: AsyncSession, text: str) -> list[Hit]:
    like = _holds(text, Client.name, Client.billing_name, Client.billing_email)
    if abn := without_separators(text):
        like = or_(like, _holds(abn, Client.abn))
    query = select(Client).where(or_(like, Client.id == _id_of(text)))
    found = await session.scalars(query.order_by(Client.name, Client.id).limit(MOST_HITS))
    return [
        Hit(client.name, f"ABN {client.abn}" if client.abn else client.billing_name, f"{clients.PATH}/{client.id}")
        for client in found
    ]


async def _find_sources(session: AsyncSession, text: str) -> list[Hit]:
    query = select(LeadSource).where(or_(_holds(text, LeadSource.name), LeadSource.id == _id_of(text)))
    found = await session.scalars(query.order_by(LeadSource.name, LeadSource.id).limit(MOST_HITS))
    return [
        Hit(source.name, "Active" if source.revoked_at is None else "Revoked", f"{sources.PATH}/{source.id}")
        for source in found
    ]


FINDERS = (
    Finder("Leads", Capability.READ_OPS, _find_leads),
    Finder("Boards", Capability.READ_OPS, _find_boards),
    Finder("Clients", Capability.READ_OPS, _find_clients),
    Finder("Lead sources", Capability.READ_OPS, _find_sources),
)
