"""The keys of a lead source: another one, and an end to one."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody, PathParameter

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from chassis.http.caching import NO_STORE
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.source_keys import PREFIX_LENGTH, revoke_key, rotate_key
from services.intake.http.source_rows import IssuedKey, LeadSourceRow
from services.intake.keyring import KeyRing
from services.intake.settings import Settings

Prefix = Annotated[str, PathParameter(max_length=PREFIX_LENGTH, description="what follows wbk_ in the key")]


class LeadSourceKeyRevocation(Body):
    reason: Text


class LeadSourceKeyRotation(Body):
    reason: Text | None = None


@post("/admin/lead-sources/{source_id:uuid}/rotate-key", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def rotate_lead_source_key(
    source_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
    data: JSONBody[LeadSourceKeyRotation | None] = None,
) -> Response[IssuedKey]:
    """A new key; the old ones work on for the overlap that the settings give."""
    overlap = timedelta(hours=settings.lead_key_overlap_hours)
    async with database.transaction() as session:
        keyed = await rotate_key(session, source_id, overlap, operator, clock.now(), data.reason if data else None)
    key_ring.forget(source_id)
    return Response(IssuedKey.of(keyed), headers=NO_STORE)


@post(
    "/admin/lead-sources/{source_id:uuid}/keys/{prefix:str}/revoke",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
)
async def revoke_lead_source_key(
    source_id: FromPath[UUID],
    prefix: Prefix,
    data: JSONBody[LeadSourceKeyRevocation],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> LeadSourceRow:
    """From now on this key does not work, whatever is left of its overlap. Revoked twice is revoked once."""
    async with database.transaction() as session:
        source = await revoke_key(session, source_id, prefix, data.reason, operator, clock.now())
        keys = await queries.keys_of(session, [source_id])
    key_ring.forget(source_id)
    return LeadSourceRow.of(source, keys.get(source_id, []))


ROUTES = (rotate_lead_source_key, revoke_lead_source_key)
