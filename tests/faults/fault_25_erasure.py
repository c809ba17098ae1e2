"""Persons who are erased while what is known of them is on its way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from contracts.topics import TOPICS
from tests.faults.fault import Fault, Round
from tests.faults.load import SERVICE
from tests.faults.scanning import found_in_logs, found_in_tables, found_in_topics
from tests.kit.eventually import eventually

LETTERS = "bcdfghjklmnpqrstvwz"
PARKED = "SELECT count(*) FROM parked_events WHERE key = $1 AND state = 'parked'"
GIVEN = "SELECT count(*) FROM assignments WHERE lead_id = $1"
SENT = "SELECT count(*) FROM assignments WHERE lead_id = $1 AND status = 'sent'"
BILLED = "SELECT count(*) FROM delivery_events WHERE lead_id = $1"

# Whoever is dispatched to this suburb is not: neither by the handler nor by its last resort.
_INSTALL = """
CREATE SCHEMA refusing;
CREATE FUNCTION refusing.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.suburb = '{suburb}' THEN
        RAISE EXCEPTION 'ordered by a test';
    END IF;
    RETURN NEW;
END $$;
GRANT USAGE ON SCHEMA refusing TO PUBLIC;
CREATE TRIGGER refusing BEFORE INSERT ON public.dispatches FOR EACH ROW EXECUTE FUNCTION refusing.fail();
"""
_REMOVE = ("DROP TRIGGER refusing ON public.dispatches", "DROP SCHEMA refusing CASCADE")


@dataclass(frozen=True, slots=True)
class Person:
    """Of words that stand nowhere else."""

    first: str
    last: str
    mobile: str
    street: str

    @property
    def email(self) -> str:
        return f"{self.first}.{self.last}@post.example".lower()

    @property
    def words(self) -> tuple[str, ...]:
        """By any of which they would be known."""
        return (self.first, self.last, self.mobile, f"61{self.mobile[1:]}", self.street)


class ErasedInFlight(Fault):
    number = 25
    injects = "persons erased while their leads are screened, dispatched, held up at a consumer, or parked"
    holds = (
        "no word of theirs is left in any table, topic or log; keys are destroyed, and the ledger is intact (I4, I5)"
    )

    is_alone = True

    async def inject(self, at: Round) -> None:
        self._persons: list[Person] = []
        self._leads: list[UUID] = []
        self._billed: list[UUID] = []
        for _ in range(at.scale.times):
            await self._under_way(at)
            await self._delivered(at)
            await self._at_a_held_consumer(at)
            await self._parked(at)

    async def _under_way(self, at: Round) -> None:
        """Some at once: each is erased wherever its lead is by then."""
        persons = [self._person(at) for _ in range(6)]

        async def come_and_go(person: Person) -> None:
            lead_id = await self._take(at, person)
            await asyncio.sleep(at.chance.random() * 0.5)
            await self._erase(at, lead_id)

        await asyncio.gather(*map(come_and_go, persons))
        at.note("erased under way", len(persons))

    async def _delivered(self, at: Round) -> None:
        """After it was sold, corrected, and talked about."""
        person = self._person(at)
        lead_id = await self._take(at, person)
        await self._until(at, lambda: at.rig.number("billing", BILLED, lead_id))
        self._billed.append(lead_id)
        fields = {"street": f"9 {person.street}", "reason_code": "person_told", "reason": f"{person.first} rang"}
        await at.rig.told("POST", "intake", f"/admin/leads/{lead_id}/corrections", fields)
        follow_up = {
            "id": str(uuid4()),
            "lead_id": str(lead_id),
            "channel": "call",
            "due_at": "2099-01-01T00:00:00Z",
            "note": f"Ask {person.first} {person.last} on {person.mobile}",
        }
        await at.rig.told("POST", "intake", "/admin/follow-ups", follow_up)
        name = f"{person.first} {person.last}"
        ticket = {
            "subject": f"About {name}",
            "requester_name": name,
            "requester_email": person.email,
            "body": f"I am {name} of 7 {person.street}, {person.mobile}",
        }
        await at.rig.told("POST", "notifications", "/admin/ops/tickets", ticket)
        search = await at.rig.told("GET", "intake", f"/admin/erasures/search?q={person.last}")
        at.require([found["id"] for found in search] == [str(lead_id)], "who is to be erased was not found")
        words = (person.last,)
        at.require(bool(await found_in_tables(at.rig.pools, words)), "the scan finds nobody where somebody is")
        await self._erase(at, lead_id)
        at.note("erased after delivery")

    async def _at_a_held_consumer(self, at: Round) -> None:
        """Who mails has neither the lead nor its key yet; it hears of all at once."""
        person = self._person(at)
        async with at.rig.hold("notifications"):
            mailer = at.rig.processes["notifications"]
            await mailer.until_ready()
            mailer.pause()
            try:
                lead_id = await self._take(at, person)
                await self._until(at, lambda: at.rig.number("routing", GIVEN, lead_id))
                await self._erase(at, lead_id)
            finally:
                mailer.resume()
        at.note("erased behind a held consumer")

    async def _parked(self, at: Round) -> None:
        """The lead waits for an operator at routing, and that it is erased waits behind it."""
        person, suburb = self._person(at), f"Refused {at.chance.getrandbits(40)}"
        async with self._refused(at, suburb):
            lead_id = await self._take(at, person, suburb)
            key = str(lead_id).encode()
            await self._until(at, lambda: at.rig.number("routing", PARKED, key))
            await self._erase(at, lead_id)
            await self._until(at, partial(self._are_parked, at, key, 3))
            left = await found_in_tables({"routing": at.rig.pools["routing"]}, person.words)
            at.require(not left, f"a parked event tells of who was erased: {left}")
        waiting = await at.rig.told("GET", "routing", f"/admin/parked-events?key={lead_id}")
        oldest = min(waiting["items"], key=lambda item: item["offset"])
        await at.rig.told("POST", "routing", f"/admin/parked-events/{oldest['id']}/replay")
        at.note("erased while parked")

    async def _are_parked(self, at: Round, key: bytes, number: int) -> bool:
        return await at.rig.number("routing", PARKED, key) >= number

    @asynccontextmanager
    async def _refused(self, at: Round, suburb: str) -> AsyncIterator[None]:
        async with at.rig.hold("routing"):
            await at.rig.execute("routing", _INSTALL.format(suburb=suburb))
            try:
                yield
            finally:
                await at.rig.execute("routing", *_REMOVE)

    async def _until(self, at: Round, condition: Callable[[], Awaitable[Any]]) -> None:
        await eventually(condition, at.scale.settle_seconds)

    def _person(self, at: Round) -> Person:
        first, last, street = ("".join(at.chance.choices(LETTERS, k=11)).capitalize() for _ in range(3))
        mobile = f"0487{at.chance.randrange(10**6):06d}"
        person = Person(first, last, mobile, f"{street} Parade")
        self._persons.append(person)
        return person

    async def _take(self, at: Round, person: Person, suburb: str = "Marrickville") -> UUID:
        lead = at.load.submission()
        lead |= {
            "service": SERVICE,
            "selected_path": "recommended_installer",
            "name": f"{person.first} {person.last}",
            "email": person.email,
            "phone": person.mobile,
            "address": {**lead["address"], "street": f"7 {person.street}", "suburb": suburb},
        }
        answer = await at.rig.running.post_lead(lead)
        assert answer.is_success, answer.text
        lead_id = answer.json()["id"]
        at.load.answers[lead["client_submission_key"]].add(lead_id)
        self._leads.append(UUID(lead_id))
        return UUID(lead_id)

    async def _erase(self, at: Round, lead_id: UUID) -> None:
        body = {
            "id": str(uuid4()),
            "lead_ids": [str(lead_id)],
            "asked_via": "person",
            "reason_code": "consent_withdrawn",
            "note": "Asked by telephone",
        }
        await at.rig.told("POST", "intake", "/admin/erasures", body)

    async def verify(self, at: Round) -> None:
        words = [word for person in self._persons for word in person.words]
        tables = await found_in_tables(at.rig.pools, words)
        at.require(not tables, f"persons who were erased stand in {tables}")
        topics = await found_in_topics(at.rig.bootstrap_servers, [topic.name for topic in TOPICS], words)
        at.require(not topics, f"persons who were erased stand in {topics}")
        logs = found_in_logs(at.rig.room, words)
        at.require(not logs, f"persons who were erased stand in {logs}")
        for service in ("intake", "routing", "notifications"):
            kept = await at.rig.number(
                service, "SELECT count(*) FROM lead_keys WHERE lead_id = ANY ($1) AND key IS NOT NULL", self._leads
            )
            at.require(not kept, f"{service} has {kept} keys of leads that were erased")
        billed = await at.rig.number(
            "billing", "SELECT count(*) FROM delivery_events WHERE lead_id = ANY ($1)", self._billed
        )
        at.require(billed == len(self._billed), "a delivery of who was erased is not in the ledger any more")
        at.note("words looked for", len(words))
