"""What an installer's particulars must be: a time zone that there is, and a territory without overlaps."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from contracts.forms import Fault
from contracts.values import AustralianState

_POSTCODE = re.compile(r"\d{4}", re.ASCII)


def normal_time_zone(name: str) -> str:
    """An IANA name as it is; raises Fault for what the time zone database does not have."""
    if name not in _time_zones():
        raise Fault("time_zone_unknown", "must be a time zone of the IANA database, as Australia/Sydney")
    return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Particulars:
    """Who an installer is and what it does. `email` gets the leads, `billing_email` the invoices."""

    name: str
    abn: str | None
    gst_registered: bool
    email: str
    billing_email: str
    billing_address: str | None
    phone: str | None
    time_zone: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class PostcodeRange:
    """Both ends belong to it."""

    first: str
    last: str

    def __post_init__(self) -> None:
        for postcode in (self.first, self.last):
            refuse_no_postcode(postcode)
        if self.last < self.first:
            raise ValueError("a range of postcodes ends at or after its first")


@dataclass(frozen=True, slots=True)
class Territory:
    """Where an installer works: whole states, ranges and single postcodes; a place in any of them is covered."""

    states: frozenset[AustralianState] = frozenset()
    ranges: tuple[PostcodeRange, ...] = ()
    postcodes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for postcode in self.postcodes:
            refuse_no_postcode(postcode)


def told_territory(territory: Territory) -> dict[str, Any]:
    """As JSON has it, the same for the same area."""
    return {
        "states": sorted(territory.states),
        "ranges": [asdict(each) for each in territory.ranges],
        "postcodes": sorted(territory.postcodes),
    }


def refuse_no_postcode(text: str) -> None:
    if not _POSTCODE.fullmatch(text):
        raise ValueError("a postcode has 4 digits")


def normal_territory(territory: Territory) -> Territory:
    """The same area, told once: ranges that touch or overlap are one, postcodes inside a range are left out."""
    ranges = merged(territory.ranges)
    alone = {code for code in territory.postcodes if not any(r.first <= code <= r.last for r in ranges)}
    return Territory(territory.states, ranges, frozenset(alone))


def merged(ranges: Iterable[PostcodeRange]) -> tuple[PostcodeRange, ...]:
    result: list[PostcodeRange] = []
    for following in sorted(ranges):
        if result and int(following.first) <= int(result[-1].last) + 1:
            result[-1] = PostcodeRange(result[-1].first, max(result[-1].last, following.last))
        else:
            result.append(following)
    return tuple(result)
