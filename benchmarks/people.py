"""Made people who ask for quotes, some of them twice, the second time as people type: who is one is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

FIRST = [
    "olivia",
    "charlotte",
    "mia",
    "amelia",
    "isla",
    "ruby",
    "matilda",
    "zara",
    "priya",
    "aaliyah",
    "mei",
    "thuy",
    "hannah",
    "grace",
    "sienna",
    "freya",
    "elizabeth",
    "katherine",
    "margaret",
    "susan",
    "jennifer",
    "patricia",
    "robert",
    "william",
    "john",
    "james",
    "michael",
    "thomas",
    "anthony",
    "david",
    "stephen",
    "christopher",
    "matthew",
    "andrew",
    "daniel",
    "nicholas",
    "alexander",
    "samuel",
    "benjamin",
    "edward",
    "richard",
    "charles",
    "joshua",
    "lachlan",
    "oliver",
]
SHORT = {
    "elizabeth": "liz", "katherine": "kate", "margaret": "meg", "susan": "sue", "jennifer": "jen", "patricia": "trish",
    "robert": "bob", "william": "bill", "john": "jack", "james": "jim", "michael": "mick", "thomas": "tom",
    "anthony": "tony", "david": "dave", "stephen": "steve", "christopher": "chris", "matthew": "matt",
    "andrew": "andy", "daniel": "dan", "nicholas": "nick", "alexander": "alex", "samuel": "sam", "benjamin": "ben",
    "edward": "ted", "richard": "rick", "charles": "charlie", "joshua": "josh", "lachlan": "lachie", "oliver": "ollie",
}  # fmt: skip
BEGINS = [
    "mac",
    "har",
    "wil",
    "tho",
    "kow",
    "pap",
    "nov",
    "sin",
    "ngu",
    "rob",
    "car",
    "fra",
    "wal",
    "hen",
    "gor",
    "lin",
    "bar",
    "mur",
    "ste",
    "col",
]
MIDDLES = ["an", "er", "el", "ov", "is", "on", "ar", "in", "et", "ul"]
ENDS = ["son", "ski", "dis", "ic", "gh", "en", "ton", "ley", "man", "ers", "by", "field", "worth", "as", "er", "o"]
STREETS = [
    "banksia",
    "wattle",
    "station",
    "church",
    "victoria",
    "albert",
    "railway",
    "park",
    "george",
    "ocean",
    "hillcrest",
    "ironbark",
    "mill",
    "bridge",
]
KINDS = {"street": "st", "road": "rd", "avenue": "ave", "parade": "pde", "crescent": "cres", "lane": "ln"}
HOUSES, POSTCODES = 240, 600  # from 2000 on all are in New South Wales


@dataclass(frozen=True, slots=True)
class Made:
    """With a lead's fields, in their normal form. `person` is the same for who is the same."""

    person: int
    name: str
    email_match: str
    phone: str
    street: str
    postcode: str


def people(number: int, seed: int, *, again: float) -> list[Made]:
    """So many people; `again` is the share of them who ask a second time. One in twenty lives with another."""
    chance = Random(seed)  # noqa: S311  # made, not secret
    made: list[Made] = []
    for person in range(number):
        is_housemate = made and chance.random() < 0.05
        made.append(_housemate(chance, person, made[-1]) if is_housemate else somebody(chance, person))
    return made + [typed_again(chance, each) for each in made if chance.random() < again]


def somebody(chance: Random, person: int) -> Made:
    """Who lives with nobody and asks once."""
    first, last = chance.choice(FIRST), "".join(map(chance.choice, (BEGINS, MIDDLES, ENDS)))
    return Made(
        person,
        f"{first.title()} {last.title()}",
        f"{first}.{last}{chance.randrange(1000)}@post.example",
        f"+614{chance.randrange(10**8):08d}",
        f"{chance.randrange(1, HOUSES)} {chance.choice(STREETS).title()} {chance.choice(list(KINDS)).title()}",
        f"{2000 + chance.randrange(POSTCODES)}",
    )


def _housemate(chance: Random, person: int, other: Made) -> Made:
    """Somebody else at the same address, of the same name as often as not; one in five shares the mailbox."""
    first, last = chance.choice(FIRST).title(), other.name.split()[-1]
    mine = somebody(chance, person)
    name = f"{first} {last}" if chance.random() < 0.5 else mine.name
    mailbox = other.email_match if chance.random() < 0.2 else mine.email_match
    return replace(mine, name=name, street=other.street, postcode=other.postcode, email_match=mailbox)


# --- as people type --------------------------------------------------------------------------------------------------


def typed_again(chance: Random, made: Made) -> Made:
    """One to three things are other than they were."""
    for slip in chance.sample(SLIPS, chance.choice((1, 1, 2, 2, 3))):
        made = slip(chance, made)
    return made


def _swapped(chance: Random, text: str) -> str:
    place = chance.randrange(max(1, len(text) - 1))
    return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]


def _dropped(chance: Random, text: str) -> str:
    place = chance.randrange(1, len(text))
    return text[:place] + text[place + 1 :]


def _phone_swapped(chance: Random, made: Made) -> Made:
    return replace(made, phone=made.phone[:4] + _swapped(chance, made.phone[4:]))


def _phone_other(chance: Random, made: Made) -> Made:
    return replace(made, phone=f"+614{chance.randrange(10**8):08d}")


def _mailbox_other(chance: Random, made: Made) -> Made:
    return replace(made, email_match=f"{made.name.split()[0].lower()}{chance.randrange(10**6)}@other.example")


def _mailbox_dropped(chance: Random, made: Made) -> Made:
    local, _, domain = made.email_match.partition("@")
    return replace(made, email_match=f"{_dropped(chance, local)}@{domain}")


def _letter_dropped(chance: Random, made: Made) -> Made:
    first, last = made.name.split()
    return replace(made, name=f"{first} {_dropped(chance, last)}")


def _short_name(_chance: Random, made: Made) -> Made:
    first, last = made.name.split()
    return replace(made, name=f"{SHORT.get(first.lower(), first).title()} {last}")


def _short_street(_chance: Random, made: Made) -> Made:
    *rest, kind = made.street.split()
    return replace(made, street=" ".join([*rest, KINDS.get(kind.lower(), kind).title()]))


def _street_dropped(chance: Random, made: Made) -> Made:
    number, name, kind = made.street.split()
    return replace(made, street=f"{number} {_dropped(chance, name)} {kind}")


SLIPS: Sequence[Callable[[Random, Made], Made]] = (
    _phone_swapped,
    _phone_other,
    _mailbox_other,
    _mailbox_dropped,
    _letter_dropped,
    _short_name,
    _short_street,
    _street_dropped,
)
