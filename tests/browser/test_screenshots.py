"""The pictures of `make screenshots`: what they are called, how large they are, and the page that shows them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.console.rooms import rooms as all_rooms
from contracts.identity import Role
from tests.browser.conftest import Rooms, Visit
from tests.browser.screenshots import LARGEST_BYTES, Camera, gallery, pictures_of, shown_rooms, write
from tests.routing.arrangements import lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
NAMES = [f"exceptions-{width}-{scheme}.webp" for width in (1440, 390) for scheme in ("light", "dark")]


def test_a_page_has_a_picture_of_each_width_in_each_scheme() -> None:
    assert [picture.file_name for picture in pictures_of("exceptions", "Exceptions")] == NAMES


def test_every_room_that_is_deployed_is_shown_and_so_is_the_design_language() -> None:
    assert {room.name for room in all_rooms() if not room.is_local} | {"design"} == {r.name for r in shown_rooms()}


def test_the_gallery_shows_every_picture_once_below_its_room() -> None:
    page = gallery([*pictures_of("exceptions", "Exceptions"), *pictures_of("design", "Design")])
    assert [page.count(f"]({name})") for name in NAMES] == [1] * 4
    assert page.index("## Exceptions") < page.index(NAMES[0]) < page.index("## Design")


def test_pictures_of_rooms_that_are_no_more_go(tmp_path: Path) -> None:
    taken_in, directory = tmp_path / "taken", tmp_path / "screens"
    for path in (taken_in, directory):
        path.mkdir()
    (directory / "gone-1440-light.webp").write_bytes(b"old")
    pictures = list(pictures_of("exceptions", "Exceptions"))
    for picture in pictures:
        (taken_in / picture.file_name).write_bytes(b"new")
    write(pictures, taken_in, directory)
    assert sorted(path.name for path in directory.iterdir()) == sorted([*NAMES, "README.md"])


async def test_a_room_and_its_first_document_are_photographed(rooms: Rooms, visit: Visits, tmp_path: Path) -> None:
    here: Visit = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{rooms.routing}/console/exceptions")
    camera = Camera(here.context, here.page, tmp_path, [])
    await camera.take("exceptions", "Exceptions", f"{rooms.routing}/console/exceptions")
    assert await camera.first_document() is None
    await rooms.floor.dispatch(lead())
    await here.page.reload()
    waiting = await rooms.floor.only_exception()
    assert await camera.first_document() == f"{rooms.routing}/console/exceptions/{waiting.id}"
    taken = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(taken) == sorted(NAMES)
    assert all(picture[8:12] == b"WEBP" and len(picture) <= LARGEST_BYTES for picture in taken.values())
    assert len(set(taken.values())) == 4
