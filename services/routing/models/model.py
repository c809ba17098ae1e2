"""What all tables of routing share."""

from datetime import datetime

from sqlalchemy import DateTime, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase

from chassis.database import named_metadata

Instant = DateTime(timezone=True)


class Model(DeclarativeBase):
    metadata = named_metadata()
    type_annotation_map = {datetime: Instant, str: Text, bytes: LargeBinary}
