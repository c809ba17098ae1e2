"""One's own account by pages: the password, and the sessions that run elsewhere."""

import httpx
import pytest

from chassis.http.auth import ACCESS_COOKIE
from services.identity.commands.sessions import end_other_sessions
from services.identity.errors import SessionEnded
from tests.identity.house import PASSWORD, STEP, House, Person, asker_of
from tests.identity.web import Web

pytestmark = pytest.mark.slow

ACCOUNT = "/console/account"
NEW_PASSWORD = " five grey kites over a dam "


async def enter(web: Web, person: Person) -> str:
    """Signed in by cookie; the mark of the session's forms."""
    granted = (await web.sign_in(person)).json()
    web.client.cookies.set(ACCESS_COOKIE, granted["access_token"])
    return web.house.security.csrf_of(granted["session_id"])


async def change(web: Web, csrf: str, **fields: str) -> httpx.Response:
    right = {"current_password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_again": NEW_PASSWORD}
    sent = {"csrf": csrf, **right, **fields}
    return await web.client.post(f"{ACCOUNT}/password", data=sent, headers={"Accept": "text/html"})


class TestPassword:
    async def test_is_changed_with_its_spaces_and_leads_to_the_sign_in(self, web: Web) -> None:
        person = await web.house.person()
        answer = await change(web, await enter(web, person))
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in?done=password")
        assert any(each.startswith(f'{ACCESS_COOKIE}=""') for each in answer.headers.get_list("set-cookie"))
        web.house.clock.advance(STEP)
        form = {"email": person.email, "password": NEW_PASSWORD, "totp_code": f" {person.code(web.house.clock)} "}
        assert (await web.client.post("/console/sign-in", data=form)).status_code == 303

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"current_password": "not this one"}, "This is not your present password"),
            ({"new_password": "short", "new_password_again": "short"}, "At least 12 characters"),
            ({"new_password_again": "another"}, "Not the same as above"),
            ({"new_password": PASSWORD, "new_password_again": PASSWORD}, "Another one than before"),
        ],
    )
    async def test_that_will_not_do_is_told_beside_its_field(self, web: Web, wrong: dict[str, str], told: str) -> None:
        csrf = await enter(web, await web.house.person())
        answer = await change(web, csrf, **wrong)
        assert answer.status_code == 422
        assert told in answer.text
        assert NEW_PASSWORD not in answer.text

    async def test_stands_in_no_page_where_the_session_has_ended(self, web: Web) -> None:
        answer = await change(web, "")
        assert answer.status_code == 401
        assert PASSWORD not in answer.text
        assert NEW_PASSWORD.strip() not in answer.text


class TestEndOtherSessions:
    async def test_ends_that_one_or_all_but_the_one_that_asks(self, house: House) -> None:
        person = await house.person()
        granted = []
        for _ in range(3):
            granted.append(asker_of(await house.sign_in(person)))
            house.clock.advance(STEP)
        first, _, third = granted
        async with house.database.transaction() as session:
            assert await end_other_sessions(session, third, house.security, only=first.session_id) == 1
        assert [await house.is_live(each) for each in granted] == [False, True, True]
        async with house.database.transaction() as session:
            assert await end_other_sessions(session, third, house.security) == 1
        assert [await house.is_live(each) for each in granted] == [False, False, True]

    async def test_never_ends_another_persons_nor_its_own(self, house: House) -> None:
        mine, other = await house.asker(), await house.asker()
        for only in (mine.session_id, other.session_id):
            async with house.database.transaction() as session:
                assert await end_other_sessions(session, mine, house.security, only=only) == 0
        assert await house.is_live(mine)
        assert await house.is_live(other)

    async def test_is_refused_to_a_session_that_has_ended(self, house: House) -> None:
        mine = asker_of(await house.sign_in(person := await house.person()))
        house.clock.advance(STEP)
        other = asker_of(await house.sign_in(person))
        async with house.database.transaction() as session:
            await end_other_sessions(session, other, house.security)
        with pytest.raises(SessionEnded):
            async with house.database.transaction() as session:
                await end_other_sessions(session, mine, house.security)
