"""What must hold of every history, seen from outside: by an onlooker of every commit and every record."""

from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from chassis.outbox import unpack_headers
from chassis.parking import BEHIND, RELAY, VERSION_GAP
from tests.ring.broker import Record
from tests.ring.events import RingRested
from tests.ring.statements import AGGREGATES, EFFECTS, OUTBOX, PARKED, turn
from tests.ring.store import Changes, Row

if TYPE_CHECKING:
    from tests.ring.world import World


class Invariant(StrEnum):
    RECORDED = "every committed change has its event, and no other has"
    PUBLISHED = "every committed event is published, with the same bytes"
    NOTHING_ELSE = "nothing is published that is not committed"
    IN_ORDER = "first occurrences of a key are in the order of their commits"
    ONCE_WITHOUT_FAULTS = "without a fault an event is published once"
    APPLIED_ONCE = "no event is applied twice"
    APPLIED_OR_PARKED = "every event is applied, or parked with its reason"
    APPLIED_IN_ORDER = "effects of a key are in version order"
    NO_GAP = "no effect steps over a version that nobody gave up"
    NOT_BOTH = "nothing waits for an event that was applied"
    ACCOUNTED = "every record that was settled was counted once"
    DRAINED = "everything drains once the faults are over"
    ALIVE = "no part ends with a fault that nobody foresaw"


DESPITE_GAP = "robin, despite the gap"
"""Who has given up what was missing."""


class Violation(NamedTuple):
    invariant: Invariant
    detail: str


class Fact(NamedTuple):
    """A committed event."""

    key: str
    version: int
    type: str
    row: Row
    place: int
    """Among the committed events of its key."""


class Watch:
    """Collects while the history runs, and judges at its end."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.violations: list[Violation] = []
        self.facts: dict[UUID, Fact] = {}
        self.names: dict[UUID, str] = {}
        self.occurrences: Counter[UUID] = Counter()
        self.effects: list[tuple[str, int, UUID]] = []
        self._by_version: dict[tuple[str, int], Fact] = {}
        self._places: Counter[str] = Counter()
        self._published: dict[str, int] = {}
        """The place up to which a key is published."""
        self._met: dict[str, int] = {}
        """The version with which a key was published first: a consumer begins there."""
        self._applied: dict[str, int] = defaultdict(int)
        self._applied_ids: set[UUID] = set()
        self._given_up: set[tuple[str, int]] = set()
        self._forgotten: set[str] = set()
        """Keys of which an operator gave up a record that nobody can read: it may have been any version."""

    def report(self, invariant: Invariant, detail: str) -> None:
        self._world.note(f"VIOLATED: {invariant}: {detail}")
        self.violations.append(Violation(invariant, detail))

    def saw_commit(self, changes: Changes) -> None:
        """Decisions first: an effect that steps over a version can be of the same transaction."""
        for (table, _), row in changes.items():
            if table == PARKED and row is not None and row["state"] != "parked":
                self._saw_settled(row)
        for (table, _), row in changes.items():
            if row is not None and table == OUTBOX and row["event_id"] not in self.facts:
                self._saw_fact(row)
            elif row is not None and table == EFFECTS:
                self._saw_effect(row)

    def _saw_fact(self, row: Row) -> None:
        headers = dict(unpack_headers(row["headers"]))
        key, version = row["key"].decode(), int(headers["ce_aggregateversion"] or 0)
        self._places[key] += 1
        fact = Fact(key, version, _text(headers["ce_type"]), row, self._places[key])
        self.facts[row["event_id"]] = self._by_version[key, version] = fact

    def _saw_effect(self, row: Row) -> None:
        key, version = row["key"], row["version"]
        self.effects.append((key, version, row["event_id"]))
        self._applied_ids.add(row["event_id"])
        last = self._applied[key]
        if version > last:
            self._applied[key] = version
            missing = [other for other in range(last + 1, version) if not self._may_be_missing(key, other)]
            if missing and key not in self._forgotten:
                self.report(Invariant.NO_GAP, f"{key} v{version} without {missing}")
            self._forgotten.discard(key)
        elif version < last and key not in self._forgotten:
            self.report(Invariant.APPLIED_IN_ORDER, f"{key} v{version} after v{last}")

    def _may_be_missing(self, key: str, version: int) -> bool:
        fact = self._by_version.get((key, version))
        is_ignored = fact is not None and fact.type == RingRested.type
        return is_ignored or (key, version) in self._given_up or version < self._met.get(key, 0)

    def _saw_settled(self, row: Row) -> None:
        """An operator's decision, or what came of one."""
        fact = self.facts.get(row["event_id"])
        if row["state"] == "discarded" and fact is None:
            self._forgotten.add(_text(row["key"]))
        elif fact is not None and row["state"] == "discarded":
            self._given_up.add((fact.key, fact.version))
        elif fact is not None and row["settled_by"] == DESPITE_GAP and row["consumer"] != RELAY:
            self._given_up.update((fact.key, version) for version in range(1, fact.version))

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
        self._met.setdefault(fact.key, fact.version)
        before = self._published.get(fact.key, 0)
        # A request that was given up can still arrive after an operator has discarded its event.
        if fact.place < before and (fact.key, fact.version) not in self._given_up:
            self.report(Invariant.IN_ORDER, f"{_name(fact)} is the {fact.place}., and after the {before}.")
        self._published[fact.key] = max(before, fact.place)

    def healable(self) -> list[str]:
        """What waits for a version that has come, or was applied elsewhere: nobody has to do anything for it."""
        waiting: dict[str, Row] = {}
        for row in sorted(self._world.store.tables[PARKED].values(), key=turn):
            if row["state"] == "parked" and row["consumer"] != RELAY:
                waiting.setdefault(_text(row["key"]), row)
        return [
            f"{key} v{row['aggregate_version']}"
            for key, row in waiting.items()
            if (row["reason_code"] == VERSION_GAP and self._has_come(key, row["aggregate_version"] - 1))
            or (row["reason_code"] != BEHIND and row["event_id"] in self._applied_ids)
        ]

    def _has_come(self, key: str, version: int) -> bool:
        fact = self._by_version.get((key, version))
        is_ignored = fact is not None and fact.type == RingRested.type
        return self._applied[key] >= version or (is_ignored and self._has_come(key, version - 1))

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
            if version not in row["skipped"]
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
            waiting = parked.get(event_id)
            if applied[event_id] > 1:
                self.report(Invariant.APPLIED_ONCE, f"{_name(fact)} {applied[event_id]} times")
            if applied[event_id] and waiting is not None and waiting["state"] == "parked":
                self._judge_waiting(fact, waiting)
            is_settled = applied[event_id] or fact.type == RingRested.type or (fact.key, fact.version) in self._given_up
            if not is_settled and (waiting is None or not waiting["reason_code"]):
                self.report(Invariant.APPLIED_OR_PARKED, f"{_name(fact)} is neither")

    def _judge_waiting(self, fact: Fact, row: Row) -> None:
        """What came a second time may stand behind another: that one is waited for."""
        if row["reason_code"] != BEHIND:
            self.report(Invariant.NOT_BOTH, f"{_name(fact)} is parked: {row['reason_code']}")


def _name(fact: Fact | None) -> str:
    return f"{fact.key} v{fact.version}" if fact else "an unknown event"


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode()
