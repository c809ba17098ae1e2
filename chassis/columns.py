"""Columns that hold a word of a known set: a StrEnum in the program, checked text in the database."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import CheckConstraint, Dialect, Text, TypeDecorator

WordT = TypeVar("WordT", bound=StrEnum)


class Word(TypeDecorator[WordT], Generic[WordT]):
    """A StrEnum kept as text; what is read is the enum again, and a word that it lacks is refused on the way in."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[WordT]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> WordT | None:
        return None if value is None else self.words(value)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """The check beside a `Word`, named as its column."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
