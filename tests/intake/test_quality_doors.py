"""Every number of a source's quality leads to the rows that it counts, and they sum to it."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from chassis.clock import FixedClock
from chassis.console.fields import start_of
from chassis.console.lists.asking import read_query
from chassis.console.lists.reading import read_totals
from chassis.ids import new_id
from services.intake.commands.rejections import Rejection
from services.intake.domain import CloseReason, LeadStatus
from services.intake.pages import leads, refusals
from services.intake.rejections import RejectionCounter
from tests.intake.desk import Desk
from tests.intake.merges import merge
from tests.intake.reception import Reception
from tests.intake.rooms import page
from tests.intake.samples import NOW, rows
from tests.intake.telling import take, told
from tests.kit.databases import RolledBackDatabase

SYDNEY = ZoneInfo("Australia/Sydney")
DAY = timedelta(days=1)
LISTS = {each.path: each for each in (leads.LISTING, refusals.LISTING)}
BAR = re.compile(
    r'<a class="bar-row" href="([^"]+)"><span>([^<]+)</span>.*?<span class="number">([\d,]+)</span>', re.DOTALL
)
OF_DAY = "(received_at AT TIME ZONE 'Australia/Sydney')::date"
OF_HOURS_DAY = "(hour AT TIME ZONE 'Australia/Sydney')::date"
CODES = (("invalid_request", ""), ("rate_limited", ""), ("phone_invalid", "phone"), ("missing", "(unknown)"))
COUNTED = {
    "Accepted": f"SELECT {OF_DAY} AS day, count(*) AS n FROM leads WHERE source_id = '%s' GROUP BY 1",
    "Duplicates of other leads": f"""SELECT {OF_DAY} AS day, count(*) AS n FROM leads WHERE source_id = '%s'
        AND (close_reason = 'duplicate' OR reject_reason = 'duplicate') GROUP BY 1""",
    "Returned by installers": f"""SELECT {OF_DAY} AS day, count(DISTINCT leads.id) AS n FROM leads
        JOIN lead_assignments ON lead_id = leads.id AND returned_at IS NOT NULL WHERE source_id = '%s' GROUP BY 1""",
    "Refused": f"""SELECT {OF_HOURS_DAY} AS day, sum(number) AS n FROM source_rejections WHERE source_id = '%s'
        AND field = '' AND code <> 'rate_limited' GROUP BY 1""",
    **{
        f"{field}: {code}" if field else code: f"""SELECT {OF_HOURS_DAY} AS day, sum(number) AS n
        FROM source_rejections WHERE source_id = '%s' AND (code, field) = ('{code}', '{field}') GROUP BY 1"""
        for code, field in CODES
    },
}
"""By the title of each chart, what its bars are to be."""


@pytest.fixture
async def source(database: RolledBackDatabase, clock: FixedClock) -> UUID:
    """With leads of each kind on several days, and another source that has the same."""
    reception = Reception(database, clock)
    counter = RejectionCounter(database)
    hour = NOW.replace(minute=0, second=0)
    made = []
    for name in ("Solar Quotes", "Compare Power"):
        source, key = await reception.source(name)
        made.append(source.id)
        first, back, twice = [await reception.lead(key, ago=days * DAY) for days in (0, 1, 1)]
        await reception.close(await reception.lead(key, ago=2 * DAY), CloseReason.DUPLICATE)
        await reception.close(await reception.lead(key, ago=2 * DAY), CloseReason.WITHDRAWN)
        await merge(database, first, twice)
        await reception.move(back, LeadStatus.DISPATCHING, LeadStatus.DELIVERED)
        for _ in range(2):
            await take(database, told("assignment.returned", 3, lead_id=back, assignment_id=new_id()))
        for days, code, field, number in (
            (0, "invalid_request", "", 2),
            (0, "phone_invalid", "phone", 2),
            (1, "missing", "(unknown)", 3),
            (1, "invalid_request", "", 1),
            (1, "rate_limited", "", 4),
        ):
            counter.add([Rejection(source.id, hour - days * DAY, code, field)] * number)
    await counter.write()
    return UUID(str(made[0]))


async def behind(database: RolledBackDatabase, path: str) -> int:
    """What the list at the address comes to: its leads, or the sum of its hours."""
    list_path, _, query = unescape(path).partition("?")
    async with database.reading() as session:
        totals = await read_totals(session, read_query(LISTS[list_path], query, SYDNEY), NOW)
    return totals.sums.get("number", totals.count)


async def counted(database: RolledBackDatabase, sql: str, source: UUID) -> Mapping[str, int]:
    """By the day as a bar names it; days without any are not there."""
    return {f"{row['day']:%a} {row['day'].day} {row['day']:%b}": row["n"] for row in await rows(database, sql % source)}


async def test_each_bar_leads_to_as_many_as_it_tells(http: Desk, database: RolledBackDatabase, source: UUID) -> None:
    shown = await page(http, f"/console/lead-sources/{source}/quality?days=7")
    assert sorted(re.findall("<figcaption><h3>([^<]+)</h3>", shown)) == sorted(COUNTED)
    for title, sql in COUNTED.items():
        chart = shown.partition(f"<h3>{title}</h3>")[2].partition("</figure>")[0]
        bars = {label: (int(number), path) for path, label, number in BAR.findall(chart)}
        wanted = await counted(database, sql, source)
        assert (len(bars), sum(wanted.values()) > 0) == (3, True), title
        for label, (number, path) in bars.items():
            assert number == wanted.get(label, 0) == await behind(database, path), (title, label)


async def test_every_other_number_does_too(http: Desk, database: RolledBackDatabase, source: UUID) -> None:
    shown = await page(http, f"/console/lead-sources/{source}/quality?days=7")
    for path, most in (("/console/leads", 7), ("/console/lead-sources/refusals", 6)):
        doors = re.findall(rf'<a href="({path}\?[^"]+)">([\d,]+)</a>', shown)
        assert len(doors) == most, doors
        for door, number in doors:
            assert await behind(database, door) == int(number), door


async def test_what_was_refused_is_listed_by_the_hour(http: Desk, database: RolledBackDatabase, source: UUID) -> None:
    path = refusals.path_of(source, NOW.date() - 2 * DAY, NOW.date(), "missing", "(unknown)")
    listed = await page(http, path)
    assert "invalid_request" not in listed
    assert f'<a href="/console/lead-sources/{source}">Solar Quotes</a>' in listed
    assert "Compare Power" not in listed
    assert "The request as a whole" in await page(http, refusals.path_of(source, NOW.date(), NOW.date()))


async def test_leads_are_narrowed_over_http_as_on_the_page_and_in_its_csv(
    http: Desk, database: RolledBackDatabase, source: UUID
) -> None:
    for narrowed, number in (
        ("turned_out=duplicate", 2),
        ("turned_out=returned", 1),
        ("turned_out=delivered", 1),
        ("turned_out=undelivered", 4),
        ("close_reason=withdrawn", 1),
        ("close_reason=duplicate&turned_out=delivered", 0),
    ):
        query = f"source_id={source}&{narrowed}"
        listed = (await http.get("/admin/leads", **dict(parse_qsl(query))))["items"]
        assert len(listed) == await behind(database, f"/console/leads?{query}") == number, narrowed


async def test_what_was_refused_is_told_over_http_as_its_list_shows_it(
    http: Desk, database: RolledBackDatabase, source: UUID
) -> None:
    path = "/admin/lead-sources/refusals"
    (newest,) = (await http.get(path, source_id=str(source), code="phone_invalid"))["items"]
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    assert datetime.fromisoformat(newest.pop("hour")) == hour
    assert newest == {
        "source_id": str(source),
        "source_name": "Solar Quotes",
        "code": "phone_invalid",
        "field": "phone",
        "number": 2,
    }
    today = hour.astimezone(SYDNEY).date()
    for narrowed, over_http, number in (
        ("what=requests", {}, 3),
        ("what=too_fast", {}, 4),
        ("what=fields", {}, 5),
        ("what=fields&field=phone", {}, 2),
        (f"what=requests&hour_from={today}", {"hour_from": start_of(today, SYDNEY).isoformat()}, 2),
        (f"what=requests&hour_to={today - DAY}", {"hour_to": start_of(today, SYDNEY).isoformat()}, 1),
    ):
        query = f"source_id={source}&{narrowed}"
        listed = (await http.get(path, **dict(parse_qsl(query)) | over_http))["items"]
        told = sum(row["number"] for row in listed)
        assert told == await behind(database, f"/console/lead-sources/refusals?{query}") == number, narrowed


async def test_refusals_are_told_page_by_page_each_once(http: Desk, source: UUID) -> None:
    """Of two sources in the same hours."""
    path = "/admin/lead-sources/refusals"
    whole = (await http.get(path))["items"]
    paged: list[dict[str, Any]] = []
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page_ = await http.get(path, limit=3, **cursor)
        paged += page_["items"]
        cursor = {"cursor": page_["next"]} if page_["next"] else None
    assert len(whole) == 2 * len((await http.get(path, source_id=str(source)))["items"]) == 10
    assert paged == whole
    assert [row["hour"] for row in whole] == sorted((row["hour"] for row in whole), reverse=True)
    assert (await http.client.get(path)).status_code == 401
