"""What every table of notifications stands on."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, LargeBinary, MetaData, Text
from sqlalchemy.orm import DeclarativeBase

from chassis.database import named_metadata


class Model(DeclarativeBase):
    metadata: ClassVar[MetaData] = named_metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True), str: Text, bytes: LargeBinary}
