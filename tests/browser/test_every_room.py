"""What holds of every room of the registry, before anything is in it: it is accessible, light, and stands still."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.rooms import LIMIT_KB, PageFailed, first_load
from chassis.console.rooms import Room
from chassis.console.rooms import rooms as all_rooms
from contracts.identity import Role
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


EACH = pytest.mark.parametrize("room", list(all_rooms()), ids=lambda room: room.name)


@EACH
async def test_an_empty_room_is_accessible(rooms: Rooms, visit: Visits, room: Room) -> None:
    here: Visit = await visit()
    address = rooms.address(room.service, room.path)
    await here.enter(Role.SUPER_ADMIN, address)
    await check_everywhere(here, address)


@EACH
async def test_a_room_is_light_and_stands_still(rooms: Rooms, visit: Visits, room: Room) -> None:
    here: Visit = await visit()
    address = rooms.address(room.service, room.path)
    await here.enter(Role.SUPER_ADMIN, rooms.address("identity", "/console/sign-in"))
    loaded = await first_load(here.context, address)
    assert loaded.zipped_kb <= LIMIT_KB, f"{address} weighs {loaded.zipped_kb:.0f} KB"
    assert loaded.shift == 0, f"{address} moves while it comes"


async def test_a_page_that_leads_elsewhere_is_not_weighed(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    with pytest.raises(PageFailed, match="sign-in"):
        await first_load(here.context, f"{rooms.routing}/console/exceptions")


async def test_what_moves_and_what_is_heavy_is_noticed(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    late = "<script>requestAnimationFrame(() => requestAnimationFrame(() => { a.style.height = '300px' }))</script>"
    body = f"<title>Late</title><body><p id=a>Above</p><p>Below</p>{late}{'<i>word</i>' * 1000}</body>"

    async def answer(route: Any) -> None:
        await route.fulfill(body=body, content_type="text/html")

    await here.context.route("**/moving", answer)
    loaded = await first_load(here.context, f"{rooms.identity}/moving")
    assert loaded.shift > 0
    assert 0 < loaded.zipped_kb < len(body) / 1000
