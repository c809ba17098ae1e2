"""A delivery that could not be written down keeps its month open, whoever asks, and is told of until it is mended."""

import json
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from services.billing.commands.book_blocks import watch_books
from services.billing.domain.month_close import DraftingObstacle, obstacle_to_drafting
from services.billing.errors import MonthHasUnrecordedDeliveries, NotReadyToIssue
from services.billing.measures.unrecorded import DELIVERIES_UNRECORDED, measure_unrecorded
from services.billing.pages import unrecorded
from tests.billing.arrangements import Books, march, sent
from tests.billing.desk import Desk, code_of, faults
from tests.billing.windows import Window

SENT = "assignment.sent"
_PARK = """
    INSERT INTO parked_events (id, consumer, topic, partition, record_offset, key, headers, body, event_type, state,
                               reason_code, reason_detail, parked_at)
    VALUES (:id, 'billing', :topic, 0, (SELECT count(*) FROM parked_events), :key, '', :body, :type, 'parked', :reason,
            'a fault', now() - interval '1 hour')
"""


async def park(
    books: Books,
    installer_id: UUID,
    at: datetime | None,
    *,
    type_: str | None = SENT,
    reason: str = "handler_failed",
    topic: str = "routing.assignments",
) -> UUID:
    """As the consumer's runtime does; without an instant its body cannot be read."""
    id_, assignment_id = new_id(), new_id()
    told = {"assignment_id": str(assignment_id), "installer_id": str(installer_id)}
    body = json.dumps(told | {"sent_at": at.isoformat()}).encode() if at else b"\xff{"
    key = str(assignment_id).encode()
    values = {"id": id_, "topic": topic, "key": key, "body": body, "type": type_, "reason": reason}
    await write(books, _PARK, **values)
    return id_


async def write(books: Books, statement: str, **values: object) -> None:
    async with books.database.transaction() as session:
        await session.execute(text(statement), values)


async def settle(books: Books) -> None:
    await write(books, "UPDATE parked_events SET state = 'discarded'")


async def watch(books: Books) -> None:
    async with books.unit() as session:
        await watch_books(session, books.clock.now())


class TestTheMonth:
    async def test_is_not_drafted_and_each_is_named(self, desk: Desk, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(3)))
        parked_id = await park(books, installer_id, march(31, 23, 59))
        answer = await desk.ask("POST", "/admin/billing/generate-invoice-drafts", {"period": "2026-03"})
        assert (answer.status_code, code_of(answer)) == (409, "deliveries_unrecorded")
        assert faults(answer) == {f"parked_events.{parked_id}": "deliveries_unrecorded"}
        preview = await desk.get("/admin/billing/preview-invoice-period", period="2026-03")
        assert [preview[name] for name in ("can_close", "obstacle", "unrecorded_count")] == [False, "unrecorded", 1]
        await settle(books)
        preview = await desk.get("/admin/billing/preview-invoice-period", period="2026-03")
        assert [preview[name] for name in ("can_close", "obstacle", "unrecorded_count")] == [True, None, 0]
        assert [result.outcome for result in await books.drafts()] == ["drafted"]

    @pytest.mark.parametrize(
        "hidden",
        [
            {"at": None},
            {"at": march(3), "type_": None},
            {"at": march(3), "type_": "assignment.cap_released", "reason": "version_gap"},
        ],
        ids=["not_readable", "of_no_type", "behind_a_gap"],
    )
    async def test_is_held_up_by_what_may_hide_one(self, books: Books, hidden: dict[str, object]) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(3)))
        await park(books, installer_id, **hidden)  # type: ignore[arg-type]
        with pytest.raises(MonthHasUnrecordedDeliveries):
            await books.drafts()

    async def test_is_not_held_up_by_another_month_installer_or_event(self, books: Books) -> None:
        installer_id, other = await books.priced_installer(), await books.priced_installer()
        await books.deliver(sent(installer_id, march(3)))
        await park(books, installer_id, datetime.fromisoformat("2026-04-01T00:00:00+11:00"))
        await park(books, other, march(3), type_="assignment.cap_released")
        await park(books, other, march(3), topic="intake.boards")
        assert len(await books.drafts()) == 1
        await park(books, other, march(3))
        assert len(await books.drafts(installer_ids=[installer_id])) == 1
        with pytest.raises(MonthHasUnrecordedDeliveries):
            await books.drafts(installer_ids=[other])

    async def test_is_not_issued(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        draft = await books.draft_of(installer_id)
        await park(books, installer_id, march(20))
        with pytest.raises(NotReadyToIssue) as refused:
            await books.issue(draft)
        assert [fault.code for fault in refused.value.errors] == ["deliveries_unrecorded"]
        await settle(books)
        await books.issue(draft)

    def test_says_why_by_one_rule(self) -> None:
        way = obstacle_to_drafting(has_ended=True, held_count=1, unrecorded_count=1)
        assert way is DraftingObstacle.UNRECORDED


class TestThePage:
    async def test_names_each_with_its_cure(self, window: Window, books: Books) -> None:
        installer_id = await books.priced_installer(name="North <b>Coast</b>")
        parked_id = await park(books, installer_id, march(20))
        await park(books, installer_id, None)
        page = await window.open("/console/month-close/2026-03/unrecorded")
        assert "2 deliveries could not be recorded" in page
        assert f"/console/desk/billing/parked-events/{parked_id}" in page
        assert "North &lt;b&gt;Coast&lt;/b&gt;" in page
        assert "it may be of any month" in page
        # What else is parked is behind none of the doors.
        await park(books, installer_id, march(3), type_="assignment.cap_released")
        await park(books, installer_id, march(3), topic="intake.boards")
        assert "2 events<" in await window.open(unrecorded.WAIT)
        assert "4 events<" in await window.open(f"{unrecorded.PARKED}?state=parked")
        drafts = await window.open("/console/month-close/2026-03/drafts")
        assert "deliveries that may be of it could not be recorded" in drafts.lower()
        assert "2 deliveries could not be recorded: no month" in await window.open("/console/desk/billing/today")


class TestTelling:
    async def test_tells_once_again_as_it_grows_and_anew_after_its_end(self, books: Books) -> None:
        installer_id = await books.installer()
        await watch(books)
        assert await books.published("books.blocked") == []
        for _ in range(2):
            await park(books, installer_id, march(20))
            for _ in range(2):
                await watch(books)
        first, second = await books.published("books.blocked")
        assert (first["subject_id"], first["version"], first["count"]) == (second["subject_id"], 1, 1)
        assert (second["version"], second["count"], second["reason_code"]) == (2, 2, "deliveries_unrecorded")
        await settle(books)
        await watch(books)
        await park(books, installer_id, march(20))
        await watch(books)
        assert len({each["subject_id"] for each in await books.published("books.blocked")}) == 2
        assert await books.value("SELECT count(*) FROM book_blocks WHERE ended_at IS NULL") == 1

    async def test_is_measured_and_not_before_it_can_have_healed_by_itself(self, books: Books) -> None:
        await park(books, await books.installer(), march(20))
        async with books.database.reading() as session:
            await measure_unrecorded(session)
        assert DELIVERIES_UNRECORDED._value.get() == 1
        await write(books, "UPDATE parked_events SET parked_at = clock_timestamp()")
        async with books.database.reading() as session:
            await measure_unrecorded(session)
        assert DELIVERIES_UNRECORDED._value.get() == 0
