"""The one table that says what each statement of the chassis does on the model.

A statement is known by identity: the constant itself, or the function of the chassis that builds it (which is asked
for a sample once). Values come in the order in which the statement binds them. An unknown statement is an error that
names it; `test_model.py` holds every entry against PostgreSQL.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text

from chassis import inbox, outbox, parking, pending
from chassis.outbox import SEGMENTS
from chassis.pending import table_of
from chassis.publishing import PendingRow
from chassis.records import Arrival
from tests.ring.store import Row, Rows, Transaction, Waiting

Model = Callable[..., Any]
OUTBOX, INBOX, PARKED, AGGREGATES, EFFECTS = "outbox", "inbox", "parked_events", "aggregates", "effects"
NOBODY = UUID(int=0)

# The ring's own two statements: a command's change under the aggregate's row lock, and a handler's effect.
BUMP = text("UPDATE aggregates SET version = version + 1 WHERE id = :id RETURNING version")
APPLY = text(
    "INSERT INTO effects (event_id, key, version) "
    "SELECT * FROM unnest(CAST(:event_ids AS uuid[]), CAST(:keys AS text[]), CAST(:versions AS int[]))"
)


def bump(transaction: Transaction, id: str) -> Waiting:  # noqa: A002
    yield from transaction.lock((AGGREGATES, id))
    version = transaction.rows(AGGREGATES)[id]["version"] + 1
    yield from transaction.update(AGGREGATES, id, version=version)
    return [Row(version=version)]


def apply(transaction: Transaction, event_ids: list[UUID], keys: list[str], versions: list[int]) -> Waiting:
    for event_id, key, version in zip(event_ids, keys, versions, strict=True):
        id_ = transaction.store.next_value(EFFECTS)
        yield from transaction.insert(EFFECTS, id_, Row(event_id=event_id, key=key, version=version))
    return []


# The outbox and the inbox.


def insert_outbox(transaction: Transaction, slots: list[int], event_ids: list[UUID], **columns: list[Any]) -> Waiting:
    transaction.writes.add(OUTBOX)
    names = {"topics": "topic", "keys": "key", "headers": "headers", "bodies": "body", "created_at": "created_at"}
    for place, event_id in enumerate(event_ids):
        id_ = transaction.store.next_value(OUTBOX)
        values = {names[name]: column[place] for name, column in columns.items()}
        row = Row(id=id_, segment=outbox.segment_of(id_), shard=slots[place], event_id=event_id, **values)
        yield from transaction.insert(OUTBOX, id_, row)
    return []


def claim(transaction: Transaction, consumer: str, event_ids: list[UUID]) -> Waiting:
    fresh = []
    for event_id in event_ids:
        if (yield from transaction.insert(INBOX, (event_id, consumer), Row(event_id=event_id, consumer=consumer))):
            fresh.append(Row(event_id=event_id))
    return fresh


def seen(transaction: Transaction, consumer: str, event_ids: list[UUID]) -> Rows:
    return [Row(event_id=id_) for id_ in event_ids if transaction.get(INBOX, (id_, consumer)) is not None]


# The relay.


def try_lead(transaction: Transaction, class_: int, shard: int) -> Rows:
    return [Row(pg_try_advisory_lock=transaction.session.try_lock((class_, shard)))]


def read(
    transaction: Transaction, of: int, number: int, limit: int, floor: int, in_flight: Collection[int]
) -> list[PendingRow]:
    rows = transaction.rows(OUTBOX).values()
    returned = [row["id"] - 1 for row in rows if row["segment"] == SEGMENTS]
    above = min(floor, *returned) if returned else floor
    found = [row for row in rows if row["id"] > above and row["shard"] % of == number and row["id"] not in in_flight]
    return [
        PendingRow(*(row[name] for name in PendingRow._fields)) for row in sorted(found, key=itemgetter("id"))[:limit]
    ]


def delete_of(segment: int) -> Model:
    def delete(transaction: Transaction, ids: list[int]) -> Waiting:
        for id_ in ids:
            row = transaction.get(OUTBOX, id_)
            if row is not None and row["segment"] == segment:
                yield from transaction.delete(OUTBOX, id_)
        return []

    return delete


def highest(transaction: Transaction) -> Rows:
    return [Row(last_value=transaction.store.last_value(OUTBOX))]


def writers(transaction: Transaction) -> Rows:
    others = [other for other in transaction.store.transactions if other is not transaction and OUTBOX in other.writes]
    return [Row(virtualtransaction=str(other.number)) for other in others]


def reclaim(transaction: Transaction, segment: int) -> Rows:
    """Emptied only where nobody is in it, and only of rows that all have left."""
    store = transaction.store
    in_it = [row for row in store.tables[OUTBOX].values() if row["segment"] == segment]
    is_free = not any(other.changes(OUTBOX, "segment", segment) for other in store.transactions - {transaction})
    return [Row(reclaim_outbox_segment=is_free and not in_it)]


def park_from_outbox(transaction: Transaction, id_: int, code: str, detail: str) -> Waiting:
    row = transaction.get(OUTBOX, id_)
    if row is None:
        return []
    key = ("relay", row["topic"], -1, id_)
    place = {"consumer": "relay", "partition": -1, "record_offset": id_, "event_type": None, "attempts": 0}
    what = {name: row[name] for name in ("topic", "key", "headers", "body", "event_id")}
    unsettled = {"settled_at": None, "settled_by": None, "settled_reason": None}
    why = {"state": "parked", "reason_code": code, "reason_detail": detail}
    id_parked = UUID(int=transaction.store.next_value(PARKED))
    fresh = Row(id=id_parked, parked_at=datetime.now(UTC), **place, **what, **why, **unsettled)
    if not (yield from transaction.insert(PARKED, key, fresh)):
        yield from transaction.update(PARKED, key, **why, **unsettled)
    return [Row(event_id=row["event_id"])]


def lock_relay_lane(transaction: Transaction, topic: str, key: bytes) -> Waiting:
    return lock_lane(transaction, f"relay|{topic}|{key.hex()}", 0)


def is_blocked(transaction: Transaction, topic: str, key: bytes) -> Rows:
    return [Row(exists=any((row["topic"], row["key"]) == (topic, key) for row in _waiting(transaction, "relay")))]


def relay_blocked(transaction: Transaction) -> Rows:
    lanes = {(row["topic"], row["key"]) for row in _waiting(transaction, "relay")}
    return [Row(topic=topic, key=key) for topic, key in sorted(lanes)]


# Parked events.


def _waiting(transaction: Transaction, consumer: str) -> Rows:
    rows = transaction.rows(PARKED).values()
    return [row for row in rows if row["consumer"] == consumer and row["state"] == "parked"]


def blocked_lanes(transaction: Transaction, topics: list[str], keys: list[bytes], consumer: str) -> Rows:
    asked = set(zip(topics, keys, strict=True))
    lanes = asked & {(row["topic"], row["key"]) for row in _waiting(transaction, consumer)}
    return [Row(topic=topic, key=key) for topic, key in sorted(lanes)]


def lock_lane(transaction: Transaction, name: str, _seed: int) -> Waiting:
    yield from transaction.lock(("lane", name))
    return [Row(pg_advisory_xact_lock="")]


def park(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> Waiting:
    for row in rows:
        key = (row["consumer"], row["topic"], row["partition"], row["record_offset"])
        settled = {"settled_at": None, "settled_by": None, "settled_reason": None}
        yield from transaction.insert(PARKED, key, Row({**settled, **row}))
    return []


def first_in_lane(
    transaction: Transaction, consumer: str, topic: str, lane: bytes | UUID, state: str, _limit: int
) -> Waiting:
    by = "id" if isinstance(lane, UUID) else "key"
    wanted = {"consumer": consumer, "topic": topic, by: lane, "state": state}
    found = [row for row in transaction.rows(PARKED).values() if wanted.items() <= row.items()]
    if not found:
        return []
    first = min(found, key=itemgetter("partition", "record_offset"))
    yield from transaction.lock((PARKED, _place(first)))
    again = transaction.get(PARKED, _place(first))
    # As PostgreSQL does: a row that was changed meanwhile is looked at again, and no other takes its place.
    return [again] if again is not None and wanted.items() <= again.items() else []


def settle(transaction: Transaction, id_: UUID, state: str, at: datetime, by: str, reason: str | None) -> Waiting:
    return _change(transaction, id_, lambda _: {
        "state": state, "settled_at": at, "settled_by": by, "settled_reason": reason
    })  # fmt: skip


def note_failure(transaction: Transaction, id_: UUID, one: int, code: str, detail: str) -> Waiting:
    return _change(transaction, id_, lambda row: {
        "attempts": row["attempts"] + one, "reason_code": code, "reason_detail": detail
    })  # fmt: skip


def _change(transaction: Transaction, id_: UUID, values: Callable[[Row], dict[str, Any]]) -> Waiting:
    for found in find(transaction, id_):
        yield from transaction.lock((PARKED, _place(found)))
        (row,) = find(transaction, id_)
        yield from transaction.update(PARKED, _place(row), **values(row))
    return []


def find(transaction: Transaction, id_: UUID) -> Rows:
    return [row for row in transaction.rows(PARKED).values() if row["id"] == id_]


def find_locked(transaction: Transaction, id_: UUID) -> Waiting:
    for row in find(transaction, id_):
        yield from transaction.lock((PARKED, _place(row)))
    return find(transaction, id_)


def _place(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("consumer", "topic", "partition", "record_offset"))


def back_to_outbox(transaction: Transaction, id: UUID, slot: int, segment: int) -> Waiting:  # noqa: A002
    transaction.writes.add(OUTBOX)
    for parked in find(transaction, id):
        what = {name: parked[name] for name in ("event_id", "topic", "key", "headers", "body")}
        place = {"id": parked["record_offset"], "segment": segment, "shard": slot}
        row = Row(**place, created_at=parked["parked_at"], **what)
        if not (yield from transaction.insert(OUTBOX, row["id"], row)):
            raise asyncpg.UniqueViolationError("outbox_pkey")
    return []


CONSTANTS: list[tuple[Any, Model]] = [
    (BUMP, bump),
    (APPLY, apply),
    (outbox._INSERT, insert_outbox),
    (inbox._CLAIM, claim),
    (inbox._SEEN, seen),
    (parking._BLOCKED, blocked_lanes),
    (parking._RETURN, back_to_outbox),
    ("SELECT pg_try_advisory_lock($1, $2)", try_lead),
    (pending.READ, read),
    (pending._HIGHEST, highest),
    (pending._WRITERS, writers),
    (pending._RECLAIM, reclaim),
    *((pending._DELETE.format(table=table_of(segment)), delete_of(segment)) for segment in range(SEGMENTS + 1)),
    (pending._PARK, park_from_outbox),
    (pending._LOCK_LANE, lock_relay_lane),
    (pending._IS_BLOCKED, is_blocked),
    (pending._BLOCKED, relay_blocked),
]

_KEYLESS = parking.Parking(
    Arrival(SimpleNamespace(topic="", partition=0, offset=0, key=None, value=b"", headers=()), ("", 0, 0)), ""
)

BUILT: list[tuple[Callable[[Any], Coroutine[Any, Any, Any]], Model]] = [
    (lambda session: parking.lock_lanes(session, "", [("", b"")]), lock_lane),
    (lambda session: parking.park(session, "", [_KEYLESS]), park),
    (lambda session: parking.first_in_lane(session, "", "", b"", NOBODY), first_in_lane),
    (lambda session: parking.first_in_lane(session, "", "", None, NOBODY), first_in_lane),
    (lambda session: parking.settle(session, NOBODY, parking.ParkedState.PARKED, ""), settle),
    (lambda session: parking.note_failure(session, NOBODY, "", ""), note_failure),
    (lambda session: parking.find(session, NOBODY), find),
    (lambda session: parking.find(session, NOBODY, lock=True), find_locked),
]


class _Asked(Exception):
    """Carries a statement out of the function that built it."""


class _Asking:
    async def execute(self, statement: Any, _values: Any = None) -> None:
        raise _Asked(statement)


def _sample(build: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    try:
        build(_Asking()).send(None)
    except _Asked as asked:
        return asked.args[0]._generate_cache_key().key
    raise AssertionError("it built no statement")


_BY_CONSTANT = {statement if isinstance(statement, str) else id(statement): model for statement, model in CONSTANTS}
_BY_SHAPE = {_sample(build): model for build, model in BUILT}


def model_of_sql(sql: str) -> Model:
    """For asyncpg's side: the statement is a string."""
    try:
        return _BY_CONSTANT[sql]
    except KeyError:
        raise LookupError(f"tests/ring/statements.py has no model of this statement: {sql}") from None


def outcome_of(transaction: Transaction, statement: Any, values: Any) -> Any:
    """For SQLAlchemy's side: a constant with its values beside it, or a built statement that holds them."""
    model = _BY_CONSTANT.get(id(statement))
    if model is not None:
        return model(transaction, **values)
    shape = statement._generate_cache_key()
    try:
        model = _BY_SHAPE[shape.key]
    except KeyError:
        raise LookupError(f"tests/ring/statements.py has no model of this statement: {statement}") from None
    if isinstance(values, list):
        return model(transaction, values)
    return model(transaction, *(bound.value for bound in shape.bindparams))
