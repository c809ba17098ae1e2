"""Installers and leads as the tests need them, and a look at what dispatch left behind."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, text

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from contracts.envelope import Event, decode_body, from_headers
from contracts.registry import EVENTS
from contracts.values import AustralianState, CapReleaseReason, InstallerStatus, LeadContact, Location, SelectedPath
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.caps import move
from services.routing.commands.deliveries import Delivery, DeliveryFailure, mark_failed, mark_sent
from services.routing.commands.dispatch import DispatchLead, dispatch_leads
from services.routing.commands.installers import AddInstaller, add_installer
from services.routing.commands.returns import (
    AcceptReturn,
    DenyReturn,
    RequestReturn,
    WithdrawReturn,
    accept_return,
    deny_return,
    request_return,
    withdraw_return,
)
from services.routing.domain.counting import CapChange, CapMove
from services.routing.domain.policies import Policy, body_of
from services.routing.domain.profile import Particulars, PostcodeRange, Territory
from services.routing.domain.returns import AskedBy, AskedVia, DenialCode, ReturnCode
from services.routing.domain.states import AbsenceKind, AssignmentStatus, CapState, Channel
from services.routing.domain.windows import Limits
from services.routing.models import (
    Assignment,
    CapWindow,
    Decision,
    DeliveryEndpoint,
    Dispatch,
    DispatchException,
    Installer,
    InstallerAbsence,
    InstallerAccount,
    InstallerVersion,
    KnownOperator,
    Return,
    RoutingPolicy,
)
from services.routing.queries.policies import newest
from services.routing.queries.versions import profile_of
from tests.kit.statements import statements_of

NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)
BUSINESS_ZONE = ZoneInfo("Australia/Sydney")
SERVICE = "solar-battery"
MARRICKVILLE = Location(suburb="Marrickville", state=AustralianState.NSW, postcode="2204")
FREMANTLE = Location(suburb="Fremantle", state=AustralianState.WA, postcode="6160")
ALL_OF_NSW = Territory(states=frozenset({AustralianState.NSW}))
MIA = LeadContact(name="Mia O'Brien", email="mia.obrien@example.test", phone="+61412345678", street="12 Cadogan Street")
EXCLUSIVE = SelectedPath.RECOMMENDED_INSTALLER
SHARED = SelectedPath.COMPARE_QUOTES


@dataclass(frozen=True, slots=True)
class Person:
    """An operator, as the audit sees one."""

    id: UUID
    name: str


ROBIN = Person(new_id(), "Robin Field")


def particulars(name: str = "Southern Sun Solar", **changes: Any) -> Particulars:
    given: dict[str, Any] = {
        "name": name,
        "abn": "53004085616",
        "gst_registered": True,
        "email": "leads@southernsun.example",
        "billing_email": "accounts@southernsun.example",
        "billing_address": "3 Harbour Road, Newcastle NSW 2300",
        "phone": "+61249210000",
        "time_zone": "Australia/Sydney",
        "services": (SERVICE,),
        **changes,
    }
    return Particulars(**given)


def lead(path: SelectedPath = EXCLUSIVE, location: Location = MARRICKVILLE, **changes: Any) -> DispatchLead:
    given: dict[str, Any] = {
        "lead_id": new_id(),
        "selected_path": path,
        "service": SERVICE,
        "location": location,
        "contact": MIA,
        "received_at": NOW,
        **changes,
    }
    return DispatchLead(**given)


def leads(number: int, path: SelectedPath = EXCLUSIVE) -> list[DispatchLead]:
    return [lead(path) for _ in range(number)]


class Floor:
    """Routing's commands over one database, each in a transaction of its own."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.database = database
        self.clock = clock

    async def installer(
        self,
        limits: Limits | None = None,
        *,
        territory: Territory = ALL_OF_NSW,
        status: InstallerStatus = InstallerStatus.ACTIVE,
        **changes: Any,
    ) -> UUID:
        command = AddInstaller(
            installer_id=new_id(),
            particulars=particulars(**changes),
            by=ROBIN,
            status=status,
            limits=limits or Limits(),
            territory=territory,
        )
        async with self.database.transaction() as session:
            return (await add_installer(session, command, self.clock.now())).id

    async def installers(self, number: int, limits: Limits | None = None) -> list[UUID]:
        return [await self.installer(limits, name=f"Installer {place}") for place in range(number)]

    async def endpoint(
        self, installer_id: UUID, url: str = "https://leads.southernsun.example/waybill", **changes: Any
    ) -> None:
        """A webhook of the installer's, which is not used until the installer's channel says so."""
        await self._insert(DeliveryEndpoint, installer_id=installer_id, channel=Channel.WEBHOOK, url=url, **changes)

    async def absence(
        self,
        installer_id: UUID,
        starts_at: datetime = NOW,
        ends_at: datetime | None = None,
        kind: AbsenceKind = AbsenceKind.PAUSE,
        **changes: Any,
    ) -> UUID:
        given = {"reason": "crew on leave", "created_by": ROBIN.name, "created_at": self.clock.now(), **changes}
        id_, span = new_id(), {"starts_at": starts_at, "ends_at": ends_at, "kind": kind}
        await self._insert(InstallerAbsence, id=id_, installer_id=installer_id, **span, **given)
        await self.changed(installer_id)
        return id_

    async def changed(self, installer_id: UUID, **columns: Any) -> None:
        """As a command leaves an installer that it has changed: in a version of its own, by which it is judged."""
        async with self.database.transaction() as session:
            installer = await session.get_one(Installer, installer_id, with_for_update=True)
            for name, value in columns.items():
                setattr(installer, name, value)
            version = installer.next_version()
            await session.flush()
            now = self.clock.now()
            told = (await profile_of(session, installer, now)).told()
            session.add(InstallerVersion(installer_id=installer_id, version=version, profile=told, changed_at=now))

    async def account(self, installer_id: UUID, **changes: Any) -> None:
        """In good standing at billing, but for the changes."""
        given: dict[str, Any] = {
            "version": 1,
            "has_prices": True,
            "credit_hold": False,
            "outstanding_cents": 0,
            "overdue_cents": 0,
            "is_collectable": True,
            "changed_at": self.clock.now(),
            **changes,
        }
        await self._insert(InstallerAccount, installer_id=installer_id, **given)

    async def operator(self, person: Person = ROBIN, **changes: Any) -> None:
        """Known to routing, as identity tells of them."""
        given: dict[str, Any] = {
            "name": person.name,
            "email": "robin.field@waybill.example",
            "is_active": True,
            "capabilities": ["read_ops", "write_routing"],
            "version": 1,
            **changes,
        }
        await self._insert(KnownOperator, operator_id=person.id, **given)

    async def policy(self, policy: Policy) -> None:
        """In force from now on, whatever was."""
        async with self.database.reading() as session:
            version = (await newest(session, policy.kind)).version + 1
        given = {"changed_by": ROBIN.name, "changed_at": self.clock.now(), "reason": "as the test has it"}
        await self._insert(RoutingPolicy, kind=policy.kind, version=version, body=body_of(policy), **given)

    async def _insert(self, table: Any, **values: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(insert(table).values(**values))

    async def send_back(self, assignment_id: UUID, reason: str = "out_of_area") -> None:
        """As a return that was accepted leaves the assignment, its place released."""
        async with self.database.transaction() as session:
            made = await session.get_one(Assignment, assignment_id)
            now = self.clock.now()
            made.status, made.ended_at, made.ended_reason = AssignmentStatus.RETURNED, now, reason
            made.cap_state, made.cap_released_at = CapState.RELEASED, now
            made.cap_release_reason = CapReleaseReason.INVALID_LEAD
            await move(session, [CapMove(made.installer_id, made.created_at, CapChange.RELEASE, made.decision_id)])

    async def ask_back(
        self, assignment_id: UUID, code: ReturnCode = ReturnCode.OTHER, *, by: Person = ROBIN, **changes: Any
    ) -> Return:
        """The installer asks for the lead to go back, by telephone."""
        given: dict[str, Any] = {
            "return_id": new_id(),
            "words": "They say so",
            "asked_by": AskedBy.INSTALLER,
            "channel": AskedVia.PHONE,
            **changes,
        }
        command = RequestReturn(assignment_id=assignment_id, code=code, by=by, **given)
        async with self.database.transaction() as session:
            return await request_return(session, command, self.clock.now(), BUSINESS_ZONE)

    async def take_back(self, return_id: UUID, *, by: Person = ROBIN, **given: Any) -> Return:
        async with self.database.transaction() as session:
            return await accept_return(session, AcceptReturn(return_id, by, **given), self.clock.now())

    async def turn_down(
        self, return_id: UUID, code: DenialCode = DenialCode.NOT_PROVEN, *, by: Person = ROBIN
    ) -> Return:
        async with self.database.transaction() as session:
            command = DenyReturn(return_id, code, "The number answers.", by)
            return await deny_return(session, command, self.clock.now())

    async def withdraw(self, return_id: UUID) -> Return:
        async with self.database.transaction() as session:
            return await withdraw_return(session, WithdrawReturn(return_id, ROBIN), self.clock.now())

    async def returns(self) -> Sequence[Return]:
        async with self.database.reading() as session:
            return (await session.scalars(select(Return).order_by(Return.requested_at, Return.id))).all()

    async def dispatch(self, *arrived: DispatchLead) -> None:
        async with self.database.transaction() as session:
            await dispatch_leads(session, arrived, self.clock.now())

    async def deliver(self, *assignment_ids: UUID) -> None:
        async with self.database.transaction() as session:
            now = self.clock.now()
            await mark_sent(session, [Delivery(id_, now) for id_ in assignment_ids], now)

    async def refuse_mail(self, *assignment_ids: UUID) -> None:
        async with self.database.transaction() as session:
            now = self.clock.now()
            failures = [DeliveryFailure(id_, "recipient_refused", now, 550) for id_ in assignment_ids]
            await mark_failed(session, failures, now)

    async def assignments(self, *lead_ids: UUID) -> Sequence[Assignment]:
        """Of these leads, or all, in the order they were made."""
        query = select(Assignment).order_by(Assignment.created_at, Assignment.id)
        async with self.database.reading() as session:
            found = (await session.scalars(query)).all()
        return [assignment for assignment in found if not lead_ids or assignment.lead_id in lead_ids]

    async def only_assignment(self) -> Assignment:
        [assignment] = await self.assignments()
        return assignment

    async def given(self) -> Counter[UUID]:
        """How many leads each installer has got."""
        return Counter(assignment.installer_id for assignment in await self.assignments())

    async def dispatch_of(self, lead_id: UUID) -> Dispatch:
        async with self.database.reading() as session:
            return await session.get_one(Dispatch, lead_id)

    async def decisions(self, lead_id: UUID) -> Sequence[Decision]:
        async with self.database.reading() as session:
            query = select(Decision).where(Decision.lead_id == lead_id).order_by(Decision.attempt_no)
            return (await session.scalars(query)).all()

    async def exceptions(self, *, is_open: bool | None = None) -> Sequence[DispatchException]:
        async with self.database.reading() as session:
            query = select(DispatchException).order_by(DispatchException.raised_at, DispatchException.id)
            found = (await session.scalars(query)).all()
        return [item for item in found if is_open in (None, item.is_open)]

    async def only_exception(self) -> DispatchException:
        [item] = await self.exceptions(is_open=True)
        return item

    async def counts(self, installer_id: UUID) -> dict[str, tuple[int, int]]:
        """Reserved and used, by the kind of window; windows that hold nothing are left out."""
        async with self.database.reading() as session:
            windows = await session.scalars(select(CapWindow).where(CapWindow.installer_id == installer_id))
            return {w.kind.value: (w.reserved, w.used) for w in windows if w.reserved or w.used}

    async def events(self, *types: str) -> list[Event]:
        """What was published and not yet relayed, in order."""
        return [event for _, event in await self.published(*types)]

    async def published(self, *types: str) -> list[tuple[int, Event]]:
        """Each with its aggregate's version."""
        rows = await self.rows("SELECT headers, body FROM outbox ORDER BY id")
        found = []
        for row in rows:
            envelope = from_headers(unpack_headers(row["headers"]))
            if not types or envelope.type in types:
                found.append((envelope.aggregate_version, decode_body(EVENTS[envelope.type], row["body"])))
        return found

    async def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.reading() as session:
            return [dict(row) for row in (await session.execute(text(sql), values)).mappings()]

    def statements(self) -> AbstractContextManager[list[str]]:
        return statements_of(self.database.engine.sync_engine)

    async def rows_changed(self, sql: str, **values: Any) -> None:
        """As no command has done it yet."""
        async with self.database.transaction() as session:
            await session.execute(text(sql), values)

    async def audited(self) -> list[str]:
        rows = await self.rows("SELECT action FROM audit_entries ORDER BY id")
        return [row["action"] for row in rows]


@asynccontextmanager
async def committing(given: ServiceDatabase, clock: FixedClock, pool_size: int = 10) -> AsyncIterator[Floor]:
    """A floor whose commits are real, for several units of work at once."""
    database = Database(create_engine(given.url, pool_size=pool_size), "/waybill/routing")
    yield Floor(database, clock)
    await database.close()


def types_of(events: Iterable[Event]) -> list[str]:
    return [event.type for event in events]


def postcodes(*codes: str) -> Territory:
    return Territory(postcodes=frozenset(codes))


def postcode_range(first: str, last: str) -> Territory:
    return Territory(ranges=(PostcodeRange(first, last),))
