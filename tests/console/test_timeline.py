"""What happened to a thing, as its page tells it; and that nobody decides on what is not there any more."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from chassis.audit import SYSTEM, Subject, record
from chassis.clock import FixedClock
from chassis.console.timeline import ChangedMeanwhile, Moment, moments_of, refuse_if_changed, seen_of
from chassis.console.wording import Wording
from chassis.database import Database, create_engine
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase
from tests.kit.databases import RolledBackDatabase

WORDING = Wording(ZoneInfo("Australia/Sydney"), FixedClock(datetime(2026, 3, 3, 2, 15, tzinfo=UTC)))


@dataclass(frozen=True)
class Person:
    id: UUID
    name: str


ROBIN = Person(new_id(), "Robin Field")


@pytest.fixture
async def database(rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]]) -> Database:
    return await rolled_back_database("identity")


async def change(database: Database, subject: Subject, **told: object) -> None:
    async with database.transaction() as session:
        await record(session, **{"actor": ROBIN, "action": "set_caps", "subject": subject, **told})  # type: ignore[arg-type]


async def told(database: Database, subject: Subject) -> Moment:
    async with database.reading() as session:
        [moment] = await moments_of(session, [subject], {"set_caps": "set the caps"}, WORDING)
    return moment


async def test_a_change_is_told_by_the_kinds_of_its_fields(database: Database) -> None:
    subject = Subject("installer", new_id())
    before = {
        "price_cents": 9_500,
        "is_paused": False,
        "since_at": "2026-03-02T13:00:00+00:00",
        "state": None,
        "cap": 2,
    }
    after = {
        "price_cents": 0,
        "is_paused": True,
        "since_at": None,
        "state": "on_hold",
        "cap": 2,
        "days": ["mon", "tue"],
    }
    await change(database, subject, before=before, after=after, reason_code="seasonal", reason_text="By <phone>")
    moment = await told(database, subject)
    assert (moment.who, moment.what, moment.reason) == ("Robin Field", "set the caps", "Seasonal: By <phone>")
    assert {each.name: (str(each.before), str(each.after)) for each in moment.changes} == {
        "Price": ("$95.00", "–"),  # noqa: RUF001
        "Is paused": ("No", "Yes"),
        "Since": ("3 Mar 2026, 12:00 am", "–"),  # noqa: RUF001
        "State": ("–", "On hold"),  # noqa: RUF001
        "Days": ("–", "mon, tue"),  # noqa: RUF001
    }
    assert [each.name for each in moment.changes if not each.was_there] == ["State", "Days"]


async def test_what_somebody_wrote_is_escaped(database: Database) -> None:
    subject = Subject("installer", new_id())
    await change(database, subject, after={"<b>": "<i>", "all": [{"<u>": "<s>"}]})
    assert all("<" not in str(part) for each in (await told(database, subject)).changes for part in (each.after,))


async def test_what_nobody_did_is_done_by_the_house(database: Database) -> None:
    subject = Subject("installer", new_id())
    await change(database, subject, actor=SYSTEM, action="expire_pause")
    moment = await told(database, subject)
    assert (moment.who, moment.what) == ("Waybill", "did: expire pause")


async def test_who_decides_on_what_was_changed_meanwhile_is_told_by_whom(database: Database) -> None:
    subject = Subject("installer", new_id())
    async with database.reading() as session:
        assert await seen_of(session, subject) == ""
    async with database.transaction() as session:
        await refuse_if_changed(session, subject, None)
    await change(database, subject)
    async with database.reading() as session:
        seen = UUID(await seen_of(session, subject))
    async with database.transaction() as session:
        await refuse_if_changed(session, subject, seen)
    for stale in (None, new_id()):
        with pytest.raises(ChangedMeanwhile, match="Robin Field changed it meanwhile"):
            async with database.transaction() as session:
                await refuse_if_changed(session, subject, stale)


async def test_of_two_at_once_one_is_refused(fresh_database: Callable[[str], ServiceDatabase]) -> None:
    database = Database(create_engine(fresh_database("identity").url), "/waybill/identity")
    subject = Subject("installer", new_id())

    async def decide() -> bool:
        try:
            async with database.transaction() as session:
                await refuse_if_changed(session, subject, None)
                await record(session, actor=ROBIN, action="set_caps", subject=subject)
        except ChangedMeanwhile:
            return False
        return True

    assert sorted(await asyncio.gather(*(decide() for _ in range(4)))) == [False, False, False, True]
    await database.close()


async def test_what_tells_its_own_instant_takes_its_place_by_that(database: Database) -> None:
    subject, then = Subject("installer", new_id()), datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
    await change(database, subject, after={"owner": "Kim Reed", "at": then})
    moment = await told(database, subject)
    assert (moment.at, [each.name for each in moment.changes]) == (then, ["Owner"])
