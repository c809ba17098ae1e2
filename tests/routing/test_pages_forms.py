"""What the forms of an installer's page change, and what they refuse before anything is changed."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.identity import Role
from contracts.values import InstallerStatus
from services.routing.domain.windows import Limits
from services.routing.models import Installer
from services.routing.queries import installers
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import Floor, lead, postcodes
from tests.routing.desk import UNKNOWN, Desk

CONTACTS = {
    "name": "Southern Sun",
    "email": "new@southernsun.example",
    "services": "heat-pump,  solar-battery, heat-pump",
    "time_zone": "Australia/Perth",
}
INVOICING = {"abn": "", "billing_email": "accounts@southernsun.example", "billing_address": ""}


@dataclass
class Forms:
    """Posted as the page does, with what had been done to the installer when it was shown."""

    desk: Desk
    floor: Floor
    identity: TestIdentity
    installer_id: UUID

    async def post(self, deed: str, fields: dict[str, Any], role: Role = Role.ADMIN, seen: str = "") -> httpx.Response:
        return await self.append(deed, {"seen": seen or await self.seen(), **fields}, role)

    async def append(self, deed: str, fields: dict[str, Any], role: Role = Role.EDITOR) -> httpx.Response:
        """What overwrites nothing, whatever was done meanwhile."""
        sent = {"csrf": CSRF, **fields}
        self.desk.client.cookies.set(ACCESS_COOKIE, self.identity.token_of(role))
        return await self.desk.client.post(f"/console/installers/{self.installer_id}/{deed}", data=sent)

    async def seen(self) -> str:
        return str((await self.floor.rows("SELECT id FROM audit_entries ORDER BY occurred_at DESC, id DESC"))[0]["id"])

    async def now(self) -> Installer:
        async with self.floor.database.reading() as session:
            return await installers.get(session, self.installer_id)


@pytest.fixture
async def forms(desk: Desk, floor: Floor, identity: TestIdentity) -> Forms:
    return Forms(desk, floor, identity, await floor.installer(Limits(3, 10)))


async def test_contacts_are_changed_and_what_is_left_empty_is_taken_away(forms: Forms) -> None:
    answer = await forms.post("contacts", CONTACTS, Role.EDITOR)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/console/installers/{forms.installer_id}?done=contacts",
    )
    now = await forms.now()
    assert (now.name, now.email, now.phone) == ("Southern Sun", "new@southernsun.example", None)
    assert (now.services, now.time_zone) == (["heat-pump", "solar-battery"], "Australia/Perth")
    assert now.billing_email == "accounts@southernsun.example"


async def test_what_it_is_invoiced_by_is_for_who_manages_billing(forms: Forms) -> None:
    assert (await forms.post("invoicing", INVOICING, Role.EDITOR)).status_code == 403
    assert (await forms.now()).abn == "53004085616"
    assert (await forms.post("invoicing", INVOICING)).status_code == 303
    now = await forms.now()
    assert (now.abn, now.gst_registered, now.billing_address) == (None, False, None)


async def test_a_cap_that_is_left_empty_is_none_and_zero_is_one(forms: Forms) -> None:
    assert (await forms.post("caps", {"day": "0", "week": "", "month": "40"})).status_code == 303
    assert (await forms.now()).limits == Limits(0, None, 40)
    assert (await forms.post("caps", {"day": "-1"})).status_code == 422


async def test_an_empty_territory_is_none_at_all(forms: Forms) -> None:
    assert (await forms.post("territory", {"territory": ""})).status_code == 303
    assert await forms.floor.rows("SELECT * FROM territory_states") == []


async def test_a_status_needs_a_reason(forms: Forms) -> None:
    assert (await forms.post("status", {"status": "paused", "reason": " "})).status_code == 422
    assert (await forms.now()).status == "active"


@pytest.mark.parametrize(
    ("deed", "fields"),
    [
        ("status", {"status": "paused", "reason": "Holidays"}),
        ("caps", {"day": "1"}),
        ("territory", {"territory": "WA"}),
        ("contacts", CONTACTS),
        ("invoicing", INVOICING),
        ("hours", {"hours": "Mon 8-12"}),
        ("absences", {"id": UNKNOWN, "kind": "pause", "reason": "Holidays"}),
        ("share", {"weight": "5"}),
    ],
)
async def test_what_was_changed_since_the_page_was_shown_is_not_overwritten(
    forms: Forms, deed: str, fields: dict[str, Any]
) -> None:
    shown = await forms.seen()
    assert (await forms.post("caps", {"day": "7"})).status_code == 303
    refused = await forms.post(deed, fields, seen=shown)
    assert refused.status_code == 409
    now = await forms.now()
    assert (now.limits, now.status, now.name) == (Limits(7), "active", "Southern Sun Solar")


async def test_by_hand_a_lead_can_go_to_whoever_does_its_service_and_takes_leads(
    desk: Desk, floor: Floor, identity: TestIdentity
) -> None:
    elsewhere = postcodes("3065")
    await floor.installer(name="Covers the place", status=InstallerStatus.PAUSED)
    await floor.installer(name="Works elsewhere", territory=elsewhere)
    await floor.installer(name="Elsewhere and paused", territory=elsewhere, status=InstallerStatus.PAUSED)
    await floor.installer(name="Heats water", territory=elsewhere, services=("heat-pump",))
    await floor.dispatch(lead())
    item = await floor.only_exception()
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    page = (await desk.client.get(f"/console/exceptions/{item.id}")).text
    offered = re.findall(r'name="installer_ids" value="[^"]*"> ([^<]*)<', page)
    assert offered == ["Covers the place (status)", "Works elsewhere (outside its area, or added since)"]


async def test_hours_are_read_as_they_are_written_and_empty_is_always(forms: Forms) -> None:
    said = {"hours": "Mon-Tue 7:00-18:00", "home_state": "NSW", "keeps_public_holidays": "true", "reason": "As agreed"}
    assert (await forms.post("hours", said)).status_code == 303
    now = await forms.now()
    assert (now.hours, now.home_state, now.keeps_public_holidays) == ([[0, 420, 1080], [1, 420, 1080]], "NSW", True)
    assert (await forms.post("hours", {"hours": "Mon 7-30"})).status_code == 422
    assert (await forms.post("hours", {"hours": "", "home_state": ""})).status_code == 303
    now = await forms.now()
    assert (now.hours, now.home_state, now.keeps_public_holidays) == (None, None, False)


async def test_an_absence_is_of_the_business_zones_clock_and_ended_by_its_name(forms: Forms) -> None:
    holiday = {"id": str(new_id()), "kind": "holiday", "reason": "Easter"}
    span = {"starts": "2026-04-03T00:00", "ends": "2026-04-07T00:00"}
    assert (await forms.post("absences", holiday)).status_code == 422
    assert (await forms.post("absences", holiday | span)).status_code == 303
    [row] = await forms.floor.rows("SELECT id, starts_at, ends_at FROM installer_absences")
    assert [row["starts_at"].isoformat(), row["ends_at"].isoformat()] == [
        "2026-04-02T13:00:00+00:00",
        "2026-04-06T14:00:00+00:00",
    ]
    page = (await forms.desk.client.get(f"/console/installers/{forms.installer_id}")).text
    assert "It will be away from 3 Apr 2026, 12:00 am until 7 Apr 2026, 12:00 am." in page
    ended = {"absence_id": str(row["id"]), "reason": "They work through"}
    assert (await forms.post("absences/end", ended)).status_code == 303
    assert "Called off" in (await forms.desk.client.get(f"/console/installers/{forms.installer_id}")).text


async def test_whoever_is_away_is_said_to_be_and_until_when(forms: Forms) -> None:
    said = {"id": str(new_id()), "kind": "pause", "ends": "2026-03-09T07:00", "reason": "Crew on leave"}
    assert (await forms.post("absences", said)).status_code == 303
    page = (await forms.desk.client.get(f"/console/installers/{forms.installer_id}")).text
    assert ">Away until 9 Mar 2026, 7:00 am</span>" in page
    assert "It is away for a pause until 9 Mar 2026, 7:00 am: Crew on leave" in page


async def test_a_contact_is_added_changed_and_removed(forms: Forms) -> None:
    said = {"id": str(new_id()), "name": "Ana Lim", "role": "dispatch", "phone": "0491 570 156"}
    for _ in range(2):
        assert (await forms.append("people", said)).status_code == 303
    path = f"/console/installers/{forms.installer_id}"
    assert f'href="{path}/people/{said["id"]}">Ana Lim' in (await forms.desk.client.get(path)).text
    changed = {"name": "Ana Novak", "role": "owner", "email": "ana@southernsun.example", "phone": ""}
    assert (await forms.post(f"people/{said['id']}/change", changed)).status_code == 303
    page = (await forms.desk.client.get(f"{path}/people/{said['id']}")).text
    assert "Owns or runs Southern Sun Solar." in page
    assert "ana@southernsun.example" in page
    assert (await forms.post(f"people/{said['id']}/remove", {})).status_code == 303
    assert "Nobody is known by name." in (await forms.desk.client.get(path)).text


async def test_a_note_is_written_and_read(forms: Forms) -> None:
    said = {"id": str(new_id()), "text": "Prefers calls\nbefore noon"}
    for _ in range(2):
        assert (await forms.append("notes", said)).status_code == 303
    page = (await forms.desk.client.get(f"/console/installers/{forms.installer_id}")).text
    assert page.count('<p class="lines">Prefers calls\nbefore noon</p>') == 1


async def test_whoever_is_closed_is_said_to_be_and_when_it_opens(forms: Forms) -> None:
    """It is 1:15 pm on Tuesday 3 March in Sydney; the second Monday of March is Labour Day in Victoria."""
    path = f"/console/installers/{forms.installer_id}"
    said = {"hours": "Mon 7-18", "home_state": "VIC", "keeps_public_holidays": "true"}
    assert (await forms.post("hours", said)).status_code == 303
    page = (await forms.desk.client.get(path)).text
    assert "It is closed by its working hours. Closed until 16 Mar 2026, 7:00 am." in page
    assert "9 Mar 2026" in page
    assert (await forms.post("hours", said | {"hours": "Tue 7-18"})).status_code == 303
    assert "It is closed" not in (await forms.desk.client.get(path)).text
