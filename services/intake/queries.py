"""Every SELECT of intake."""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Row, Select, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import STAGE_LIMITS, BoardStatus, LeadStatus, PresentedKey
from services.intake.errors import (
    BoardNotFound,
    ClientNotFound,
    KeyExpired,
    LeadNotFound,
    SourceNotFound,
    SourceRevoked,
    SourceUnknown,
)
from services.intake.models import Board, Client, Consent, Lead, LeadSource, LeadSourceKey, LeadStatusChange, Nda

# --- sources and their keys ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that worked when it was looked up, and whose it is."""

    key: PresentedKey
    source_id: UUID


async def live_key(session: AsyncSession, key: PresentedKey) -> LiveKey:
    """One lookup by the prefix. Expiry goes by the server's clock, as all security."""
    expired = func.coalesce(LeadSourceKey.expires_at <= func.now(), False).label("is_expired")
    found = await session.execute(
        select(LeadSourceKey.key_sha256, LeadSource.id, LeadSource.revoked_at, expired)
        .join(LeadSource, LeadSource.id == LeadSourceKey.source_id)
        .where(LeadSourceKey.prefix == key.prefix)
    )
    row = found.one_or_none()
    if row is None or not hmac.compare_digest(row.key_sha256, key.digest):
        raise SourceUnknown("this is no API key of a lead source")
    if row.revoked_at is not None:
        raise SourceRevoked("this lead source was revoked")
    if row.is_expired:
        raise KeyExpired("this API key was rotated and has run out")
    return LiveKey(key, row.id)


async def source(session: AsyncSession, source_id: UUID, *, for_update: bool = False) -> LeadSource:
    return SourceNotFound.unless(
        await session.get(LeadSource, source_id, with_for_update=for_update or None),
        "no such lead source",
        source_id=source_id,
    )


async def list_sources(session: AsyncSession, page: PageRequest) -> Sequence[LeadSource]:
    query = page.apply(select(LeadSource), LeadSource.created_at, LeadSource.id)
    return (await session.scalars(query)).all()


async def keys_of(session: AsyncSession, source_ids: Iterable[UUID]) -> dict[UUID, list[LeadSourceKey]]:
    """The keys of each source, oldest first."""
    keys: dict[UUID, list[LeadSourceKey]] = {}
    query = select(LeadSourceKey).where(LeadSourceKey.source_id.in_(list(source_ids)))
    for key in await session.scalars(
        query.order_by(LeadSourceKey.created_at, LeadSourceKey.expires_at, LeadSourceKey.prefix)
    ):
        keys.setdefault(key.source_id, []).append(key)
    return keys


@dataclass(frozen=True, slots=True)
class SourceUse:
    """`leads` are those since the instant that was asked for."""

    leads: int
    last_lead_at: datetime | None


async def use_of(session: AsyncSession, source_id: UUID, since: datetime) -> SourceUse:
    of_source = Lead.source_id == source_id
    leads = select(func.count()).where(of_source, Lead.received_at >= since).scalar_subquery()
    last = select(func.max(Lead.received_at)).where(of_source).scalar_subquery()
    row = (await session.execute(select(leads, last))).one()
    return SourceUse(*row)


async def source_name(session: AsyncSession, source_id: UUID) -> str | None:
    return await session.scalar(select(LeadSource.name).where(LeadSource.id == source_id))


# --- leads -----------------------------------------------------------------------------------------------------------


async def submission(
    session: AsyncSession, source_id: UUID, submission_key: str
) -> Row[UUID, bytes, LeadStatus] | None:
    """Id, fingerprint and first status of what a source handed in under the key."""
    found = await session.execute(
        select(Lead.id, Lead.fingerprint, Lead.accepted_as)
        .where(Lead.source_id == source_id)
        .where(Lead.submission_key == submission_key)
    )
    return found.one_or_none()


@dataclass(slots=True)
class LeadStanding:
    """What of a lead dispatch changes."""

    id: UUID
    status: LeadStatus
    status_since: datetime
    dispatch_version: int
    delivered_at: datetime | None
    exception_reason: str | None


async def standings_for_update(session: AsyncSession, lead_ids: Iterable[UUID]) -> dict[UUID, LeadStanding]:
    """Locked in the order of their ids, so that two batches that share leads cannot wait for each other."""
    found = await session.execute(
        select(
            Lead.id,
            Lead.status,
            Lead.status_since,
            Lead.dispatch_version,
            Lead.delivered_at,
            Lead.exception_reason,
        )
        .where(Lead.id.in_(list(lead_ids)))
        .order_by(Lead.id)
        .with_for_update()
    )
    return {row.id: LeadStanding(*row) for row in found}


async def lead(session: AsyncSession, lead_id: UUID, *, for_update: bool = False) -> Lead:
    return LeadNotFound.unless(
        await session.get(Lead, lead_id, with_for_update=for_update or None), "no such lead", lead_id=lead_id
    )


async def own_lead(session: AsyncSession, lead_id: UUID, source_id: UUID) -> Lead:
    """A lead that the source handed in; another's is as unknown as none."""
    return LeadNotFound.unless(
        await session.scalar(select(Lead).where(Lead.id == lead_id, Lead.source_id == source_id)),
        "no such lead",
        lead_id=lead_id,
    )


async def consent_of(session: AsyncSession, lead_id: UUID) -> Consent:
    return await session.get_one(Consent, lead_id)


async def history_of(session: AsyncSession, lead_id: UUID) -> Sequence[LeadStatusChange]:
    query = select(LeadStatusChange).where(LeadStatusChange.lead_id == lead_id).order_by(LeadStatusChange.id)
    return (await session.scalars(query)).all()


@dataclass(frozen=True, slots=True)
class LeadFilters:
    """None is no filter. The window of receipt is half-open; the suburb's case does not matter."""

    status: LeadStatus | None = None
    selected_path: SelectedPath | None = None
    state: AustralianState | None = None
    postcode: str | None = None
    suburb: str | None = None
    source_id: UUID | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        for column, wanted in (
            (Lead.status, self.status),
            (Lead.selected_path, self.selected_path),
            (Lead.state, self.state),
            (Lead.postcode, self.postcode),
            (Lead.source_id, self.source_id),
        ):
            if wanted is not None:
                yield column == wanted
        if self.suburb is not None:
            yield func.lower(Lead.suburb) == self.suburb.lower()
        if self.received_from is not None:
            yield Lead.received_at >= self.received_from
        if self.received_to is not None:
            yield Lead.received_at < self.received_to


async def list_leads(session: AsyncSession, page: PageRequest, filters: LeadFilters) -> Sequence[Lead]:
    """Newest first."""
    query = page.apply(select(Lead).where(*filters.conditions()), Lead.received_at, Lead.id)
    return (await session.scalars(query)).all()


# --- clients and boards ----------------------------------------------------------------------------------------------


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


# --- how it stands ---------------------------------------------------------------------------------------------------


async def waiting_leads(
    session: AsyncSession, statuses: Iterable[LeadStatus], late_at: datetime | None = None
) -> tuple[int, datetime | None]:
    """How many leads are in these statuses, of those that are late by `late_at` where it is given, and since when."""
    known = [_in_status(status, late_at) for status in statuses]
    row = (await session.execute(select(func.count(), func.min(Lead.status_since)).where(or_(*known)))).one()
    return row[0], row[1]


def _in_status(status: LeadStatus, late_at: datetime | None) -> ColumnElement[bool]:
    if late_at is None:
        return Lead.status == status
    return and_(Lead.status == status, Lead.status_since < late_at - STAGE_LIMITS[status])


async def waiting_boards(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many are open, and since when."""
    query = select(func.count(), func.min(Board.opened_at)).where(Board.status == BoardStatus.OPEN)
    row = (await session.execute(query)).one()
    return row[0], row[1]


def _received(first: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(Lead.received_at >= first, Lead.received_at < end)


async def leads_received(session: AsyncSession, first: datetime, end: datetime) -> tuple[int, int]:
    """How many came in, and how many of them could be placed: they went to an installer, or are on their way."""
    on_their_way = Lead.status.in_([LeadStatus.RECEIVED, LeadStatus.ROUTABLE, LeadStatus.DISPATCHING])
    placed = func.count().filter(or_(Lead.delivered_at.is_not(None), on_their_way))
    row = (await session.execute(select(func.count(), placed).where(_received(first, end)))).one()
    return row[0], row[1]


async def leads_by_day(session: AsyncSession, first: datetime, end: datetime, zone: str) -> dict[date, int]:
    """By the zone's calendar; a day without any is not there."""
    day = cast(func.timezone(zone, Lead.received_at), Date)
    query = select(day, func.count()).where(_received(first, end)).group_by(day)
    return {row[0]: row[1] for row in await session.execute(query)}


async def leads_by_source(
    session: AsyncSession, first: datetime, middle: datetime, end: datetime
) -> Sequence[Row[UUID, str, int, int]]:
    """Id and name of each source with leads in either part, and its leads since the middle and before; most first."""
    now, before = (func.count(case((part, 1))) for part in (Lead.received_at >= middle, Lead.received_at < middle))
    query: Select[UUID, str, int, int] = (
        select(LeadSource.id, LeadSource.name, now, before)
        .join(Lead, Lead.source_id == LeadSource.id)
        .where(_received(first, end))
        .group_by(LeadSource.id)
        .order_by(now.desc(), LeadSource.name)
    )
    return (await session.execute(query)).all()
