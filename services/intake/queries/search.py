"""Finding leads by words: each must stand in a lead's name, contact, place or submission key, as a part of a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, false, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, aliased

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
        """Of a select of leads, each with all that was merged into it; of nothing but space it is none."""
        if not self.words:
            return true()
        return Lead.id.in_(self._of_newest() if self.is_of_newest else self._of_all())

    def own(self) -> ColumnElement[bool]:
        """Whether a lead that was found says so itself, not only what was merged into it."""
        form = "{}" if not self.is_of_newest else " {}"
        ways = [[alternative] for alternative in self.alternatives] + [list(self.words)]
        held = (and_(*(_contains(LeadSearch.text, form.format(word)) for word in way)) for way in ways)
        return select(LeadSearch.lead_id).where(LeadSearch.lead_id == Lead.id, or_(*held)).correlate(Lead).exists()

    def _of_all(self) -> Select[UUID]:
        ways = [_holds([form]) for form in self.alternatives]
        if any(map(_is_indexed, self.words)):
            ways.append(_holds(self.words))
        return select(LeadSearch.lead_id).where(or_(*ways))

    def _of_newest(self) -> Select[UUID]:
        """By the begins of words: two letters stand somewhere in nearly every lead."""
        oldest = select(Lead.id).order_by(Lead.id.desc()).offset(NEWEST - 1).limit(1).scalar_subquery()
        begins = (_says(f" {word}") for word in self.words)
        # An id tells when its lead came: so many are a range of the key, and nothing else is looked at.
        return select(LeadSearch.lead_id).where(LeadSearch.lead_id >= func.coalesce(oldest, NOBODY), *begins)


def families_that_say(part: str) -> Select[UUID]:
    """Leads into which others were merged, where they or those do. There are few: they are looked through."""
    merged = aliased(Lead)
    into = select(merged.merged_into).where(merged.merged_into.is_not(None))
    forms = {folded(part), part_of_phone(part)} - {""}
    return select(LeadSearch.lead_id).where(LeadSearch.lead_id.in_(into), or_(false(), *map(_says, forms)))


def _is_indexed(word: str) -> bool:
    return len(word) >= SHORTEST_INDEXED


def _holds(words: Sequence[str]) -> ColumnElement[bool]:
    """The index narrows by the trigrams of all words at once; the texts decide."""
    grams = grams_of(" ".join(words))
    indexed = LeadSearch.grams.contains(literal(grams, ARRAY(Integer)))
    return and_(indexed, *map(_says, words))


def _says(part: str) -> ColumnElement[bool]:
    """The lead or what was merged into it: what one does not say of a person another may."""
    return or_(_contains(LeadSearch.text, part), _contains(LeadSearch.merged, part))


def _contains(text: ColumnElement[str] | InstrumentedAttribute[str], part: str) -> ColumnElement[bool]:
    return text.contains(part, autoescape=True)
