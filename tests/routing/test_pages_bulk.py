"""What is done to many installers at once is seen in each of them before it is confirmed."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import InstallerStatus
from services.routing.domain.windows import Limits
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import NOW, Floor
from tests.routing.desk import Desk

PATH = "/console/installers/bulk"


@dataclass
class Bulk:
    desk: Desk
    floor: Floor

    async def choose(self, action: str, *ids: UUID) -> str:
        answer = await self.post(PATH, action=action, ids=[str(id_) for id_ in ids])
        location: str = answer.headers["location"]
        return location

    async def post(self, path: str, **fields: Any) -> Any:
        answer = await self.desk.client.post(path, data={"csrf": CSRF, **fields})
        assert answer.status_code in (303, 422), answer.text
        return answer

    async def page(self, job: str) -> dict[str, tuple[str, str]]:
        """By the name of each row: what is told, and why or what."""
        page = (await self.desk.client.get(job)).text
        found = re.findall(
            r'<tr><th scope="row">(.*?)</th>\s*<td>(.*?)</td>\s*<td class="wrap">(.*?)</td>', page, re.DOTALL
        )
        return {name: (re.sub("<.*?>", "", told), detail) for name, told, detail in found}

    async def confirm(self, job: str, action: str) -> None:
        page = (await self.desk.client.get(job)).text
        sight = re.search(r'name="sight" value="([0-9a-f]+)"', page)
        assert sight is not None, page
        await self.post(f"{job}/{action}", sight=sight[1])


@pytest.fixture
def bulk(desk: Desk, floor: Floor, identity: TestIdentity) -> Bulk:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    return Bulk(desk, floor)


async def test_caps_are_seen_as_they_were_and_as_they_will_be(bulk: Bulk) -> None:
    large = await bulk.floor.installer(Limits(day=5, month=90), name="Large")
    same = await bulk.floor.installer(Limits(month=60), name="Same")
    job = await bulk.choose("caps", large, same)
    await bulk.post(f"{job}/caps/preview", month="60", reason="A quiet winter")
    assert await bulk.page(job) == {
        "Large": ("Yes", "Cap 5 → none a day, 90 → 60 a month"),
        "Same": ("No", "It has these caps"),
    }
    assert "set_caps" not in await bulk.floor.audited()
    await bulk.confirm(job, "caps")
    assert (await bulk.page(job))["Large"] == ("Done", "Cap 5 → none a day, 90 → 60 a month")
    rows = await bulk.floor.rows("SELECT subject_id, reason_text FROM audit_entries WHERE action = 'set_caps'")
    assert rows == [{"subject_id": str(large), "reason_text": "A quiet winter"}]


async def test_shares_are_seen_alike(bulk: Bulk) -> None:
    one = await bulk.floor.installer()
    job = await bulk.choose("share", one)
    await bulk.post(f"{job}/share/preview", weight="40")
    assert await bulk.page(job) == {"Southern Sun Solar": ("Yes", "Weight by its capacity → 40")}
    await bulk.confirm(job, "share")
    assert await bulk.floor.rows("SELECT share_weight FROM installers") == [{"share_weight": 40}]


async def test_a_holiday_is_of_each_ones_own_days_unless_it_is_away_then(bulk: Bulk) -> None:
    east = await bulk.floor.installer(name="East")
    west = await bulk.floor.installer(name="West", time_zone="Australia/Perth")
    gone = await bulk.floor.installer(name="Gone")
    await bulk.floor.absence(gone, NOW + timedelta(days=30))
    job = await bulk.choose("away", east, west, gone)
    refused = await bulk.post(f"{job}/away/preview", kind="holiday", first="2026-04-03", reason="Easter")
    assert refused.status_code == 422
    await bulk.post(f"{job}/away/preview", kind="holiday", first="2026-04-03", last="2026-04-06", reason="Easter")
    assert await bulk.page(job) == {
        "East": ("Yes", "Holiday from 3 Apr 2026 to 6 Apr 2026, Sydney time"),
        "West": ("Yes", "Holiday from 3 Apr 2026 to 6 Apr 2026, Perth time"),
        "Gone": ("No", "It is away in that time already"),
    }
    await bulk.confirm(job, "away")
    rows = await bulk.floor.rows("SELECT starts_at, ends_at FROM installer_absences WHERE kind = 'holiday' ORDER BY 1")
    assert [[row["starts_at"].isoformat(), row["ends_at"].isoformat()] for row in rows] == [
        ["2026-04-02T13:00:00+00:00", "2026-04-06T14:00:00+00:00"],
        ["2026-04-02T16:00:00+00:00", "2026-04-06T16:00:00+00:00"],
    ]


async def test_a_note_is_written_for_each(bulk: Bulk) -> None:
    ids = await bulk.floor.installers(3)
    job = await bulk.choose("note", *ids)
    await bulk.post(f"{job}/note", text="The network was down on Monday")
    rows = await bulk.floor.rows("SELECT count(DISTINCT installer_id) AS each, count(*) AS notes FROM installer_notes")
    assert rows == [{"each": 3, "notes": 3}]


async def test_a_status_is_blocked_where_it_stands(bulk: Bulk) -> None:
    active = await bulk.floor.installer(name="Active")
    paused = await bulk.floor.installer(name="Paused", status=InstallerStatus.PAUSED)
    job = await bulk.choose("pause", active, paused)
    assert await bulk.page(job) == {"Active": ("Yes", "Active → Paused"), "Paused": ("No", "It is paused")}
