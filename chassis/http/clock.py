"""Business time over HTTP: whoever may look sees it; on a laptop it can be moved, so that nobody waits for June."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

import structlog
from litestar import get, put
from litestar.params import JSONBody
from pydantic import AfterValidator, AwareDatetime, BaseModel
from pydantic_core import PydanticCustomError

from chassis.clock import Clock, ShiftedClock
from chassis.errors import Refusal
from chassis.http.auth import Operator, requires
from chassis.http.bodies import Body
from chassis.http.given import Given
from chassis.settings import ServiceSettings

log = structlog.get_logger(__name__)

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class ClockIsReal(Refusal):
    code = "clock_is_real"
    title = "The clock is real"
    status = HTTPStatus.FORBIDDEN


class ClockOnlyMovesForward(Refusal):
    code = "clock_only_moves_forward"
    title = "The clock only moves forward"
    status = HTTPStatus.CONFLICT


class BusinessTime(BaseModel):
    now: datetime
    time_zone: str
    movable: bool


def _before_the_calendars_end(instant: datetime) -> datetime:
    """From there on time goes on, and schedules look a month ahead: beyond the calendar's end nothing would."""
    if not EARLIEST <= instant < LATEST:
        raise PydanticCustomError("instant_out_of_range", "Input should be from 1970 to 2199")
    return instant.astimezone(UTC)


class MoveClock(Body):
    now: Annotated[AwareDatetime, AfterValidator(_before_the_calendars_end)]


@get("/admin/clock", guards=[requires("read_ops")])
async def read_clock(clock: Given[Clock], settings: Given[ServiceSettings]) -> BusinessTime:
    """What time it is for the business."""
    return _shown(clock, settings)


@put("/admin/clock", guards=[requires("manage_admin_access")])
async def move_clock(
    data: JSONBody[MoveClock], clock: Given[Clock], settings: Given[ServiceSettings], operator: Given[Operator]
) -> BusinessTime:
    """Moves business time forward for all services of this machine; refused outside local mode."""
    if not (settings.is_local and isinstance(clock, ShiftedClock)):
        raise ClockIsReal("business time can be moved in local mode alone")
    try:
        clock.move_to(data.now)
    except ValueError:
        raise ClockOnlyMovesForward("nothing in the ledger may be undone by a clock") from None
    log.info("clock_moved", to_instant=data.now.isoformat(), operator_id=str(operator.id))
    return _shown(clock, settings)


def _shown(clock: Clock, settings: ServiceSettings) -> BusinessTime:
    movable = settings.is_local and isinstance(clock, ShiftedClock)
    return BusinessTime(now=clock.now(), time_zone=settings.business_time_zone, movable=movable)
