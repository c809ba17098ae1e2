"""How alike two names or two streets are: the only place that knows of fuzzy comparison."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from rapidfuzz import fuzz

from services.intake.domain.grams import folded

_APOSTROPHES = re.compile("['’`.]")  # noqa: RUF001  # the typographic one is meant
_NOT_WORDS = re.compile(r"[^\w]+")
_UNIT = re.compile(r"\b(?:unit|u|apt|apartment|flat|shop|suite)\s*(\w+)\s*[,/ ]\s*(?=\d)")

_KINDS = """
st=street str=street rd=road ave=avenue av=avenue pde=parade cres=crescent cr=crescent ln=lane hwy=highway
dr=drive drv=drive ct=court crt=court pl=place tce=terrace ter=terrace bvd=boulevard blvd=boulevard sq=square
cl=close gr=grove pkwy=parkway esp=esplanade cct=circuit
"""
STREET_KINDS: Mapping[str, str] = MappingProxyType(dict(pair.split("=") for pair in _KINDS.split()))

_NICKNAMES = """
bob=robert rob=robert bobby=robert bill=william will=william billy=william liz=elizabeth beth=elizabeth
lizzie=elizabeth jack=john johnny=john jim=james jimmy=james jamie=james mike=michael mick=michael tom=thomas
tommy=thomas tony=anthony kate=katherine katie=katherine kathy=katherine cathy=catherine dave=david steve=stephen
steven=stephen chris=christopher matt=matthew andy=andrew drew=andrew dan=daniel danny=daniel nick=nicholas
alex=alexander sam=samuel ben=benjamin ed=edward ted=edward peg=margaret meg=margaret maggie=margaret sue=susan
jen=jennifer jenny=jennifer pat=patricia trish=patricia rick=richard dick=richard rich=richard charlie=charles
josh=joshua zac=zachary zach=zachary lachie=lachlan ange=angela angie=angela vicky=victoria vic=victoria
ollie=oliver livvy=olivia liv=olivia mattie=matilda tilly=matilda gus=angus lottie=charlotte charlie=charlotte
"""
NICKNAMES: Mapping[str, str] = MappingProxyType(dict(pair.split("=") for pair in _NICKNAMES.split()))


def plain_name(name: str) -> str:
    """Small letters, no accents nor apostrophes, and the given name in full where it is a short form."""
    words = _NOT_WORDS.sub(" ", _APOSTROPHES.sub("", folded(name))).split()
    return " ".join([NICKNAMES.get(word, word) for word in words[:1]] + words[1:])


def plain_street(street: str) -> str:
    """In one way of writing: `Unit 3, 12 Cadogan St.` is `3 12 cadogan street`.

    A street's kind stands last: `12 St Kilda Road` has a saint before its name.
    """
    words = _NOT_WORDS.sub(" ", _UNIT.sub(r"\1 ", _APOSTROPHES.sub("", folded(street)))).split()
    return " ".join([*words[:-1], *(STREET_KINDS.get(word, word) for word in words[-1:])])


def names_alike(one: str, other: str) -> float | None:
    """Of 100; None where either is empty, which is like nothing."""
    first, second = plain_name(one), plain_name(other)
    return fuzz.token_sort_ratio(first, second) if first and second else None


def streets_alike(one: str, other: str) -> float | None:
    """Of 100; another number is another house, whatever the street's name."""
    first, second = plain_street(one), plain_street(other)
    if not first or not second:
        return None
    return fuzz.ratio(first, second) if _numbers(first) == _numbers(second) else 0.0


def _numbers(street: str) -> list[str]:
    return [word for word in street.split() if any(letter.isdigit() for letter in word)]
