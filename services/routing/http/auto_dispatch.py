"""The switch of auto-dispatch over HTTP."""

from datetime import datetime
from typing import Annotated

from litestar import get, put
from litestar.params import JSONBody
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from contracts.identity import Capability
from services.routing.commands.auto_dispatch import SwitchAutoDispatch, switch_auto_dispatch
from services.routing.http.fields import Note
from services.routing.models import AutoDispatch
from services.routing.queries.dispatches import auto_dispatch


class AutoDispatchState(BaseModel):
    """`version` counts the changes; send it back to be told where somebody else was faster."""

    enabled: bool
    version: int
    changed_at: datetime
    changed_by: str | None
    reason: str | None

    @classmethod
    def of(cls, switch: AutoDispatch) -> "AutoDispatchState":
        return cls(
            enabled=switch.is_enabled,
            version=switch.version,
            changed_at=switch.changed_at,
            changed_by=switch.changed_by,
            reason=switch.reason,
        )


class SwitchBody(Body):
    enabled: bool
    reason: Note
    version: Annotated[int, Field(ge=1, le=2_000_000_000, description="the version that was seen")] | None = None


@get("/admin/auto-dispatch", guards=[requires(Capability.READ_OPS)])
async def get_auto_dispatch(database: Given[Database]) -> AutoDispatchState:
    async with database.reading() as session:
        return AutoDispatchState.of(await auto_dispatch(session))


@put("/admin/auto-dispatch", guards=[requires(Capability.WRITE_ROUTING)])
async def set_auto_dispatch(
    data: JSONBody[SwitchBody], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> AutoDispatchState:
    """While it is off, each lead that arrives waits in the exception queue."""
    command = SwitchAutoDispatch(data.enabled, data.reason, operator, data.version)
    async with database.transaction() as session:
        switch = await switch_auto_dispatch(session, command, clock.now())
    return AutoDispatchState.of(switch)


ROUTES = (get_auto_dispatch, set_auto_dispatch)
