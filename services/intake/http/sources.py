"""Lead sources and their API keys, as operators manage them."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, ConfigDict, StringConstraints

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, Text, requires
from chassis.http.caching import NO_STORE
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.sources import KeyedSource, create_source, revoke_source, rotate_key
from services.intake.domain import SourceAction
from services.intake.keyring import KeyRing
from services.intake.models import LeadSource, LeadSourceKey
from services.intake.settings import Settings

SourceName = Annotated[Line, StringConstraints(max_length=120)]


class SourceKey(BaseModel):
    """`prefix` is the part of the key that may be shown; `expires_at` is set once another has taken its place."""

    model_config = ConfigDict(from_attributes=True)

    prefix: str
    created_at: datetime
    expires_at: datetime | None


class LeadSourceRow(BaseModel):
    id: UUID
    name: str
    created_at: datetime
    revoked_at: datetime | None
    available_actions: list[SourceAction]
    keys: list[SourceKey]

    @classmethod
    def of(cls, source: LeadSource, keys: list[LeadSourceKey]) -> "LeadSourceRow":
        return cls(
            id=source.id,
            name=source.name,
            created_at=source.created_at,
            revoked_at=source.revoked_at,
            available_actions=source.available_actions,
            keys=[SourceKey.model_validate(key) for key in keys],
        )


class IssuedKey(BaseModel):
    """`api_key` is shown here and never again: only its hash is kept."""

    id: UUID
    name: str
    api_key: str

    @classmethod
    def of(cls, keyed: KeyedSource) -> "IssuedKey":
        return cls(id=keyed.source.id, name=keyed.source.name, api_key=keyed.api_key)


class NewLeadSource(Body):
    name: SourceName


class LeadSourceRevocation(Body):
    reason: Text | None = None


@post("/admin/lead-sources", guards=[requires(Capability.WRITE_ROUTING)])
async def create_lead_source(
    data: JSONBody[NewLeadSource], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> Response[IssuedKey]:
    """Make a source; its key is in the answer and nowhere else."""
    async with database.transaction() as session:
        keyed = await create_source(session, data.name, operator, clock.now())
    return Response(IssuedKey.of(keyed), headers=NO_STORE)


@get("/admin/lead-sources", guards=[requires(Capability.READ_OPS)])
async def list_lead_sources(database: Given[Database], page: Given[PageRequest]) -> Page[LeadSourceRow]:
    """Newest first, the revoked ones too."""
    async with database.reading() as session:
        sources = await queries.list_sources(session, page)
        keys = await queries.keys_of(session, [source.id for source in sources])
    return page.page(
        sources,
        lambda source: (source.created_at, source.id),
        lambda source: LeadSourceRow.of(source, keys.get(source.id, [])),
    )


@get("/admin/lead-sources/{source_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_lead_source(source_id: FromPath[UUID], database: Given[Database]) -> LeadSourceRow:
    async with database.reading() as session:
        source = await queries.source(session, source_id)
        keys = await queries.keys_of(session, [source_id])
    return LeadSourceRow.of(source, keys.get(source_id, []))


@post("/admin/lead-sources/{source_id:uuid}/revoke", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def revoke_lead_source(
    source_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
    data: JSONBody[LeadSourceRevocation | None] = None,
) -> LeadSourceRow:
    """From now on none of the source's keys works. Revoked twice is revoked once."""
    reason = data.reason if data else None
    async with database.transaction() as session:
        source = await revoke_source(session, source_id, reason, operator, clock.now())
        keys = await queries.keys_of(session, [source_id])
    key_ring.forget(source_id)
    return LeadSourceRow.of(source, keys.get(source_id, []))


@post("/admin/lead-sources/{source_id:uuid}/rotate-key", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def rotate_lead_source_key(
    source_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Response[IssuedKey]:
    """A new key; the old ones work on for the overlap that the settings give."""
    overlap = timedelta(hours=settings.lead_key_overlap_hours)
    async with database.transaction() as session:
        keyed = await rotate_key(session, source_id, overlap, operator, clock.now())
    key_ring.forget(source_id)
    return Response(IssuedKey.of(keyed), headers=NO_STORE)


ROUTES = (create_lead_source, list_lead_sources, get_lead_source, revoke_lead_source, rotate_lead_source_key)
