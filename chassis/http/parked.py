"""Parked events over HTTP: operators see them, replay them in the order of their key, or discard one with a reason."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import BaseModel
from sqlalchemy import Row

from chassis import audit, parking
from chassis.database import Database
from chassis.http.auth import Operator, requires
from chassis.http.bodies import Body, Text
from chassis.http.given import Given
from chassis.paging import Page, PageRequest
from chassis.parking import ParkedState
from chassis.replay import Replayer

SUBJECT = "parked_event"


class ParkedEvent(BaseModel):
    """Where it came from and why it waits; its body, which can hold personal data, stays in the database."""

    id: UUID
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: UUID | None
    event_type: str | None
    aggregate_version: int | None
    state: ParkedState
    reason_code: str
    reason_detail: str
    attempts: int
    parked_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    settled_reason: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> "ParkedEvent":
        columns = dict(row._mapping)
        key: bytes | None = columns["key"]
        shown = {name: columns[name] for name in cls.model_fields if name in columns}
        return cls(**shown | {"offset": row.record_offset, "key": key.decode("utf-8", "replace") if key else None})


class ReplayResult(BaseModel):
    """`stopped_at` is the later event of the same key that failed again, where one did."""

    replayed: int
    stopped_at: UUID | None
    reason: str | None


class ReplayParkedEvent(Body):
    """`despite_gap` gives up the missing versions that the event waits for."""

    despite_gap: bool = False


class DiscardParkedEvent(Body):
    reason: Text


@get("/admin/parked-events", guards=[requires("read_ops")])
async def list_parked_events(
    database: Given[Database],
    page: Given[PageRequest],
    in_state: Annotated[ParkedState, QueryParameter(name="state")] = ParkedState.PARKED,
    topic: Annotated[str | None, QueryParameter(max_length=200)] = None,
    key: Annotated[str | None, QueryParameter(max_length=200)] = None,
) -> Page[ParkedEvent]:
    """Oldest first: the first of a key is the one that holds the others back."""
    after = (page.after.at, page.after.id) if page.after else None
    async with database.reading() as session:
        rows = await parking.list_parked(
            session, state=in_state, topic=topic, key=key, limit=page.limit + 1, after=after
        )
    return page.page(rows, lambda row: (row.parked_at, row.id), ParkedEvent.of)


@get("/admin/parked-events/{parked_event_id:uuid}", guards=[requires("read_ops")])
async def get_parked_event(parked_event_id: FromPath[UUID], database: Given[Database]) -> ParkedEvent:
    async with database.reading() as session:
        return ParkedEvent.of(await parking.find(session, parked_event_id))


@post("/admin/parked-events/{parked_event_id:uuid}/replay", guards=[requires("manage_admin_access")], status_code=200)
async def replay_parked_event(
    parked_event_id: FromPath[UUID],
    database: Given[Database],
    replayer: Given[Replayer],
    operator: Given[Operator],
    data: JSONBody[ReplayParkedEvent | None] = None,
) -> ReplayResult:
    """Applies the event and then those that wait behind it, each in a transaction of its own."""
    despite_gap = data is not None and data.despite_gap
    done = await replayer.replay(parked_event_id, by=str(operator.id), despite_gap=despite_gap)
    result = ReplayResult(replayed=done.replayed, stopped_at=done.stopped_at, reason=done.reason)
    # A replay commits event by event, so its audit row can only follow.
    async with database.transaction() as session:
        await audit.record(
            session,
            actor=operator,
            action="replay_parked_event",
            subject=audit.Subject(SUBJECT, parked_event_id),
            before={"state": ParkedState.PARKED},
            after=result.model_dump() | {"despite_gap": despite_gap},
        )
    return result


@post("/admin/parked-events/{parked_event_id:uuid}/discard", guards=[requires("manage_admin_access")], status_code=200)
async def discard_parked_event(
    parked_event_id: FromPath[UUID],
    data: JSONBody[DiscardParkedEvent],
    database: Given[Database],
    operator: Given[Operator],
) -> ParkedEvent:
    """Gives the event up for good; the reason is kept. Done twice, it stays as it was the first time."""
    async with database.transaction() as session:
        before = await parking.find(session, parked_event_id)
        after = await parking.discard(session, parked_event_id, by=str(operator.id), reason=data.reason)
        if before.state != after.state:
            await audit.record(
                session,
                actor=operator,
                action="discard_parked_event",
                subject=audit.Subject(SUBJECT, parked_event_id),
                before={"state": before.state},
                after={"state": after.state},
                reason_text=data.reason,
            )
    return ParkedEvent.of(after)
