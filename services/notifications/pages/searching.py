"""How mail is looked up: by a whole address, by an id, or by a part of what is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement

from chassis.console.lists.filters import LONGEST_SEARCH, Filter, Held, Sent, Unreadable
from services.notifications.domain.addresses import address_hash, is_deliverable


@dataclass(frozen=True, slots=True)
class MailSearch(Filter):
    """A whole address is found by its hash, which has an index and outlives the address itself."""

    hash_: Any
    by_id: Callable[[UUID], ColumnElement[bool]]
    by_part: Callable[[str], ColumnElement[bool]]

    form: ClassVar[str] = "search"

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = " ".join(" ".join(sent.get(self.name, ())).split())
        if not asked:
            return None
        if len(asked) > LONGEST_SEARCH:
            raise Unreadable(f"longer than {LONGEST_SEARCH} characters")
        return Held(self._condition(asked), f"“{asked}”", (asked,))

    def _condition(self, asked: str) -> ColumnElement[bool]:
        if is_deliverable(asked):
            return bool_of(self.hash_ == address_hash(asked))
        try:
            return self.by_id(UUID(asked))
        except ValueError:
            return self.by_part(asked)


def bool_of(condition: Any) -> ColumnElement[bool]:
    """A comparison of a column whose type the checker does not see."""
    typed: ColumnElement[bool] = condition
    return typed
