"""The sweep sees what it is for: a page with a fault is not let through."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.identity import Role
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere, check_page

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
FAULTS = {
    "@media (prefers-color-scheme: dark) { h1 { color: #222 } }": "dark",
    "@media (max-width: 400px) { h1 { color: #eee } }": "390 px",
    "@media (prefers-color-scheme: dark) and (min-width: 401px) { h1 { color: #222 } }": "1440 px, dark",
    "@media (prefers-color-scheme: dark) and (max-width: 400px) { h1 { color: #222 } }": "390 px, dark",
    "h1 { color: #eee }": "1440 px",
    "@media (max-width: 400px) { main { width: 600px } }": "overflows",
}


@pytest.mark.parametrize("fault", FAULTS, ids=FAULTS.values())
async def test_a_fault_of_one_width_or_one_scheme_is_found(rooms: Rooms, visit: Visits, fault: str) -> None:
    here: Visit = await visit()
    address = rooms.address("identity", "/admin/design")
    await here.enter(Role.EDITOR, address)
    await here.context.route("**/style-*.css", _with(fault))
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        await check_everywhere(here, address)


async def test_targets_too_small_for_a_finger_are_found(visit: Visits) -> None:
    here: Visit = await visit()
    tiny = "<style>button { all: unset; display: inline-block; width: 8px; height: 8px }</style>"
    await here.page.set_content(
        f"<title>Tiny</title><main><h1>Tiny</h1>{tiny}<button>A</button><button>B</button></main>"
    )
    assert "target-size" in {told.split(":")[0] for told in await here.violations()}


async def test_a_refusal_is_no_page_that_was_wanted(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    with pytest.raises(AssertionError, match="sign-in"):
        await check_page(here, rooms.address("identity", "/admin/design"))


def _with(fault: str) -> Callable[..., Any]:
    async def answer(route: Any) -> None:
        given = await route.fetch()
        await route.fulfill(response=given, body=await given.text() + fault)

    return answer
