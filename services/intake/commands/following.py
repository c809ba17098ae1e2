"""Following the other services: what their events say of a lead is kept here, many at a time.

Of two events of one thing the newer stands, in whatever order they come: an older one fills in only what is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import TextClause, bindparam, inspect, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.models import (
    InvoicedDelivery,
    KnownInvoice,
    LeadAssignment,
    LeadDecision,
    LeadDelivery,
    LeadMessage,
    Model,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a version of a thing says: `facts` are its own, `assumed` stands where nothing else is known.

    All of a batch name the same columns.
    """

    id: UUID
    version: int
    facts: Mapping[str, object]
    assumed: Mapping[str, object] = field(default_factory=dict)


async def follow_assignments(session: AsyncSession, told: Sequence[Told]) -> None:
    await _follow(session, LeadAssignment, told)


async def follow_deliveries(session: AsyncSession, told: Sequence[Told]) -> None:
    await _follow(session, LeadDelivery, told)


async def follow_invoices(session: AsyncSession, told: Sequence[Told]) -> None:
    await _follow(session, KnownInvoice, told)


async def follow_messages(session: AsyncSession, told: Sequence[Told]) -> None:
    await _follow(session, LeadMessage, told)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of routing's, which is made once and never changes."""

    decision_id: UUID
    lead_id: UUID
    attempt_no: int
    candidates: int
    chosen: int
    decided_at: datetime


async def keep_decisions(session: AsyncSession, decisions: Sequence[Decided]) -> None:
    rows = [{name: getattr(decision, name) for name in Decided.__slots__} for decision in decisions]
    await session.execute(_statement(LeadDecision, Decided.__slots__, "NOTHING"), _arrays(Decided.__slots__, rows))


@dataclass(frozen=True, slots=True)
class Listed:
    """A delivery and the invoice that charges it, by a debit where one is named."""

    assignment_id: UUID
    invoice_id: UUID
    number: str
    adjustment_id: UUID | None
    listed_at: datetime


async def list_deliveries(session: AsyncSession, listed: Iterable[Listed]) -> None:
    """The last invoice that lists it stands: another takes the place of a void one."""
    newest = {each.assignment_id: each for each in sorted(listed, key=lambda each: each.listed_at)}
    names = Listed.__slots__
    rows = [{name: getattr(each, name) for name in names} for _, each in sorted(newest.items())]
    taken = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    change = f"UPDATE SET {taken} WHERE invoiced_deliveries.listed_at < excluded.listed_at"
    await session.execute(_statement(InvoicedDelivery, names, change), _arrays(names, rows))


async def _follow(session: AsyncSession, model: type[Model], told: Sequence[Told]) -> None:
    newest: dict[UUID, dict[str, object]] = {}
    key = _key_of(model)
    for each in sorted(told, key=lambda each: each.version):
        row = {key: each.id, "version": each.version, **each.facts, **each.assumed}
        newest[each.id] = newest.get(each.id, {}) | row
    facts, assumed = tuple(told[0].facts), tuple(told[0].assumed)
    columns = (key, "version", *facts, *assumed)
    rows = [row for _, row in sorted(newest.items())]
    await session.execute(_statement(model, columns, _newer_wins(model, facts, assumed)), _arrays(columns, rows))


def _newer_wins(model: type[Model], facts: Sequence[str], assumed: Sequence[str]) -> str:
    kept = model.__tablename__
    newer = f"excluded.version > {kept}.version"
    changes = [
        *(f"{n} = CASE WHEN {newer} THEN excluded.{n} ELSE coalesce({kept}.{n}, excluded.{n}) END" for n in facts),
        *(f"{n} = coalesce({kept}.{n}, excluded.{n})" for n in assumed),
        f"version = greatest({kept}.version, excluded.version)",
    ]
    return f"UPDATE SET {', '.join(changes)}"


@lru_cache
def _statement(model: type[Model], columns: tuple[str, ...], on_conflict: str) -> TextClause:
    """Rows come as an array for each column; in the order of their keys, so that two batches lock in one direction."""
    placed = ", ".join(f":{name}" for name in columns)
    query = f"""
        INSERT INTO {model.__tablename__} ({", ".join(columns)})
        SELECT * FROM unnest({placed})
        ON CONFLICT ({_key_of(model)}) DO {on_conflict}
    """  # noqa: S608  # names of our own columns, and placeholders
    kinds = model.__table__.columns
    return text(query).bindparams(*(bindparam(name, type_=ARRAY(kinds[name].type)) for name in columns))


def _arrays(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    return {name: [row[name] for row in rows] for name in columns}


def _key_of(model: type[Model]) -> str:
    return str(inspect(model).primary_key[0].name)
