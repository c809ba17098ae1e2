"""The list of delivery channels: what it tells, what it finds, and many breakers closed at once."""

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from chassis.console.bulk import Work
from chassis.console.bulk.declaration import BulkActor
from chassis.console.lists.asking import read_query
from chassis.console.lists.reading import read_page
from chassis.ids import new_id
from chassis.tables import bulk_jobs, bulk_rows
from services.routing.domain.states import BreakerState, Channel
from services.routing.pages import channels
from services.routing.pages.channels import WAITING, CloseForm
from tests.routing.arrangements import NOW, ROBIN, Floor, lead

ZONE = ZoneInfo("Australia/Sydney")


async def rows(floor: Floor, query: str = "") -> list[Any]:
    async with floor.database.reading() as session:
        return list((await read_page(session, read_query(channels.LISTING, query, ZONE), NOW)).rows)


async def opened(floor: Floor, name: str, **changes: Any) -> UUID:
    """An installer by webhook whose breaker is open."""
    installer_id = await floor.installer(name=name, email=f"leads@{name.lower()}.example")
    held: dict[str, Any] = {
        "breaker": BreakerState.OPEN,
        "failures_in_row": 5,
        "opened_at": NOW,
        "probe_at": NOW + timedelta(minutes=5),
        "opens": 1,
    }
    await floor.endpoint(installer_id, f"https://hooks.{name.lower()}.example:8443/in?token=secret", **held | changes)
    await floor.changed(installer_id, channel=Channel.WEBHOOK)
    return installer_id


class TestTheList:
    async def test_tells_hosts_and_no_more_of_an_address(self, floor: Floor) -> None:
        await opened(floor, "Western")
        told = {(row.channel, row.host, row.used, row.on_their_way) for row in await rows(floor)}
        assert told == {
            ("webhook", "hooks.western.example:8443", True, 0),
            ("mail", "western.example", False, 0),
        }

    async def test_counts_what_is_on_its_way_by_channel(self, floor: Floor) -> None:
        await opened(floor, "Western", breaker=BreakerState.CLOSED)
        await floor.dispatch(lead())
        assert [(row.channel, row.on_their_way) for row in await rows(floor, "channel=webhook")] == [("webhook", 1)]

    @pytest.mark.parametrize(
        ("query", "number"),
        [
            ("breaker=open&breaker=half_open", 1),
            ("channel=webhook", 1),
            ("used=true", 2),
            ("q=hooks.western", 1),
            ("q=nobody", 0),
        ],
    )
    async def test_finds(self, floor: Floor, query: str, number: int) -> None:
        await opened(floor, "Western")
        await floor.installer(name="Southern")
        assert len(await rows(floor, query)) == number

    async def test_waits_for_an_operator_while_a_channel_in_use_holds_leads_back(self, floor: Floor) -> None:
        await opened(floor, "Western")
        unused = await opened(floor, "Southern")
        await floor.rows_changed("UPDATE installers SET channel = 'mail' WHERE id = :id", id=unused)
        [waiting] = WAITING
        async with floor.database.reading() as session:
            backlog = await waiting.count(session, NOW)
        assert (backlog.number, backlog.oldest) == (1, NOW)
        assert waiting.sentence(1) == "1 delivery channel holds leads back"


class TestClosingMany:
    async def test_closes_what_is_open_and_tells_of_the_others_why_not(self, floor: Floor) -> None:
        await opened(floor, "Western")
        [webhook] = await rows(floor, "channel=webhook")
        [mail] = await rows(floor, "channel=mail")
        [action] = channels.LISTING.bulk
        async with floor.database.reading() as session:
            told = await action.look(session, [webhook.id, mail.id], NOW)
        assert told[webhook.id].why_not == ""
        assert told[mail.id].why_not == "Nothing is held back: the breaker is closed"
        assert told[webhook.id].name == "Western, by webhook"
        await self.close(floor, webhook.id)
        [row] = await rows(floor, "channel=webhook")
        assert (row.breaker, row.failures) == (BreakerState.CLOSED, 0)
        assert "close_breaker" in await floor.audited()

    async def close(self, floor: Floor, endpoint_id: UUID) -> None:
        [action] = channels.LISTING.bulk
        job_id = new_id()
        job = {"list": channels.ROOM, "action": action.name, "state": "running", "form": {}, "proposed_at": NOW}
        async with floor.database.transaction() as session:
            await session.execute(
                insert(bulk_jobs).values(id=job_id, actor_id=ROBIN.id, actor_name=ROBIN.name, started_at=NOW, **job)
            )
            row = {"job_id": job_id, "row_no": 1, "subject_id": endpoint_id, "name": "Western"}
            await session.execute(insert(bulk_rows).values(**row, state="ready", detail=""))
        form = CloseForm(reason="Their server is up again")
        actor = BulkActor(ROBIN.id, ROBIN.name)
        await action.do(Work(floor.database, floor.clock, {}, actor, form, endpoint_id, job_id, 1))
