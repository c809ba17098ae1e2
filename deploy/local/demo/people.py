"""Synthetic and believable: Australian names, places, phones and ABNs, the same at every run. Nobody of them exists."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

_FIRST_NAMES = """
Olivia Charlotte Mia Amelia Isla Ruby Matilda Zara Priya Aaliyah Mei Thuy Hannah Grace Sienna Freya
Noah Jack William Leo Henry Oliver Lachlan Cooper Arjun Minh Hassan Dimitri Angus Kai Ethan Marcus
"""
_LAST_NAMES = """
Nguyen Smith Jones Williams Brown Wilson Taylor Singh Patel Chen Papadopoulos O'Brien McKenzie Kowalski
Rossi Haddad Tran Murphy Campbell Stewart Ryan Walker Robinson Thompson Kelly Costa Ali Fraser Lim Novak
"""
_STREETS = """
Banksia Wattle Station Church Victoria Albert Railway Park George Ocean Hillcrest Kookaburra Jacaranda
Ironbark Grevillea Cadogan Beach Mill Bridge Orchard
"""
FIRST_NAMES, LAST_NAMES, STREETS = _FIRST_NAMES.split(), _LAST_NAMES.split(), _STREETS.split()
STREET_KINDS = ("Street", "Road", "Avenue", "Parade", "Crescent", "Lane")


@dataclass(frozen=True, slots=True)
class Place:
    suburb: str
    state: str
    postcode: str


PLACES = tuple(
    Place(*line.split("|"))
    for line in """
Marrickville|NSW|2204
Parramatta|NSW|2150
Newcastle|NSW|2300
Wollongong|NSW|2500
Penrith|NSW|2750
Brunswick|VIC|3056
Geelong|VIC|3220
Footscray|VIC|3011
Ballarat Central|VIC|3350
Frankston|VIC|3199
Paddington|QLD|4064
Toowoomba|QLD|4350
Southport|QLD|4215
Ipswich|QLD|4305
Norwood|SA|5067
Glenelg|SA|5045
Fremantle|WA|6160
Joondalup|WA|6027
Belconnen|ACT|2617
Sandy Bay|TAS|7005
""".strip().splitlines()
)
OUT_OF_REACH = Place("Alice Springs", "NT", "0870")
"""Where no installer goes: its leads are for the exception queue."""

SERVICES = ("solar-panels", "home-battery", "heat-pump")

INSTALLERS = (
    ("Southern Sun Solar", "NSW"),
    ("Harbour Electrical", "NSW"),
    ("Blue Mountains Energy", "NSW"),
    ("Hunter Home Power", "NSW"),
    ("Yarra Renewables", "VIC"),
    ("Bellarine Solar", "VIC"),
    ("Goldfields Electrical", "VIC"),
    ("Sunshine Coast Power", "QLD"),
    ("Darling Downs Solar", "QLD"),
    ("Adelaide Hills Energy", "SA"),
    ("Swan River Solar", "WA"),
    ("Capital and Island Energy", "ACT"),
)
CLIENTS = ("Wattle Advisory", "Ironbark Capital", "Kestrel Health Partners")
BOARDS = (
    ("Market entry: home batteries", 1_250_000, "PO-4471"),
    ("Procurement review: hospital energy", 2_480_050, "KHP-2231"),
    ("Due diligence: regional installer roll-up", 987_655, None),
)


def abn_of(number: int) -> str:
    """Eleven digits whose check digits are right: weighted, with the first less one, they divide by 89."""
    weights = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
    body = f"{number % 10**9:09d}"
    for check in range(10, 99):
        digits = [int(digit) for digit in f"{check:02d}{body}"]
        digits[0] -= 1
        if sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) % 89 == 0:
            return f"{check:02d}{body}"
    raise AssertionError("one of 89 check numbers fits")


NUMBERS = 10_000
STRIDE = 7_919
"""A prime: each multiple of it is another number, and another house, until all have been had."""
HOUSES = 240


def _street(number: int) -> str:
    number %= HOUSES * len(STREETS) * len(STREET_KINDS)
    kind, number = STREET_KINDS[number % len(STREET_KINDS)], number // len(STREET_KINDS)
    return f"{number // len(STREETS) + 1} {STREETS[number % len(STREETS)]} {kind}"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    phone: str
    street: str
    place: Place


class TooManyPeople(Exception):
    """There is no number left that is nobody's."""


class Crowd:
    """People in a fixed order: the same seed gives the same ones. No two share a phone, an e-mail or a house."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)  # noqa: S311  # believable, not secret
        self._count = 0

    def person(self, place: Place | None = None) -> Person:
        self._count += 1
        if self._count >= NUMBERS:
            raise TooManyPeople(f"{NUMBERS} people have a number of their own")
        first, last = self._chance.choice(FIRST_NAMES), self._chance.choice(LAST_NAMES)
        mailbox = f"{first}.{last}{self._count}".lower().replace("'", "")
        number = self._count * STRIDE % NUMBERS
        return Person(
            name=f"{first} {last}",
            email=f"{mailbox}@post.example",
            # ACMA keeps 0491 570 xxx for fiction; the rest of the range is believable and unused here.
            phone=f"0491 57{number // 1_000} {number % 1_000:03d}",
            street=_street(self._count * STRIDE),
            place=place or self._chance.choice(PLACES),
        )

    def people(self, count: int) -> Iterator[Person]:
        for _ in range(count):
            yield self.person()

    def chance(self) -> float:
        return self._chance.random()

    def choice(self, options: tuple[str, ...]) -> str:
        return self._chance.choice(options)
