"""The one table that says what each statement of the chassis does on the model.

A statement is known by identity: the constant itself, or the function of the chassis that builds it (which is asked
for a sample once). Values come in the order in which the statement binds them. An unknown statement is an error that
names it; `test_model.py` holds every entry against PostgreSQL.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text

from chassis import inbox, outbox, parking, pending, positions, relay
from chassis.outbox import SEGMENTS
from chassis.pending import table_of
from chassis.publishing import PendingRow
from tests.ring.store import Row, Rows, Transaction, Waiting

Model = Callable[..., Any]
OUTBOX, INBOX, PARKED, POSITIONS = "outbox", "inbox", "parked_events", "consumer_positions"
AGGREGATES, EFFECTS = "aggregates", "effects"
NOBODY = UUID(int=0)

# The ring's own statements: a command's change under the aggregate's row lock, a version that is taken without an
# event, the event of such a version after all, and a handler's effect.
BUMP = text("UPDATE aggregates SET version = version + 1 WHERE id = :id RETURNING version")
SKIP = text("UPDATE aggregates SET version = version + 1, skipped = skipped || (version + 1) WHERE id = :id")
FILL = text("UPDATE aggregates SET filled = skipped[1], skipped = skipped[2:] WHERE id = :id RETURNING filled")
APPLY = text(
    "INSERT INTO effects (event_id, key, version) "
    "SELECT * FROM unnest(CAST(:event_ids AS uuid[]), CAST(:keys AS text[]), CAST(:versions AS int[]))"
)


def bump(transaction: Transaction, id: str) -> Waiting:  # noqa: A002
    row = yield from _locked(transaction, id)
    yield from transaction.update(AGGREGATES, id, version=row["version"] + 1)
    return [Row(version=row["version"] + 1)]


def skip(transaction: Transaction, id: str) -> Waiting:  # noqa: A002
    row = yield from _locked(transaction, id)
    version = row["version"] + 1
    yield from transaction.update(AGGREGATES, id, version=version, skipped=[*row["skipped"], version])
    return []


def fill(transaction: Transaction, id: str) -> Waiting:  # noqa: A002
    row = yield from _locked(transaction, id)
    first = next(iter(row["skipped"]), None)
    yield from transaction.update(AGGREGATES, id, filled=first, skipped=row["skipped"][1:])
    return [Row(filled=first)]


def _locked(transaction: Transaction, id_: str) -> Waiting:
    yield from transaction.lock((AGGREGATES, id_))
    return transaction.get(AGGREGATES, id_)


def apply(transaction: Transaction, event_ids: list[UUID], keys: list[str], versions: list[int]) -> Waiting:
    for event_id, key, version in zip(event_ids, keys, versions, strict=True):
        id_ = transaction.store.next_value(EFFECTS)
        yield from transaction.insert(EFFECTS, id_, Row(event_id=event_id, key=key, version=version))
    return []


# The outbox, the inbox and the positions.


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
    for event_id in sorted(event_ids):
        if (yield from transaction.insert(INBOX, (event_id, consumer), Row(event_id=event_id, consumer=consumer))):
            fresh.append(Row(event_id=event_id))
    return fresh


def seen(transaction: Transaction, consumer: str, event_ids: list[UUID]) -> Rows:
    return [Row(event_id=id_) for id_ in event_ids if transaction.get(INBOX, (id_, consumer)) is not None]


def read_positions(transaction: Transaction, consumer: str, keys: list[bytes]) -> Rows:
    found = (transaction.get(POSITIONS, (consumer, key)) for key in sorted(set(keys)))
    return [row for row in found if row is not None]


def advance(transaction: Transaction, consumer: str, keys: list[bytes], firsts: list[int], lasts: list[int]) -> Waiting:
    for key, first, last in sorted(zip(keys, firsts, lasts, strict=True)):
        place = (consumer, key)
        row = Row(key=key, first_version=first, last_version=last)
        if (yield from transaction.insert(POSITIONS, place, row)):
            continue
        yield from transaction.lock((POSITIONS, place))
        found = transaction.get(POSITIONS, place)
        if found is None:
            # It was deleted between the two: PostgreSQL begins again with the insertion.
            yield from transaction.insert(POSITIONS, place, row)
        elif found["last_version"] < last:
            yield from transaction.update(POSITIONS, place, last_version=last)
    return []


def forget(transaction: Transaction, consumer: str, key: bytes) -> Waiting:
    if transaction.get(POSITIONS, (consumer, key)) is not None:
        yield from transaction.delete(POSITIONS, (consumer, key))
    return []


# The relay.


def try_lead(transaction: Transaction, class_: int, shard: int) -> Rows:
    return [Row(pg_try_advisory_lock=transaction.session.try_lock((class_, shard)))]


def read(
    transaction: Transaction, of: int, number: int, limit: int, floor: int, in_flight: Collection[int], most_bytes: int
) -> list[PendingRow]:
    rows = transaction.rows(OUTBOX).values()
    returned = [row["id"] - 1 for row in rows if row["segment"] == SEGMENTS]
    above = min(floor, *returned) if returned else floor
    found = [row for row in rows if row["id"] > above and row["shard"] % of == number and row["id"] not in in_flight]
    first = sorted(found, key=itemgetter("id"))[:limit]
    before = accumulate((len(row["body"]) for row in first), initial=0)
    return [
        PendingRow(*(row[name] for name in PendingRow._fields))
        for row, bytes_before in zip(first, before, strict=False)
        if bytes_before < most_bytes
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
    place = {"consumer": "relay", "partition": -1, "record_offset": id_}
    unread = {"event_type": None, "aggregate_version": None, "attempts": 0}
    what = {name: row[name] for name in ("topic", "key", "headers", "body", "event_id")}
    unsettled = {"settled_at": None, "settled_by": None, "settled_reason": None}
    why = {"state": "parked", "reason_code": code, "reason_detail": detail}
    id_parked = UUID(int=transaction.store.next_value(PARKED))
    fresh = Row(id=id_parked, parked_at=datetime.now(UTC), **place, **unread, **what, **why, **unsettled)
    if not (yield from transaction.insert(PARKED, key, fresh)):
        yield from transaction.update(PARKED, key, **why, **unsettled)
    return [Row(event_id=row["event_id"])]


def lock_relay_lane(transaction: Transaction, topic: str, key: bytes) -> Waiting:
    return lock_lane(transaction, f"relay|{topic}|{key.hex()}")


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
    lanes: dict[tuple[str, bytes], bool] = {}
    asked = set(zip(topics, keys, strict=True))
    for row in _waiting(transaction, consumer):
        if (lane := (row["topic"], row["key"])) in asked:
            lanes[lane] = lanes.get(lane, True) and row["reason_code"] == parking.VERSION_GAP
    return [Row(topic=topic, key=key, waits_for_version=gap) for (topic, key), gap in sorted(lanes.items())]


def lock_lane(transaction: Transaction, lane: str) -> Waiting:
    yield from transaction.lock(("lane", lane))
    return [Row(pg_advisory_xact_lock="")]


def park(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> Waiting:
    for row in rows:
        key = (row["consumer"], row["topic"], row["partition"], row["record_offset"])
        settled = {"settled_at": None, "settled_by": None, "settled_reason": None}
        yield from transaction.insert(PARKED, key, Row({**settled, **row}))
    return []


def first_in_lane(transaction: Transaction, consumer: str, topic: str, **lane: Any) -> Waiting:
    wanted = {"consumer": consumer, "topic": topic, "state": "parked"}
    wanted |= {"key": lane["key"]} if "key" in lane else {"id": lane["parked_id"]}
    found = [row for row in transaction.rows(PARKED).values() if wanted.items() <= row.items()]
    for row in sorted(found, key=turn):
        yield from transaction.lock((PARKED, _place(row)))
        again = transaction.get(PARKED, _place(row))
        # A row that was changed meanwhile is looked at again; one that is not wanted any more gives way to the next.
        if again is not None and wanted.items() <= again.items():
            return [again]
    return []


def turn(row: Row) -> tuple[int, int, int]:
    return row["aggregate_version"] or 0, row["partition"], row["record_offset"]


def healed_lanes(transaction: Transaction) -> Rows:
    return [row for row in transaction.rows(PARKED).values() if row["state"] == "parked" and _heals(transaction, row)]


def _heals(transaction: Transaction, row: Row) -> bool:
    if row["reason_code"] == parking.VERSION_GAP:
        position, version = transaction.get(POSITIONS, (row["consumer"], row["key"])), row["aggregate_version"]
        return position is not None and version is not None and version <= position["last_version"] + 1
    is_behind = row["reason_code"] == parking.BEHIND
    return not is_behind and transaction.get(INBOX, (row["event_id"], row["consumer"])) is not None


def depth(transaction: Transaction) -> list[tuple[int, float]]:
    """The age is a gauge's alone."""
    return [(len(transaction.rows(OUTBOX)), 0.0)]


def count_waiting(transaction: Transaction) -> Rows:
    return [Row(count=sum(row["state"] == "parked" for row in transaction.rows(PARKED).values()))]


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


def find(transaction: Transaction, parked_id: UUID) -> Rows:
    return [row for row in transaction.rows(PARKED).values() if row["id"] == parked_id]


def find_locked(transaction: Transaction, parked_id: UUID) -> Waiting:
    for row in find(transaction, parked_id):
        yield from transaction.lock((PARKED, _place(row)))
    return find(transaction, parked_id)


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
    (SKIP, skip),
    (FILL, fill),
    (APPLY, apply),
    (outbox._INSERT, insert_outbox),
    (inbox._CLAIM, claim),
    (inbox._SEEN, seen),
    (positions._READ, read_positions),
    (positions._ADVANCE, advance),
    (positions._FORGET, forget),
    (parking._BLOCKED, blocked_lanes),
    (parking._LOCK, lock_lane),
    (parking._PARK, park),
    (parking._FIRST_OF_KEY, first_in_lane),
    (parking._FIRST_ALONE, first_in_lane),
    (parking._FIND, find),
    (parking._FIND_LOCKED, find_locked),
    (parking._HEALED, healed_lanes),
    (parking._COUNT, count_waiting),
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
    (relay._DEPTH, depth),
]

BUILT: list[tuple[Callable[[Any], Coroutine[Any, Any, Any]], Model]] = [
    (lambda session: parking.settle(session, NOBODY, parking.ParkedState.PARKED, ""), settle),
    (lambda session: parking.note_failure(session, NOBODY, "", ""), note_failure),
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
        return model(transaction, values) if isinstance(values, list) else model(transaction, **(values or {}))
    shape = statement._generate_cache_key()
    try:
        model = _BY_SHAPE[shape.key]
    except KeyError:
        raise LookupError(f"tests/ring/statements.py has no model of this statement: {statement}") from None
    return model(transaction, *(bound.value for bound in shape.bindparams))
