"""The suppression list over HTTP. It holds no addresses: who asks for one gives it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.notifications.commands.suppressions import lift_suppression, suppress_address
from services.notifications.domain.addresses import address_hash
from services.notifications.domain.suppressions import SuppressionAction, obstacle_to_lifting
from services.notifications.http.fields import Mailbox, Reason
from services.notifications.models import Suppression
from services.notifications.queries.suppressions import list_suppressions
from services.notifications.settings import Settings


class SuppressionRow(BaseModel):
    """`address_hash` is the SHA-256 of the address in lower case."""

    id: UUID
    address_hash: str
    reason_code: str
    source: str
    detail: str | None
    message_id: UUID | None
    created_at: datetime
    expires_at: datetime
    lifted_at: datetime | None
    lifted_by: str | None
    lifted_reason: str | None
    available_actions: list[str]

    @classmethod
    def of(cls, row: Suppression, now: datetime) -> "SuppressionRow":
        obstacle = obstacle_to_lifting(row.lifted_at, row.expires_at, now)
        fields = {name: getattr(row, name, None) for name in cls.model_fields}
        return cls.model_validate(fields | {"available_actions": [] if obstacle else [SuppressionAction.LIFT]})


class NewSuppression(Body):
    email: Mailbox
    reason: Reason


class LiftSuppression(Body):
    reason: Reason


@get("/admin/suppressions", guards=[requires(Capability.READ_OPS)])
async def list_suppressed(
    database: Given[Database],
    page: Given[PageRequest],
    clock: Given[Clock],
    email: Annotated[str | None, QueryParameter(max_length=254, description="the whole address")] = None,
    standing: FromQuery[bool | None] = None,
) -> Page[SuppressionRow]:
    """Newest first; `standing` asks for those that are in force, or for those that no longer are."""
    hash_, now = address_hash(email) if email else None, clock.now()
    async with database.reading() as session:
        found = await list_suppressions(session, page, now, address_hash=hash_, standing=standing)
    return page.page(found, lambda row: (row.created_at, row.id), lambda row: SuppressionRow.of(row, now))


@post("/admin/suppressions", guards=[requires(Capability.WRITE_ROUTING)])
async def add_suppression(
    data: JSONBody[NewSuppression],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> SuppressionRow:
    """Send nothing more to an address; it expires by itself."""
    async with database.transaction() as session:
        row = await suppress_address(session, data.email, operator, data.reason, clock.now(), settings.suppression_days)
    return SuppressionRow.of(row, clock.now())


@post("/admin/suppressions/{suppression_id:uuid}/lift", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def lift_suppressed(
    suppression_id: FromPath[UUID],
    data: JSONBody[LiftSuppression],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> SuppressionRow:
    """Let an address have mail again. Lifted twice answers the same."""
    async with database.transaction() as session:
        row = await lift_suppression(session, suppression_id, operator, data.reason, clock.now())
    return SuppressionRow.of(row, clock.now())


ROUTES = (list_suppressed, add_suppression, lift_suppressed)
