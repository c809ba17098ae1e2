"""Where the console may send a browser."""

import pytest

from chassis.console.rooms import Addresses, rooms

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
