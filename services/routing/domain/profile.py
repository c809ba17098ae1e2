"""What an installer's particulars must be: ABN, phone, services, and a territory without overlaps."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from contracts.abn import is_abn
from contracts.values import AustralianState

ABN_LENGTH = 11
_SEPARATORS = re.compile(r"[\s().-]")
_E164_AUSTRALIA = re.compile(r"\+61(?:[2-478]\d{8}|1[38]00\d{6}|13\d{4})")
_SERVICE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
SERVICE_LENGTH = 80
EMAIL_LENGTH = 254
_LOCAL_PART_LENGTH = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+(?!\d+$){_LABEL})")
_POSTCODE = re.compile(r"\d{4}", re.ASCII)


def normal_abn(text: str) -> str:
    """The eleven digits; raises ValueError."""
    digits = _SEPARATORS.sub("", text)
    if len(digits) != ABN_LENGTH or not (digits.isascii() and digits.isdigit()):
        raise ValueError("an ABN has 11 digits")
    if not is_abn(digits):
        raise ValueError("the check digits of the ABN do not match")
    return digits


def normal_phone(text: str) -> str:
    """E.164, from an Australian number as people write it; raises ValueError."""
    number = _SEPARATORS.sub("", text)
    if number.startswith("0"):
        number = f"+61{number[1:]}"
    elif number.startswith("1"):
        number = f"+61{number}"
    if not _E164_AUSTRALIA.fullmatch(number):
        raise ValueError("not an Australian phone number")
    return number


def normal_email(text: str) -> str:
    """The domain in lower case; raises ValueError, also for quoted local parts and addresses beyond ASCII."""
    found = _EMAIL.fullmatch(text) if len(text) <= EMAIL_LENGTH else None
    if found is None or len(found[1]) > _LOCAL_PART_LENGTH:
        raise ValueError("not an e-mail address")
    return f"{found[1]}@{found[2].lower()}"


def normal_service(slug: str) -> str:
    """Lower case; raises ValueError for what is no slug."""
    service = slug.lower()
    if len(service) > SERVICE_LENGTH or not _SERVICE.fullmatch(service):
        raise ValueError("a service is a slug of letters and digits with single - or _ between, as solar-battery")
    return service


def normal_time_zone(name: str) -> str:
    """An IANA name as it is; raises ValueError for what the time zone database does not have."""
    if name not in _time_zones():
        raise ValueError("not a time zone of the IANA database, as Australia/Sydney")
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
