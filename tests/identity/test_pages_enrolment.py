"""Redeeming an invitation by pages: the order of the steps, what a reload keeps, and what is told to nobody else."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from structlog.testing import capture_logs

from services.identity.commands import operators
from services.identity.commands.enrolments import Invitation
from services.identity.commands.operators import ForOperator
from services.identity.http.console import ENROLMENT_COOKIE as COOKIE
from services.identity.models import Operator
from tests.identity.house import PASSWORD, House, Person
from tests.identity.test_commands_credentials import NEW_PASSWORD, invite
from tests.identity.web import Web

pytestmark = pytest.mark.slow

ENROL = "/console/enrol"
BROWSER = {"Accept": "text/html"}


async def send(web: Web, path: str, **fields: str) -> httpx.Response:
    return await web.client.post(ENROL + path, data=fields or {"csrf": ""}, headers=BROWSER)


async def look(web: Web) -> httpx.Response:
    return await web.client.get(ENROL, headers=BROWSER)


def secret_in(page: str) -> str:
    found = re.search(r'secret=([A-Z2-7]+)[&"]', page)
    assert found is not None, page
    return found[1]


async def begun(web: Web) -> tuple[Operator, Invitation, str]:
    """An invited operator before the code: their row, the invitation and the page."""
    row, invitation = await invite(web.house)
    await send(web, "", invitation=invitation.token)
    await send(web, "/password", password=NEW_PASSWORD, password_again=NEW_PASSWORD)
    return row, invitation, (await look(web)).text


async def reset(house: House) -> tuple[Person, Invitation]:
    asker, person = await house.asker(), await house.person()
    async with house.database.transaction() as session:
        command = ForOperator(person.id, "lost their phone")
        _, invitation = await operators.reset_second_factor(session, command, asker, house.security)
    return person, invitation


class TestSteps:
    async def test_lead_from_the_invitation_to_a_sign_in(self, web: Web) -> None:
        row, _, page = await begun(web)
        secret = secret_in(page)
        answer = await send(web, "/code", totp_code=pyotp.TOTP(secret).at(web.house.clock.now()))
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in?done=enrolled")
        assert COOKIE not in web.client.cookies
        web.house.clock.advance(timedelta(seconds=30))
        signed_in = await web.sign_in(Person(row.id, row.email, row.name, secret, NEW_PASSWORD))
        assert signed_in.status_code == 201

    async def test_a_reload_shows_the_same_key(self, web: Web) -> None:
        _, _, page = await begun(web)
        assert secret_in((await look(web)).text) == secret_in(page)

    async def test_a_wrong_code_is_told_beside_the_same_key(self, web: Web) -> None:
        _, _, page = await begun(web)
        answer = await send(web, "/code", totp_code="000000")
        assert answer.status_code == 401
        assert "The one-time code is not right" in answer.text
        assert secret_in(answer.text) == secret_in(page)

    async def test_every_fault_of_a_password_is_told(self, web: Web) -> None:
        _, invitation = await invite(web.house)
        await send(web, "", invitation=invitation.token)
        answer = await send(web, "/password", password="kkkk", password_again="kkkk")
        assert answer.status_code == 422
        assert "At least 12 characters; more different characters" in answer.text
        assert "kkkk" not in answer.text
        answer = await send(web, "/password", password=NEW_PASSWORD, password_again="another")
        assert "Not the same as above" in answer.text

    async def test_a_lost_device_takes_the_password_that_there_is(self, web: Web) -> None:
        _, invitation = await reset(web.house)
        await send(web, "", invitation=invitation.token)
        assert "Give your password" in (await look(web)).text
        wrong = await send(web, "/password", password="not this one")
        assert (wrong.status_code, "This is not your password" in wrong.text) == (401, True)
        assert (await send(web, "/password", password=PASSWORD)).status_code == 303

    async def test_guesses_at_a_password_are_limited(self, web: Web) -> None:
        _, invitation = await reset(web.house)
        await send(web, "", invitation=invitation.token)
        for _ in range(10):
            await send(web, "/password", password="not this one")
        answer = await send(web, "/password", password=PASSWORD)
        assert (answer.status_code, "Try again in" in answer.text) == (429, True)


class TestWhoHasNoInvitation:
    async def test_is_told_what_to_do(self, web: Web) -> None:
        answer = await send(web, "", invitation="unheard of")
        assert answer.status_code == 401
        assert "A super admin makes a new one" in answer.text

    async def test_any_more_begins_with_another_one(self, web: Web) -> None:
        await begun(web)
        web.house.clock.advance(timedelta(hours=72))
        answer = await send(web, "/code", totp_code="000000")
        assert answer.status_code == 401
        assert "has run out" in answer.text
        assert COOKIE not in web.client.cookies

    async def test_can_write_no_cookie_that_shows_a_key(self, web: Web) -> None:
        """The invitation alone shows nobody the key that its owner was shown."""
        _, invitation, _ = await begun(web)
        web.client.cookies.clear()
        for forged in (invitation.token, "e30=", "x"):
            answer = await web.client.get(ENROL, headers=BROWSER | {"Cookie": f"{COOKIE}={forged}"})
            assert "Step 1 of 3" in answer.text
        await send(web, "", invitation=invitation.token)
        assert "Step 2 of 3" in (await look(web)).text


async def test_nothing_of_it_is_kept_in_a_log_an_address_or_a_cache(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    plain: list[Any] = []
    monkeypatch.setattr("chassis.http.edge.tell_plainly", lambda *told, **fields: plain.append((told, fields)))
    with capture_logs() as lines:
        row, invitation, page = await begun(web)
        secret = secret_in(page)
        shown = await look(web)
        wrong = await send(web, "/code", totp_code="000000")
        done = await send(web, "/code", totp_code=pyotp.TOTP(secret).at(web.house.clock.now()))
    told = repr((lines, plain))
    assert len(plain) >= 6
    for private in (row.email, row.name, invitation.token, secret, NEW_PASSWORD):
        assert private not in told
        assert private not in repr((shown.url, wrong.url, done.headers))
    assert {answer.headers["cache-control"] for answer in (shown, wrong)} == {"no-store"}
