"""Intake's rooms without a browser: pages as an operator gets them, and forms as they send them."""

import re
from html import unescape
from typing import Any

import httpx

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from tests.intake.desk import Desk
from tests.intake.samples import OPERATOR, Person
from tests.kit.identity import CSRF

ROW = re.compile(r'<th scope="row"><a href="[^"]*">([^<]*)</a>')
SEEN = re.compile(r'name="seen" value="([^"]*)"')


def token_of(http: Desk, person: Person = OPERATOR, role: Role = Role.EDITOR) -> str:
    return http.identity.token_of(role, operator_id=person.id, name=person.name)


async def page(http: Desk, path: str, person: Person = OPERATOR, role: Role = Role.EDITOR) -> str:
    cookie = f"{ACCESS_COOKIE}={token_of(http, person, role)}"
    answer = await http.client.get(path, headers={"Cookie": cookie})
    assert answer.status_code == 200, answer.text
    return answer.text


async def post(
    http: Desk, path: str, person: Person = OPERATOR, role: Role = Role.EDITOR, **fields: Any
) -> httpx.Response:
    cookie = f"{ACCESS_COOKIE}={token_of(http, person, role)}"
    return await http.client.post(path, data={"csrf": CSRF, **fields}, headers={"Cookie": cookie})


async def done(http: Desk, path: str, person: Person = OPERATOR, **fields: Any) -> str:
    """What the page says to which a form that was done leads back."""
    answer = await post(http, path, person, **fields)
    assert answer.status_code == 303, answer.text
    return await page(http, answer.headers["location"], person)


async def named(http: Desk, path: str, person: Person = OPERATOR) -> list[str]:
    """The rows that a list shows, in its order, as a browser tells them."""
    return [unescape(name) for name in ROW.findall(await page(http, path, person))]


def seen_on(text: str) -> str:
    found = SEEN.search(text)
    return found[1] if found else ""
