"""By what a lead is found: the text in which is looked, and the trigrams by which an index finds parts of its words."""

import re
from collections.abc import Sequence
from unicodedata import combining, normalize
from zlib import crc32

SHORTEST_INDEXED = 3
"""Letters of a word that an index can find; what is shorter has no trigram."""

_SEPARATORS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_AUSTRALIAN = "+61"


def folded(text: str) -> str:
    """Small letters without their accents, words with single spaces between them."""
    plain = "".join(letter for letter in normalize("NFKD", text.casefold()) if not combining(letter))
    return _SEPARATORS.sub(" ", plain).strip()


def searchable(parts: Sequence[str]) -> str:
    """The text of a lead: its words, each once, a space before each so that a word's begin can be told."""
    return "".join(f" {word}" for word in dict.fromkeys(folded(" ".join(parts)).split()))


def forms_of_phone(e164: str) -> tuple[str, ...]:
    """As it is kept, and as people write it in Australia."""
    return (e164, f"0{e164.removeprefix(_AUSTRALIAN)}") if e164.startswith(_AUSTRALIAN) else (e164,)


def grams_of(text: str) -> list[int]:
    """The trigrams of its words as numbers of 32 bits with a sign, each once and in order."""
    found = {word[place : place + 3] for word in text.split() for place in range(len(word) - 2)}
    return sorted({_number(gram) for gram in found})


def _number(gram: str) -> int:
    """Two trigrams may share one: who looks compares the text as well."""
    number = crc32(gram.encode())
    return number - 2**32 if number >= 2**31 else number
