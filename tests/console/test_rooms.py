"""Where the console may send a browser."""

import pytest

from chassis.console.rooms import SERVICE_TITLES, Addresses, rooms
from deploy import SERVICES

ADDRESSES = Addresses({"identity": "https://id.waybill.example/", "routing": "http://127.0.0.1:8002"})


def test_a_service_without_an_address_is_behind_the_same_host() -> None:
    assert ADDRESSES.url("billing", "/console/invoices") == "/console/invoices"
    assert ADDRESSES.url("identity", "/console") == "https://id.waybill.example/console"


@pytest.mark.parametrize("url", ["/console/exceptions?state=open", "http://127.0.0.1:8002/console/exceptions"])
def test_our_own_addresses_are_ours(url: str) -> None:
    assert ADDRESSES.is_ours(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example",
        "http://127.0.0.1:8002.evil.example/",
        "http://127.0.0.1:8002@evil.example/",
        "javascript:alert(1)",
        "",
    ],
)
def test_no_others_are(url: str) -> None:
    assert not ADDRESSES.is_ours(url)


def test_rooms_have_names_paths_and_keys_of_their_own() -> None:
    for one_of in ("name", "path", "key"):
        told = [getattr(room, one_of) for room in rooms()]
        assert len(set(told)) == len(told)


def test_no_key_begins_another() -> None:
    """The keyboard goes as soon as what follows `g` is a room's."""
    keys = [room.key for room in rooms()]
    assert [(one, other) for one in keys for other in keys if one != other and other.startswith(one)] == []


def test_every_room_is_of_a_service_that_has_a_name() -> None:
    assert {room.service for room in rooms()} <= set(SERVICE_TITLES) == set(SERVICES)


def test_each_service_has_a_desk_of_its_own_behind_the_same_host() -> None:
    assert ADDRESSES.desk("billing", "today") == "/console/desk/billing/today"
    assert ADDRESSES.desk("routing", "search") == "http://127.0.0.1:8002/console/desk/routing/search"
