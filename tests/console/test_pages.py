"""A page's edge: who may see it, from where its forms may come, and under which headers a browser shows it."""

from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.console.assets import assets
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from tests.flows.doors import doors_of
from tests.kit.identity import CSRF, TestIdentity

LIST = "/console/exceptions"
DEED = f"{LIST}/{uuid4()}/retry"
BROWSER = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture(scope="module")
async def client(identity: TestIdentity) -> AsyncIterator[httpx.AsyncClient]:
    """Of routing's pages, whose database is away: who is let in is told so."""
    async with doors_of("routing", identity) as doors:
        doors.client.headers.update(BROWSER)
        yield doors.client


def signed_in(identity: TestIdentity, role: Role = Role.EDITOR, **options: Any) -> dict[str, str]:
    return {"Cookie": f"{ACCESS_COOKIE}={identity.token_of(role, **options)}"}


async def test_a_browser_that_is_not_signed_in_is_sent_to_renew_its_session(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{LIST}?state=all")
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.headers["location"] == "/console/session/renew?next=/console/exceptions%3Fstate%3Dall"


async def test_what_takes_json_takes_no_cookie(client: httpx.AsyncClient, identity: TestIdentity) -> None:
    answer = await client.get("/admin/dispatch-exceptions", headers=signed_in(identity))
    assert answer.status_code == HTTPStatus.UNAUTHORIZED


async def test_a_page_takes_no_token_but_its_cookies(client: httpx.AsyncClient, identity: TestIdentity) -> None:
    answer = await client.get(LIST, headers=identity.headers())
    assert answer.status_code == HTTPStatus.SEE_OTHER


async def test_a_fault_is_a_page_with_the_request_id(client: httpx.AsyncClient, identity: TestIdentity) -> None:
    answer = await client.get(LIST, headers=signed_in(identity) | {"X-Request-Id": "a-known-request"})
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "a-known-request" in answer.text


async def test_a_page_is_painted_once_it_is_here_whole(client: httpx.AsyncClient, identity: TestIdentity) -> None:
    """That nothing moves then is seen in tests/browser/test_every_room.py."""
    answer = await client.get(LIST, headers=signed_in(identity))
    assert '<link rel="expect" href="#whole" blocking="render">' in answer.text
    assert answer.text.rstrip().endswith('<span id="whole" hidden></span>\n</body>\n</html>')


async def test_no_other_site_may_frame_script_or_keep_a_page(client: httpx.AsyncClient, identity: TestIdentity) -> None:
    answer = await client.get(LIST, headers=signed_in(identity))
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


class TestForms:
    async def test_are_refused_without_the_sessions_mark(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        for data in ({}, {"csrf": ""}, {"csrf": "another-sessions"}):
            answer = await client.post(DEED, data=data or {"x": "y"}, headers=signed_in(identity))
            assert answer.status_code == HTTPStatus.FORBIDDEN
            assert "open its page again" in answer.text

    async def test_are_refused_where_the_token_has_no_mark(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        answer = await client.post(DEED, data={"csrf": ""}, headers=signed_in(identity, csrf=None))
        assert answer.status_code == HTTPStatus.FORBIDDEN

    async def test_are_refused_from_another_site_whatever_they_carry(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        headers = signed_in(identity) | {"Sec-Fetch-Site": "cross-site"}
        answer = await client.post(DEED, data={"csrf": CSRF}, headers=headers)
        assert answer.status_code == HTTPStatus.FORBIDDEN

    async def test_are_let_in_with_it(self, client: httpx.AsyncClient, identity: TestIdentity) -> None:
        answer = await client.post(DEED, data={"csrf": CSRF}, headers=signed_in(identity))
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE

    async def test_of_a_session_that_has_ended_are_kept(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        path = DEED.replace("retry", "resolve")
        answer = await client.post(path, data={"csrf": CSRF, "reason": "<b>two</b> phone calls"})
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
        assert "&lt;b&gt;two&lt;/b&gt; phone calls" in answer.text


class TestAssets:
    async def test_are_named_by_their_content_and_kept_for_ever(self, client: httpx.AsyncClient) -> None:
        answer = await client.get(assets().url("console.js"), headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == HTTPStatus.OK
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"

    async def test_are_nothing_but_what_was_bundled(self, client: httpx.AsyncClient) -> None:
        for name in ("manifest.json", "..%2Fassets.py", "icons.json"):
            assert (await client.get(f"/console/assets/{name}")).status_code == HTTPStatus.NOT_FOUND

    async def test_weigh_little(self) -> None:
        """With some 20 KB for the page itself they stay under 150 KB."""
        names = ("console.js", "style.css", "inter.woff2")
        files = [assets().find(assets().url(name).rpartition("/")[2]) for name in names]
        assert sum(len(file.zipped or file.content) for file in files) < 130 * 1024
