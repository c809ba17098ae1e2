"""Corporate clients. Every change goes out as the client's full state, so that others hold the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from contracts.intake import ClientChanged, ClientState
from services.intake import queries
from services.intake.models import Client


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """All that an operator sets of a client."""

    name: str
    abn: str | None
    billing_name: str
    billing_email: str
    billing_address: str | None
    terms_days: int

    @classmethod
    def of(cls, client: Client) -> "ClientTerms":
        return cls(**{field.name: getattr(client, field.name) for field in fields(cls)})


def state_of(client: Client) -> ClientState:
    return ClientState(
        client_id=client.id,
        version=client.version,
        name=client.name,
        abn=client.abn,
        billing_name=client.billing_name,
        billing_email=client.billing_email,
        billing_address=client.billing_address,
        terms_days=client.terms_days,
    )


async def create_client(session: AsyncSession, terms: ClientTerms, by: Actor, now: datetime) -> Client:
    client = Client(id=new_id(), version=0, created_at=now)
    session.add(client)
    _set(session, client, terms)
    await _record(session, "create_client", client, None, by)
    return client


async def change_client(session: AsyncSession, client_id: UUID, changes: Mapping[str, Any], by: Actor) -> Client:
    """`changes` holds the fields of ClientTerms that are to differ. What changes nothing says nothing."""
    client = await queries.client(session, client_id, for_update=True)
    before = ClientTerms.of(client)
    after = replace(before, **changes)
    if after != before:
        _set(session, client, after)
        await _record(session, "change_client", client, before, by)
    return client


def _set(session: AsyncSession, client: Client, terms: ClientTerms) -> None:
    for field in fields(terms):
        setattr(client, field.name, getattr(terms, field.name))
    version = client.next_version()
    outbox.add(session, ClientChanged(client_id=client.id, client=state_of(client)), version=version)


async def _record(session: AsyncSession, action: str, client: Client, before: ClientTerms | None, by: Actor) -> None:
    """Of a change the fields that differ, of a new client all."""
    now = asdict(ClientTerms.of(client))
    then = asdict(before) if before else {}
    differing = [name for name in now if now[name] != then.get(name)]
    await audit.record(
        session,
        actor=by,
        action=action,
        subject=Subject("client", client.id),
        before={name: then[name] for name in differing} if before else None,
        after={name: now[name] for name in differing},
    )
