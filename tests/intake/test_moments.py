"""A lead's timeline forgets nothing: what was asked and then denied, held and then charged, paid in part and whole."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from chassis import migrate
from chassis.clock import FixedClock
from chassis.console.wording import told_instant
from chassis.database import Database, create_engine
from chassis.ids import new_id
from contracts.envelope import Event
from deploy.local.postgres import ServiceDatabase
from services.intake import queries
from services.intake.consumers.remembered import KEPT
from services.intake.pages.lead_happened import TOLD
from tests.intake.desk import Desk
from tests.intake.reception import Reception
from tests.intake.samples import NOW, rows
from tests.intake.telling import ASSIGNMENT, INVOICE, LEAD, take, take_batch, told
from tests.intake.test_consumers import leads
from tests.intake.test_pages import page
from tests.kit.databases import Databases, RolledBackDatabase
from tests.kit.statements import statements_of

MOMENTS = "SELECT * FROM lead_moments ORDER BY at, version"
INSTANTS = {"requested_at", "denied_at", "delivered_at", "listed_at", "received_at", "paid_at", "voided_at"}
BY_TYPE = {event.type: event for event in KEPT}
COUNTS: dict[str, dict[str, Any]] = {"invoice.adjusted": {"adjustment_type": "debit"}}
"""What an event's example has to say so that it counts."""


def at(minutes: int, type_: str, version: int, **changed: Any) -> Any:
    """Told with each of its instants so long after the lead came."""
    event = told(type_, version)
    when = NOW - timedelta(hours=2) + timedelta(minutes=minutes)
    instants = dict.fromkeys(INSTANTS & set(type(event.event).model_fields), when)
    return told(type_, version, **instants, **changed)


def settled(minutes: int, version: int, **changed: Any) -> Any:
    when = NOW - timedelta(hours=2) + timedelta(minutes=minutes)
    return told("message.settled", version, **({"message_id": new_id(), "settled_at": when} | changed))


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


class TestWhatIsKept:
    @pytest.mark.parametrize("event", BY_TYPE.values(), ids=BY_TYPE)
    async def test_of_each_event_that_counts_is_when_to_whom_and_its_words(
        self, database: RolledBackDatabase, event: type[Event]
    ) -> None:
        (lead_id,) = await leads(database)
        again = _about(told(event.type, 3, **(_owed(event) | COUNTS.get(event.type, {}))), lead_id)
        await take(database, again)
        await take_batch(database, again, again)
        (kept,) = await rows(database, MOMENTS)
        assert (kept["event_id"], kept["version"], kept["kind"]) == (again.envelope.id, 3, event.type)
        assert kept["at"] == getattr(again.event, KEPT[event].at)
        assert kept["subject_id"] in {ASSIGNMENT, INVOICE, lead_id}
        assert event.type in TOLD

    def test_has_words_for_nothing_else(self) -> None:
        assert set(TOLD) == set(BY_TYPE)

    async def test_is_not_what_another_event_says(self, database: RolledBackDatabase) -> None:
        await take(database, told("invoice.issued", 1), told("invoice.payment_recorded", 2, balance_cents=0))
        await take(database, told("invoice.adjusted", 3, adjustment_type="credit", balance_cents=10))
        await take(database, told("assignment.created", 1), told("assignment.sent", 2))
        assert await rows(database, MOMENTS) == []

    async def test_of_many_is_one_statement_more(self, database: RolledBackDatabase) -> None:
        many = [told("delivery.recorded", 1, assignment_id=new_id()) for _ in range(40)]
        with statements_of(database.connection.sync_connection) as statements:
            await take_batch(database, *many)
        assert len(statements) == 2
        assert len(await rows(database, MOMENTS)) == 40

    async def test_of_an_invoice_is_found_by_each_that_ever_stood_on_it(self, database: RolledBackDatabase) -> None:
        void, next_ = new_id(), new_id()
        for invoice_id in (void, next_):
            await take(database, told("invoice.deliveries_listed", 2, invoice_id=invoice_id, **LISTED))
            await take(database, told("invoice.voided", 3, invoice_id=invoice_id))
        async with database.reading() as session:
            found = await queries.happened_to(session, [LEAD, ASSIGNMENT])
            of_another = await queries.happened_to(session, [new_id()])
        assert {each.subject_id for each in found} == {ASSIGNMENT, void, next_}
        assert of_another == []


LISTED: dict[str, Any] = {"assignment_ids": (ASSIGNMENT,), "adjustment_id": None}


def _owed(event: type[Event]) -> dict[str, Any]:
    owed = {"balance_cents": 500, "assignment_ids": (ASSIGNMENT,)}
    return {name: value for name, value in owed.items() if name in event.model_fields}


def _about(event: Any, lead_id: UUID) -> Any:
    if "lead_id" not in type(event.event).model_fields:
        return event
    return told(event.envelope.type, event.envelope.aggregate_version, **(dict(event.event) | {"lead_id": lead_id}))


class TestTheTimeline:
    async def tell(self, http: Desk, reception: Reception, *events: Any) -> list[str]:
        """The moments of a lead whose assignment all of these are of, the latest first."""
        _, key = await reception.source()
        lead_id = await reception.lead(key, ago=timedelta(hours=3))
        first = told("assignment.created", 1, lead_id=lead_id, installer_name="Bright Roofs")
        await take(reception.database, first, *(_about(event, lead_id) for event in events))
        return _moments(await page(http, f"/console/leads/{lead_id}"))

    async def test_tells_that_a_return_was_asked_for_denied_and_asked_for_again(
        self, http: Desk, reception: Reception
    ) -> None:
        moments = await self.tell(
            http,
            reception,
            at(10, "assignment.return_requested", 3, reason_code="contact_invalid"),
            at(20, "assignment.return_denied", 4, denial_code="contact_answered"),
            at(30, "assignment.return_requested", 5, reason_code="out_of_area"),
        )
        assert _said(moments, "return", "give it back") == [
            "Bright Roofs asked to give it back Out of area",
            "Dispatch denied Bright Roofs its return Contact answered",
            "Bright Roofs asked to give it back Contact invalid",
        ]

    async def test_tells_that_there_was_no_price_before_there_was_one(self, http: Desk, reception: Reception) -> None:
        moments = await self.tell(
            http,
            reception,
            at(5, "delivery.recorded", 2, unit_price_cents=4_500),
            at(5, "delivery.held", 1),
        )
        assert _said(moments, "Billing") == [
            "Billing charged Bright Roofs $45.00 for it",
            "Billing found no price for the delivery to Bright Roofs No price plan",
        ]

    async def test_tells_the_parts_in_which_it_was_paid_and_the_invoice_that_was_void(
        self, http: Desk, reception: Reception
    ) -> None:
        void, stands = new_id(), new_id()
        moments = await self.tell(
            http,
            reception,
            at(10, "invoice.deliveries_listed", 2, invoice_id=void, number="WB-000030", **LISTED),
            at(20, "invoice.voided", 3, invoice_id=void, number="WB-000030", reason_code="wrong_month"),
            at(30, "invoice.deliveries_listed", 2, invoice_id=stands, number="WB-000031", **LISTED),
            at(40, "invoice.payment_recorded", 3, invoice_id=stands, amount_cents=6_000, balance_cents=2_500),
            at(50, "invoice.paid", 4, invoice_id=stands, number="WB-000031"),
        )
        assert _said(moments, "WB-") == [
            "WB-000031 was paid",
            "WB-000031 was paid in part: $60.00, $25.00 left to pay",
            "Billing put it on WB-000031 of Bright Roofs",
            "WB-000030 was voided Wrong month",
            "Billing put it on WB-000030 of Bright Roofs",
        ]

    async def test_tells_of_mails_about_a_lead_that_one_has_and_of_none_as_the_lead(
        self, http: Desk, reception: Reception
    ) -> None:
        late = new_id()
        moments = await self.tell(
            http,
            reception,
            settled(10, 1, message_id=late, purpose="lead_correction", outcome="failed"),
            settled(20, 2, message_id=late, purpose="lead_correction", outcome="accepted", reason_code=None),
            settled(30, 1, purpose="return_answer", outcome="accepted", reason_code=None),
        )
        assert _said(moments, "Mail ") == [
            "Mail told Bright Roofs why its return was denied",
            "Mail told Bright Roofs of the correction",
            "Mail could not tell Bright Roofs of the correction Mailbox unknown",
        ]
        (lead,) = await rows(reception.database, "SELECT id FROM leads")
        seen = await page(http, f"/console/leads/{lead['id']}")
        mails = seen.partition("Mails to installers</h2>")[2].partition("</section>")[0]
        for part in ("Its correction</a>", "Their return, denied</a>", "Accepted", f"/console/messages/{late}"):
            assert part in mails
        assert "The lead" not in mails

    async def test_tells_who_has_its_exception_and_until_when_it_is_put_off(
        self, http: Desk, reception: Reception
    ) -> None:
        moments = await self.tell(
            http,
            reception,
            told("dispatch.exception_owner_changed", 2, owner_name="Ada Tan", changed_at=NOW),
            told("dispatch.exception_snoozed", 3, snoozed_until=NOW + timedelta(hours=4), changed_at=NOW),
            told("dispatch.exception_snoozed", 4, snoozed_until=None, changed_at=NOW),
            told("dispatch.exception_owner_changed", 5, owner_id=None, owner_name=None, changed_at=NOW),
        )
        until = told_instant(NOW + timedelta(hours=4), ZoneInfo("Australia/Sydney"))
        assert _said(moments, "exception") == [
            "Dispatch left its exception to nobody",
            "Dispatch took its exception up again",
            f"Dispatch put its exception off until {until}",
            "Dispatch gave its exception to Ada Tan",
        ]

    async def test_tells_that_the_queue_escalated_it(self, http: Desk, reception: Reception) -> None:
        escalated = told("dispatch.exception_escalated", 2, reason_code="no_candidates")
        moments = await self.tell(http, reception, escalated)
        assert _said(moments, "escalated") == ["Dispatch escalated it: it waits longer than it may No candidates"]


def _moments(told: str) -> list[str]:
    """Each in the words that are read, without its instant."""
    timeline = told.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    items = re.findall(r"<li>(.*?)</li>", re.sub(r"<time.*?</time>", "", timeline), re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", item)).split()) for item in items]


def _said(moments: list[str], *words: str) -> list[str]:
    return [moment for moment in moments if any(word in moment for word in words)]


LAST = "0012"
SHARED, SUNNY = UUID(int=1), UUID(int=2)
STOOD = f"""
INSERT INTO lead_assignments (assignment_id, lead_id, installer_id, status, return_state, return_reason,
                              return_changed_at, version)
VALUES ('{SHARED}', '{LEAD}', gen_random_uuid(), 'sent', 'denied', 'out_of_area', '2026-03-02', 4);
INSERT INTO lead_deliveries (assignment_id, lead_id, state, unit_price_cents, reason_code, recorded_at, since, version)
VALUES ('{SHARED}', '{LEAD}', 'credited', 4500, 'duplicate_dispatch', '2026-03-01', '2026-03-05', 2),
       ('{SUNNY}', '{LEAD}', 'held', NULL, 'no_price_plan', NULL, '2026-03-01', 1);
INSERT INTO invoiced_deliveries VALUES ('{SHARED}', '{INVOICE}', 'WB-000031', NULL, '2026-03-03');
INSERT INTO known_invoices (invoice_id, number, state, since, version)
VALUES ('{INVOICE}', 'WB-000031', 'paid', '2026-03-04', 4);
"""


@pytest.fixture
def empty(databases: Databases) -> Iterator[ServiceDatabase]:
    database = databases.empty("intake")
    yield database
    databases.drop(database)


@pytest.fixture
async def upgraded(empty: ServiceDatabase) -> AsyncIterator[Database]:
    """What stood when nothing that happened was kept, brought to the newest."""
    config = migrate.configuration("intake", empty.owner_url, "intake")
    step = ScriptDirectory.from_config(config).get_revision(LAST)
    await asyncio.to_thread(command.upgrade, config, str(step.revision))
    owner = create_engine(empty.owner_url)
    async with owner.begin() as connection:
        for statement in STOOD.strip().split(";\n"):
            await connection.execute(text(statement))
    await owner.dispose()
    await asyncio.to_thread(migrate.upgrade, config)
    database = Database(create_engine(empty.url), "/waybill/intake")
    yield database
    await database.close()


async def test_of_what_was_told_before_the_last_is_there(upgraded: Database) -> None:
    async with upgraded.reading() as session:
        found = await queries.happened_to(session, [SHARED, SUNNY])
    assert sorted((each.at.day, each.kind, each.reason_code) for each in found) == [
        (1, "delivery.held", "no_price_plan"),
        (1, "delivery.recorded", None),
        (2, "assignment.return_denied", "out_of_area"),
        (3, "invoice.deliveries_listed", None),
        (4, "invoice.paid", None),
        (5, "delivery.credited", "duplicate_dispatch"),
    ]
