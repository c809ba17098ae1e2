"""What all tables of routing share."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import CheckConstraint, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase

from chassis.database import named_metadata

Instant = DateTime(timezone=True)
WordT = TypeVar("WordT", bound=StrEnum)


class Model(DeclarativeBase):
    metadata = named_metadata()
    type_annotation_map = {datetime: Instant, str: Text}


class Word(TypeDecorator[WordT], Generic[WordT]):
    """A StrEnum kept as text; what is read is the enum again, and a word that it lacks is refused on the way in."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[WordT]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: Any, _dialect: Dialect) -> WordT | None:
        return None if value is None else self.words(value)


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
