"""Clients, boards and NDAs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.intake.domain import BoardStatus
from services.intake.errors import (
    BoardNotFound,
    ClientNotFound,
)
from services.intake.models import Board, Client, Nda


async def client(session: AsyncSession, client_id: UUID, *, for_update: bool = False) -> Client:
    return ClientNotFound.unless(
        await session.get(Client, client_id, with_for_update=for_update or None), "no such client", client_id=client_id
    )


async def board(session: AsyncSession, board_id: UUID, *, for_update: bool = False) -> Board:
    return BoardNotFound.unless(
        await session.get(Board, board_id, with_for_update=for_update or None), "no such board", board_id=board_id
    )


async def list_clients(session: AsyncSession, page: PageRequest, *, abn: str | None) -> Sequence[Client]:
    query = select(Client)
    if abn is not None:
        query = query.where(Client.abn == abn)
    return (await session.scalars(page.apply(query, Client.created_at, Client.id))).all()


async def list_boards(
    session: AsyncSession, page: PageRequest, *, client_id: UUID | None, status: BoardStatus | None
) -> Sequence[Board]:
    query = select(Board)
    if client_id is not None:
        query = query.where(Board.client_id == client_id)
    if status is not None:
        query = query.where(Board.status == status)
    return (await session.scalars(page.apply(query, Board.opened_at, Board.id))).all()


async def client_name(session: AsyncSession, client_id: UUID) -> str | None:
    return await session.scalar(select(Client.name).where(Client.id == client_id))


async def client_names(session: AsyncSession) -> Sequence[Row[UUID, str]]:
    """Id and name of each, by name."""
    return (await session.execute(select(Client.id, Client.name).order_by(func.lower(Client.name), Client.id))).all()


async def board_title(session: AsyncSession, board_id: UUID) -> str | None:
    return await session.scalar(select(Board.title).where(Board.id == board_id))


async def latest_boards(session: AsyncSession, client_id: UUID, limit: int) -> Sequence[Board]:
    query = select(Board).where(Board.client_id == client_id).order_by(Board.opened_at.desc(), Board.id.desc())
    return (await session.scalars(query.limit(limit))).all()


async def open_boards(session: AsyncSession, client_id: UUID) -> int:
    query = select(func.count()).where(Board.client_id == client_id, Board.status == BoardStatus.OPEN)
    return (await session.execute(query)).scalar_one()


async def list_ndas(
    session: AsyncSession, page: PageRequest, *, board_id: UUID | None, client_id: UUID | None
) -> Sequence[tuple[Nda, Board]]:
    query = select(Nda, Board).join(Board, Board.id == Nda.board_id)
    if board_id is not None:
        query = query.where(Nda.board_id == board_id)
    if client_id is not None:
        query = query.where(Board.client_id == client_id)
    found = await session.execute(page.apply(query, Nda.accepted_at, Nda.id))
    return [(row[0], row[1]) for row in found]
