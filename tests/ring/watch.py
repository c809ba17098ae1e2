"""What must hold of every history, seen from outside: by an onlooker of every commit and every record."""

from collections import Counter, defaultdict
from collections.abc import Hashable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from chassis.outbox import unpack_headers
from tests.ring.broker import Record
from tests.ring.events import RingRested
from tests.ring.statements import AGGREGATES, EFFECTS, OUTBOX, PARKED
from tests.ring.store import Row

if TYPE_CHECKING:
    from tests.ring.world import World


class Invariant(StrEnum):
    RECORDED = "every committed change has its event, and no other has"
    PUBLISHED = "every committed event is published, with the same bytes"
    NOTHING_ELSE = "nothing is published that is not committed"
    IN_ORDER = "first occurrences of a key are in version order"
    ONCE_WITHOUT_FAULTS = "without a fault an event is published once"
    APPLIED_ONCE = "no event is applied twice"
    APPLIED_OR_PARKED = "every event is applied, or parked with its reason"
    APPLIED_IN_ORDER = "effects of a key are in version order"
    ACCOUNTED = "every record that was settled was counted once"
    DRAINED = "everything drains once the faults are over"
    ALIVE = "no part ends with a fault that nobody foresaw"


class Violation(NamedTuple):
    invariant: Invariant
    detail: str


class Fact(NamedTuple):
    """A committed event."""

    key: str
    version: int
    type: str
    row: Row


class Watch:
    """Collects while the history runs, and judges at its end."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.violations: list[Violation] = []
        self.facts: dict[UUID, Fact] = {}
        self.names: dict[UUID, str] = {}
        self.occurrences: Counter[UUID] = Counter()
        self._last_version: dict[str, int] = defaultdict(int)
        self.effects: list[tuple[str, int, UUID]] = []

    def report(self, invariant: Invariant, detail: str) -> None:
        self._world.note(f"VIOLATED: {invariant}: {detail}")
        self.violations.append(Violation(invariant, detail))

    def saw_commit(self, table: str, key: Hashable, row: Row | None) -> None:
        if row is None:
            return
        if table == OUTBOX and row["event_id"] not in self.facts:
            headers = dict(unpack_headers(row["headers"]))
            fact = Fact(row["key"].decode(), int(headers["ce_aggregateversion"] or 0), _text(headers["ce_type"]), row)
            self.facts[row["event_id"]] = fact
        elif table == EFFECTS:
            self.effects.append((row["key"], row["version"], row["event_id"]))

    def saw_record(self, record: Record) -> None:
        if not record.headers:
            return
        event_id = UUID(_text(dict(record.headers)["ce_id"]))
        fact = self.facts.get(event_id)
        if self._world.is_traced:
            self._world.note(f"{record.partition}/{record.offset} is {_name(fact)}")
        if fact is None:
            self.report(Invariant.NOTHING_ELSE, f"{record.partition}/{record.offset}")
            return
        self.occurrences[event_id] += 1
        if self.occurrences[event_id] == 1:
            self._check_order(fact)
        row = fact.row
        if (row["key"], row["body"], unpack_headers(row["headers"])) != (record.key, record.value, record.headers):
            self.report(Invariant.PUBLISHED, f"{_name(fact)} with other bytes")

    def _check_order(self, fact: Fact) -> None:
        if fact.version < self._last_version[fact.key]:
            self.report(Invariant.IN_ORDER, f"{_name(fact)} after {self._last_version[fact.key]}")
        self._last_version[fact.key] = fact.version

    def judge(self) -> None:
        parked = self._parked()
        self._judge_recording()
        self._judge_publishing(parked)
        self._judge_effects(parked)

    def _parked(self) -> dict[UUID, Row]:
        """What is left to an operator, or was given up by one."""
        rows = self._world.store.tables[PARKED].values()
        return {row["event_id"]: row for row in rows if row["state"] != "replayed" and row["event_id"] is not None}

    def _judge_recording(self) -> None:
        changes = {
            (str(key), version)
            for key, row in self._world.store.tables[AGGREGATES].items()
            for version in range(1, row["version"] + 1)
        }
        events = Counter((fact.key, fact.version) for fact in self.facts.values())
        if changes != events.keys() or events.total() != len(events):
            self.report(Invariant.RECORDED, f"{sorted(changes ^ events.keys())}")

    def _judge_publishing(self, parked: dict[UUID, Row]) -> None:
        for event_id, fact in self.facts.items():
            if not self.occurrences[event_id] and event_id not in parked:
                self.report(Invariant.PUBLISHED, f"{_name(fact)} was not")
            if self.occurrences[event_id] > 1 and self._world.was_undisturbed():
                self.report(Invariant.ONCE_WITHOUT_FAULTS, f"{_name(fact)} {self.occurrences[event_id]} times")

    def _judge_effects(self, parked: dict[UUID, Row]) -> None:
        applied = Counter(event_id for _, _, event_id in self.effects)
        for event_id, fact in self.facts.items():
            if applied[event_id] > 1:
                self.report(Invariant.APPLIED_ONCE, f"{_name(fact)} {applied[event_id]} times")
            is_parked = event_id in parked and bool(parked[event_id]["reason_code"])
            if not applied[event_id] and not is_parked and fact.type != RingRested.type:
                self.report(Invariant.APPLIED_OR_PARKED, f"{_name(fact)} is neither")
        last: dict[str, int] = defaultdict(int)
        for key, version, _ in self.effects:
            if version < last[key]:
                self.report(Invariant.APPLIED_IN_ORDER, f"{key} v{version} after v{last[key]}")
            last[key] = max(last[key], version)


def _name(fact: Fact | None) -> str:
    return f"{fact.key} v{fact.version}" if fact else "an unknown event"


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode()
