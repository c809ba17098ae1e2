"""What the forms of an installer's page change, and what they refuse before anything is changed."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import InstallerStatus
from services.routing.domain.windows import Limits
from services.routing.models import Installer
from services.routing.queries import installers
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import Floor, lead, postcodes
from tests.routing.desk import Desk

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
        sent = {"csrf": CSRF, "seen": seen or await self.seen(), **fields}
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
