"""The pre-flight checklist over HTTP."""

from uuid import UUID

from litestar import get
from litestar.params import FromPath
from pydantic import BaseModel, ConfigDict

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from services.routing.domain.preflight import Cure, Group, Point
from services.routing.queries.preflight import preflight


class CheckView(BaseModel):
    """`why` is null where it stands. `cure` is the deed that mends it."""

    model_config = ConfigDict(from_attributes=True)

    point: Point
    group: Group
    name: str
    passed: bool
    why: str | None
    cure: Cure


class Preflight(BaseModel):
    is_ready: bool
    checks: list[CheckView]


@get("/admin/installers/{installer_id:uuid}/preflight", guards=[requires(Capability.READ_OPS)])
async def get_preflight(installer_id: FromPath[UUID], database: Given[Database], clock: Given[Clock]) -> Preflight:
    """Whether it can receive leads, be billed for them and pay; what billing has not told yet does not stand."""
    async with database.reading() as session:
        found = await preflight(session, installer_id, clock.now())
    told = [
        CheckView.model_validate(check).model_copy(update={} if not check.passed else {"why": None}) for check in found
    ]
    return Preflight(is_ready=all(check.passed for check in found), checks=told)


ROUTES = (get_preflight,)
