"""Finding leads by words: each must stand in a lead's name, contact, place or submission key, as a part of a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from services.intake.domain import email_match, part_of_phone
from services.intake.domain.grams import SHORTEST_INDEXED, folded, grams_of
from services.intake.models import Lead, LeadSearch

NOBODY = UUID(int=0)
NEWEST = 20_000
"""Of so many leads words are looked through where all of them are too short for the index."""


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody typed. `is_of_newest`: no word is long enough to look through all leads."""

    words: tuple[str, ...]
    alternatives: tuple[str, ...]

    @classmethod
    def of(cls, typed: str) -> "Search":
        """A telephone number is one whatever stands between its digits, and a mailbox whatever its tag."""
        text = folded(typed)
        forms = {part_of_phone(typed), email_match(text) if "@" in text and " " not in text else ""}
        alternatives = sorted(form for form in forms - {text} if _is_indexed(form))
        return cls(tuple(dict.fromkeys(text.split())), tuple(alternatives))

    @property
    def is_of_newest(self) -> bool:
        return not self.alternatives and not any(map(_is_indexed, self.words))

    def condition(self) -> ColumnElement[bool]:
        """Of a select of leads; of nothing but space it is none."""
        if not self.words:
            return true()
        return Lead.id.in_(self._of_newest() if self.is_of_newest else self._of_all())

    def _of_all(self) -> Select[UUID]:
        ways = [_holds([form]) for form in self.alternatives]
        if any(map(_is_indexed, self.words)):
            ways.append(_holds(self.words))
        return select(LeadSearch.lead_id).where(or_(*ways))

    def _of_newest(self) -> Select[UUID]:
        """By the begins of words: two letters stand somewhere in nearly every lead."""
        oldest = select(Lead.id).order_by(Lead.id.desc()).offset(NEWEST - 1).limit(1).scalar_subquery()
        begins = (LeadSearch.text.contains(f" {word}", autoescape=True) for word in self.words)
        # An id tells when its lead came: so many are a range of the key, and nothing else is looked at.
        return select(LeadSearch.lead_id).where(LeadSearch.lead_id >= func.coalesce(oldest, NOBODY), *begins)


def _is_indexed(word: str) -> bool:
    return len(word) >= SHORTEST_INDEXED


def _holds(words: Sequence[str]) -> ColumnElement[bool]:
    """The index narrows by the trigrams of all words at once; the text decides."""
    grams = grams_of(" ".join(words))
    indexed = LeadSearch.grams.contains(literal(grams, ARRAY(Integer)))
    return and_(indexed, *(LeadSearch.text.contains(word, autoescape=True) for word in words))
