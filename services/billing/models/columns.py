"""What the tables of billing have in common: column types, and words as checked text."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Dialect, LargeBinary, Text, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

from chassis.database import named_metadata

WordT = TypeVar("WordT", bound=StrEnum)


class Table(DeclarativeBase):
    metadata = named_metadata()
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
        dict[str, Any]: JSONB,
    }


class Word(TypeDecorator[WordT], Generic[WordT]):
    """A StrEnum kept as text; the table's check lists its words."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[WordT]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: WordT | str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.words(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> WordT | None:
        return None if value is None else self.words(value)


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
