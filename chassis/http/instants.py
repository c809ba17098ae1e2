"""Instants as callers write them, in bodies and in parameters."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _written_out(instant: object) -> object:
    """Pydantic would take a bare number for seconds since 1970."""
    if isinstance(instant, str) and not re.match(r"[0-9]{4}-", instant):
        raise PydanticCustomError("datetime_parsing", "Input should be an instant as 2026-03-03T02:15:04Z")
    return instant


def _within_reason(instant: datetime) -> datetime:
    """Beyond the calendar's ends an offset has no UTC: the driver would fail on what Python could still hold."""
    if instant.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    if not EARLIEST <= instant < LATEST:
        raise PydanticCustomError("instant_out_of_range", "Input should be from 1970 to 2199")
    return instant.astimezone(UTC)


AwareInstant = Annotated[datetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_within_reason)]
"""With its offset; what comes out of a body is in UTC. Pydantic's own AwareDatetime, Litestar's parameters do not know.
"""
