"""Merges and unmerges among everything else that befalls leads: once taken apart, a merge has never been.

The model knows no merges: of each lead it says what the other events alone have made of it.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, product
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from chassis.database import create_engine
from chassis.errors import Refusal
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from contracts.envelope import from_headers
from services.intake.commands.dispatches import DispatchStep, follow_dispatch
from services.intake.commands.judging import evidence_of, keys_of
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.commands.leads.correcting import FIELDS, CorrectLead, correct_lead
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.commands.reviewing import ReleaseLead, release_lead
from services.intake.commands.searching import index_leads
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain import CloseReason, LeadStatus, followed
from services.intake.domain.content import email_match
from services.intake.domain.corrections import Correctable, CorrectionReason
from services.intake.domain.duplicates import KEPT_FROM, DismissReason, Score, all_told, score
from services.intake.domain.merging import CHOOSABLE, MergeReason, UnmergeReason
from tests.intake.couples import Couples
from tests.intake.samples import NOW, OPERATOR, someone, working_source
from tests.kit.databases import Databases, RolledBackDatabase

SAID = [LeadStatus.DISPATCHING, LeadStatus.EXCEPTION, LeadStatus.DELIVERED]
CORRECTED = ("name", "email", "phone", "street", "suburb")
PLACES = st.integers(0, 7)
"""Of the leads, in the order in which they were taken."""


@dataclass
class Known:
    """A lead as it would be without any merge."""

    id: UUID
    status: LeadStatus
    status_since: datetime
    name: str
    email: str
    phone: str
    street: str
    suburb: str
    delivered_at: datetime | None = None
    close_reason: str | None = None
    exception_reason: str | None = None
    dispatch_version: int = 0

    def move(self, status: LeadStatus, at: datetime) -> None:
        self.status, self.status_since, self.exception_reason = status, at, None


class Merges(RuleBasedStateMachine):
    runner: asyncio.Runner
    connection: Any

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.outer = self.run(self.connection.begin())
        database = RolledBackDatabase(self.connection, "/waybill/intake")
        self.couples = Couples(database, self.run(working_source(database))[1])
        self.known: list[Known] = []
        self.took: dict[UUID, tuple[UUID, dict[str, str]]] = {}
        """By the loser of each merge that was made: its survivor, and what that one said of what it took."""
        self.numbers = 0

    def run(self, work: Awaitable[Any]) -> Any:
        async def do() -> Any:
            return await work

        return self.runner.run(do())

    def does(self, command: Any, given: Any) -> bool:
        """Whether it was done; what is refused changes nothing."""

        async def do() -> bool:
            try:
                async with self.couples.database.transaction() as session:
                    await command(session, given)
            except Refusal:
                return False
            return True

        self.now += timedelta(minutes=1)
        done: bool = self.run(do())
        return done

    def rows(self, query: str) -> list[Any]:
        async def do() -> list[Any]:
            async with self.couples.database.reading() as session:
                return list((await session.execute(text(query))).mappings())

        found: list[Any] = self.run(do())
        return found

    def leads(self) -> dict[UUID, Any]:
        return {row["id"]: row for row in self.rows("SELECT * FROM leads")}

    def teardown(self) -> None:
        """Whatever still stands is taken apart: then there is no lead left that a merge excuses."""
        try:
            self.what_may_be_one_is_so_by_what_leads_say_now()
            self.whoever_is_held_is_held_by_something()
            self.unmerge_all()
            self.what_is_in_no_merge_is_as_the_other_events_alone_have_made_it()
            self.no_version_is_left_out()
            self.what_may_be_one_is_so_by_what_leads_say_now()
            self.whoever_is_held_is_held_by_something()
            self.what_is_found_by_words_is_as_if_written_anew()
        finally:
            self.run(self.outer.rollback())

    def one(self, place: int) -> Known:
        return self.known[place % len(self.known)]

    @initialize()
    def begin(self) -> None:
        for number in (1, 2, 1, 3):
            self.take(number)

    @rule(number=st.integers(1, 4))
    def take(self, number: int) -> None:
        """Of four people, so that some come again and are held."""
        self.now += timedelta(minutes=1)
        self.numbers += 1
        content = someone(number, suburb=f"Suburb {self.numbers}")
        lead_id = self.run(self.couples.lead(content, at=self.now))
        status = LeadStatus(self.leads()[lead_id]["status"])
        told = {name: getattr(content, name) for name in CORRECTED}
        self.known.append(Known(lead_id, status, self.now, **told))

    @rule(place=PLACES, field=st.sampled_from(CORRECTED))
    def correct(self, place: int, field: str) -> None:
        known = self.one(place)
        self.numbers += 1
        fresh = {"email": f"fresh-{self.numbers}@post.example", "phone": f"+61499{self.numbers:06d}"}
        value = fresh.get(field, f"{self.numbers} Fresh")
        command = CorrectLead(known.id, {field: value}, CorrectionReason.OTHER, None, OPERATOR, self.now)
        if self.does(correct_lead, command):
            setattr(known, field, value)

    @rule(place=PLACES, other=PLACES, field=st.sampled_from(("phone", "email", "name")))
    def say_what_another_says(self, place: int, other: int, field: str) -> None:
        """Of whoever is a tombstone too: what may be one is so by what leads say, whichever of them goes on."""
        known, value = self.one(place), getattr(self.one(other), field)
        is_other = self.leads()[known.id][field] != value
        command = CorrectLead(known.id, {field: value}, CorrectionReason.OTHER, None, OPERATOR, self.now)
        if self.does(correct_lead, command) and is_other:
            setattr(known, field, value)

    @rule(place=PLACES, status=st.sampled_from(SAID))
    def routing_says(self, place: int, status: LeadStatus) -> None:
        known = self.one(place)
        if self.leads()[known.id]["version"] == 0:
            return
        known.dispatch_version += 1
        at = self.now
        reason = "no_eligible_installer" if status is LeadStatus.EXCEPTION else None
        step = DispatchStep(known.id, known.dispatch_version, new_id(), status, at, reason)
        assert self.does(follow_dispatch, [step])
        after = followed(known.status, status)
        if after is not known.status:
            known.move(after, at)
        if after is LeadStatus.EXCEPTION:
            known.exception_reason = reason or known.exception_reason
        if status is LeadStatus.DELIVERED and known.delivered_at is None:
            known.delivered_at = at

    @precondition(lambda self: len(self.known) > 6)
    @rule(place=PLACES)
    def close(self, place: int) -> None:
        known = self.one(place)
        at, was_over = self.now, self.leads()[known.id]["status"] == "closed"
        command = CloseLead(known.id, CloseReason.WITHDRAWN, None, OPERATOR, at)
        if self.does(close_lead, command) and not was_over:
            known.move(LeadStatus.CLOSED, at)
            known.close_reason = "withdrawn"

    @rule(place=PLACES)
    def release(self, place: int) -> None:
        known = self.one(place)
        at = self.now
        is_held = known.status is LeadStatus.DUPLICATE_REVIEW
        if self.does(release_lead, ReleaseLead(known.id, DismissReason.OTHER, None, OPERATOR, at)) and is_held:
            known.move(LeadStatus.ROUTABLE, at)

    @rule(survivor=PLACES, loser=PLACES, taken=st.frozensets(st.sampled_from(CHOOSABLE)))
    def merge(self, survivor: int, loser: int, taken: frozenset[Correctable]) -> None:
        """What held the survivor for the loser alone holds it no more: that is a release, as one by hand is."""
        whole = [known for known in self.known if known.id not in self.losers()]
        one, other = whole[survivor % len(whole)], whole[loser % len(whole)]
        at, before = self.now, self.leads()[one.id]
        if self.does(merge_leads, MergeLeads(one.id, other.id, taken, MergeReason.ASKED_TWICE, None, OPERATOR, at)):
            after = self.leads()[one.id]
            replaced = {name: before[name] for name in FIELDS if after[name] != before[name]}
            self.took[other.id] = one.id, replaced
        if one.status is LeadStatus.DUPLICATE_REVIEW and self.leads()[one.id]["status"] == "routable":
            one.move(LeadStatus.ROUTABLE, at)

    def losers(self) -> list[UUID]:
        """Of the merges that stand, the last first."""
        return [
            row["loser_id"]
            for row in self.rows("SELECT loser_id FROM merges WHERE unmerged_at IS NULL ORDER BY id DESC")
        ]

    @precondition(lambda self: self.losers())
    @rule(place=PLACES, field=st.sampled_from(CORRECTED))
    def correct_a_survivor(self, place: int, field: str) -> None:
        """What it took, as likely as not."""
        found = self.rows("SELECT survivor_id FROM merges WHERE unmerged_at IS NULL ORDER BY id")
        survivor = found[place % len(found)]["survivor_id"]
        self.correct([known.id for known in self.known].index(survivor), field)

    @precondition(lambda self: self.losers())
    @rule(place=PLACES)
    def unmerge(self, place: int) -> None:
        """Whichever: one that cannot be the first out is refused."""
        losers = self.losers()
        command = UnmergeLead(losers[place % len(losers)], UnmergeReason.OPERATOR_ERROR, None, OPERATOR, self.now)
        done = self.does(unmerge_lead, command)
        assert done or place % len(losers) > 0

    def unmerge_all(self) -> None:
        for loser in self.losers():
            assert self.does(unmerge_lead, UnmergeLead(loser, UnmergeReason.TWO_PEOPLE, None, OPERATOR, self.now))
        assert not self.losers()

    @invariant()
    def what_is_in_no_merge_is_as_the_other_events_alone_have_made_it(self) -> None:
        standing = self.rows("SELECT survivor_id, loser_id FROM merges WHERE unmerged_at IS NULL")
        losers = {row["loser_id"] for row in standing}
        leads = self.leads()
        assert {lead_id for lead_id, row in leads.items() if row["merged_into"]} == losers
        for known in self.known:
            if known.id not in losers:
                self._is_as_known(leads[known.id], known, takes=known.id in {row["survivor_id"] for row in standing})

    def _is_as_known(self, row: Any, known: Known, *, takes: bool) -> None:
        """A survivor may say what it took; how it stands is its own."""
        told = Known(**{name: row[name] for name in Known.__dataclass_fields__})
        wanted = replace(known, **{name: row[name] for name in CORRECTED}) if takes else known
        assert told == wanted

    def what_may_be_one_is_so_by_what_leads_say_now(self) -> None:
        """Of pairs that are open, and of the keys by which leads are found: by all that each of them says.

        What is merged is found by its own words too, and whoever took some by what it said itself. A fresh look at any
        lead finds no pair that is not there, whatever was merged meanwhile.
        """
        said = self.said()
        pairs = {frozenset((pair["lead_id"], pair["other_id"])): pair for pair in self.rows("SELECT * FROM lead_pairs")}
        for two, pair in pairs.items():
            now = self.scored(*(said[id_] for id_ in two))
            if pair["state"] == "open":
                assert (pair["score"], pair["reasons"]) == (now.number, list(now.reasons))
                assert pair["score"] >= KEPT_FROM or pair["screened_score"] or pair["holds"]
        keys = {id_: {key for each in words for key in keys_of(each).items()} for id_, words in said.items()}
        found = {(row["lead_id"], row["kind"], row["value"]) for row in self.rows("SELECT * FROM lead_match")}
        assert found == {(id_, kind.number, key) for id_, each in keys.items() for kind, key in each}
        goes_on = self.who_go_on()
        for one, other in combinations(said, 2):
            pair = pairs.get(frozenset((one, other)))
            if goes_on[one] == goes_on[other]:
                assert pair is None or pair["state"] != "open"
            elif keys[one] & keys[other] and self.scored(said[one], said[other]).number >= KEPT_FROM:
                assert pair is not None

    def said(self) -> dict[UUID, list[Any]]:
        """Of each lead what it says, and what it said before it took something, whatever became of that since."""
        before: dict[UUID, dict[str, str]] = {known.id: {} for known in self.known}
        # The first that was merged into it last of all: what that one replaced is what it had said itself.
        for loser in self.losers():
            survivor, replaced = self.took[loser]
            before[survivor].update(replaced)
        words: dict[UUID, list[Any]] = {}
        for id_, row in self.leads().items():
            alone = {**row, **before[id_]}
            alone["email_match"] = email_match(alone["email"])
            words[id_] = [SimpleNamespace(**row), SimpleNamespace(**alone)]
        return words

    @staticmethod
    def scored(one: list[Any], other: list[Any]) -> Score:
        return score(all_told(evidence_of(each, another) for each, another in product(one, other)))

    def who_go_on(self) -> dict[UUID, UUID]:
        into = {id_: row["merged_into"] for id_, row in self.leads().items()}
        goes_on = dict(zip(into, into, strict=True))
        while away := [id_ for id_, last in goes_on.items() if into[last]]:
            goes_on |= {id_: into[goes_on[id_]] for id_ in away}
        return goes_on

    def whoever_is_held_is_held_by_something(self) -> None:
        """A lead that waits for a decision that nobody is asked for would wait for ever."""
        by_nothing = self.rows(
            "SELECT id FROM leads WHERE status = 'duplicate_review' AND NOT EXISTS ("
            "SELECT FROM lead_pairs WHERE lead_id = leads.id AND holds AND state = 'open')"
        )
        assert by_nothing == []

    def what_is_found_by_words_is_as_if_written_anew(self) -> None:
        query = "SELECT * FROM lead_search ORDER BY lead_id"
        before = self.rows(query)
        self.does(index_leads, [known.id for known in self.known])
        assert self.rows(query) == before

    @invariant()
    def no_version_is_left_out(self) -> None:
        """A version without an event would be a gap to every consumer."""
        versions: dict[tuple[str, bytes], list[int]] = {}
        for row in self.rows("SELECT topic, key, headers FROM outbox ORDER BY id"):
            told = from_headers(unpack_headers(row["headers"]))
            versions.setdefault((row["topic"], row["key"]), []).append(told.aggregate_version)
        assert all(each == list(range(1, len(each) + 1)) for each in versions.values())


def test_merges_leave_nothing_behind_whatever_comes_in_whatever_order(databases: Databases) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(databases.of_service("intake").url, pool_size=1, name="tests-merges")

        async def connect() -> Any:
            return await engine.connect()

        Merges.runner, Merges.connection = runner, runner.run(connect())
        checks = list(HealthCheck)
        wanted = settings(max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=checks)
        run_state_machine_as_test(Merges, settings=wanted)
        runner.run(Merges.connection.close())
        runner.run(engine.dispose())
