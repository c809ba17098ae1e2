"""What all tables of intake share."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Enum, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase

from chassis.database import named_metadata


class Model(DeclarativeBase):
    metadata = named_metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
    }


def words(enum: type[StrEnum]) -> Enum:
    return Enum(
        enum,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


def among(column: str, enum: type[StrEnum]) -> CheckConstraint:
    known = ", ".join(f"'{member.value}'" for member in enum)
    return CheckConstraint(f"{column} IN ({known})", name=f"{column}_known")
