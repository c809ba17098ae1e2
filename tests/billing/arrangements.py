"""What the tests of billing arrange: installers with prices, deliveries, months, invoices, and what was published."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from contracts.envelope import from_headers
from contracts.values import AdjustmentType, CreditReason, InvoiceKind, ProductType
from services.billing.commands.accounts import AccountState, apply_account_states
from services.billing.commands.adjusting import Decider
from services.billing.commands.adjustments import AddAdjustment, add_adjustment
from services.billing.commands.client_invoices import ClosedBoard, draft_board_invoices
from services.billing.commands.contacts import SetContact, set_contact
from services.billing.commands.deliveries import record_deliveries
from services.billing.commands.drafts import DraftResult, GenerateDrafts, generate_drafts
from services.billing.commands.house import House
from services.billing.commands.issuing import IssueInvoice, issue_invoice
from services.billing.commands.numbers import Numbering
from services.billing.commands.payments import RecordedPayment, RecordPayment, record_payment
from services.billing.commands.price_plans import AddedPricePlan, AddPricePlan, add_price_plan
from services.billing.commands.pricing import SentAssignment
from services.billing.domain.periods import Period
from services.billing.domain.price_changes import Prices
from services.billing.domain.statuses import PaymentMethod
from services.billing.domain.tax_invoice import Party
from services.billing.models import Adjustment, Invoice

SYDNEY = ZoneInfo("Australia/Sydney")
MARCH = Period.of_month("2026-03", SYDNEY)
NOW = datetime(2026, 4, 2, 0, 30, tzinfo=UTC)
"""Half past eleven in the morning of 2 April in Sydney: March has ended."""
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)

SELLER = Party(
    "Waybill Pty Ltd", "51824753556", "Level 3, 14 Martin Place, Sydney NSW 2000", "accounts@waybill.example"
)
INSTALLER_ABN = "53004085616"
HOUSE = House(
    seller=SELLER,
    numbering=Numbering("waybill", "WB"),
    zone=SYDNEY,
    terms_days={InvoiceKind.INSTALLER: 7, InvoiceKind.CLIENT: 30},
    approval_limit_cents=20_000,
    payment_details="BSB 062-000\nAccount 1234 5678",
)
MAKER = Decider(UUID(int=1), "Mia Maker")
CHECKER = Decider(UUID(int=2), "Chris Checker")


def march(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """A wall-clock time of March 2026 in Sydney, as the UTC instant."""
    return datetime(2026, 3, day, hour, minute, tzinfo=SYDNEY).astimezone(UTC)


def installer_state(installer_id: UUID, *, version: int = 1, **changed: Any) -> AccountState:
    state: dict[str, Any] = {
        "name": "Sunny Roofs Pty Ltd",
        "abn": INSTALLER_ABN,
        "billing_name": "Sunny Roofs Pty Ltd",
        "billing_email": "accounts@sunny-roofs.example",
        "billing_address": "8 Crown Street, Wollongong NSW 2500",
        "gst_registered": True,
    }
    return AccountState(id=installer_id, kind=InvoiceKind.INSTALLER, source_version=version, **state | changed)


def client_state(client_id: UUID, *, version: int = 1, **changed: Any) -> AccountState:
    state: dict[str, Any] = {
        "name": "Harbour Bank Ltd",
        "abn": "33102417032",
        "billing_name": "Harbour Bank Ltd, Accounts Payable",
        "billing_email": "ap@harbour-bank.example",
        "billing_address": "1 Bridge Street, Sydney NSW 2000",
        "agreed_terms_days": 30,
    }
    return AccountState(id=client_id, kind=InvoiceKind.CLIENT, source_version=version, **state | changed)


def sent(
    installer_id: UUID,
    at: datetime,
    product: ProductType = ProductType.EXCLUSIVE,
    assignment_id: UUID | None = None,
    decision_id: UUID | None = None,
) -> SentAssignment:
    return SentAssignment(
        assignment_id=assignment_id or new_id(),
        lead_id=new_id(),
        installer_id=installer_id,
        product_type=product,
        service="solar-battery",
        locality="Marrickville NSW 2204",
        delivered_at=at,
        decision_id=decision_id,
    )


class Books:
    """Billing on a database, with its commands called as the edges call them: one unit of work each."""

    def __init__(self, database: Database, clock: FixedClock, house: House = HOUSE) -> None:
        self.database = database
        self.clock = clock
        self.house = house
        self._references = 0

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[AsyncSession]:
        """A transaction; what is proved at commit is proved here too, where the commit is only a savepoint's."""
        async with self.database.transaction() as session:
            yield session
            await session.flush()
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            await session.execute(text("SET CONSTRAINTS ALL DEFERRED"))

    async def installer(self, **changed: Any) -> UUID:
        installer_id = new_id()
        async with self.unit() as session:
            await apply_account_states(session, [installer_state(installer_id, **changed)], self.clock.now())
        return installer_id

    async def contact(self, account_id: UUID, email: str, name: str = "Mia Lang") -> UUID:
        """Who gets invoices and statements."""
        contact_id = new_id()
        async with self.unit() as session:
            command = SetContact(account_id, contact_id, name, email, gets_invoices=True, gets_statements=True)
            await set_contact(session, command, self.clock.now())
        return contact_id

    async def priced_installer(self, exclusive_cents: int = 8_500, shared_cents: int = 3_850, **changed: Any) -> UUID:
        installer_id = await self.installer(**changed)
        await self.plan(installer_id, LONG_AGO, exclusive_cents, shared_cents)
        return installer_id

    async def plan(
        self, installer_id: UUID, effective_from: datetime, exclusive_cents: int, shared_cents: int, **options: Any
    ) -> AddedPricePlan:
        prices = Prices(exclusive_cents, shared_cents, **options)
        async with self.unit() as session:
            command = AddPricePlan(installer_id, effective_from, prices, "Robin Field")
            return await add_price_plan(session, command, self.house.approval, self.clock.now())

    async def close_plan(self, installer_id: UUID, effective_from: datetime) -> AddedPricePlan:
        async with self.unit() as session:
            command = AddPricePlan(installer_id, effective_from, None, "Robin Field")
            return await add_price_plan(session, command, self.house.approval, self.clock.now())

    async def deliver(self, *assignments: SentAssignment) -> None:
        async with self.unit() as session:
            await record_deliveries(session, assignments, self.house.approval, self.clock.now())

    async def drafts(self, period: Period = MARCH, installer_ids: Sequence[UUID] | None = None) -> list[DraftResult]:
        async with self.unit() as session:
            return await generate_drafts(session, GenerateDrafts(period, installer_ids), self.clock.now())

    async def draft_of(self, installer_id: UUID, *assignments: SentAssignment) -> UUID:
        """The draft of March with these deliveries, or with one exclusive one."""
        await self.deliver(*(assignments or (sent(installer_id, march(10)),)))
        results = {result.installer_id: result for result in await self.drafts()}
        invoice_id = results[installer_id].invoice_id
        assert invoice_id is not None
        return invoice_id

    def stripe_id(self) -> str:
        self._references += 1
        return f"in_test{self._references:010}"

    async def issue(self, invoice_id: UUID, **changed: Any) -> Invoice:
        command: dict[str, Any] = {"kind": InvoiceKind.INSTALLER, "stripe_invoice_id": self.stripe_id(), **changed}
        async with self.unit() as session:
            return await issue_invoice(
                session, IssueInvoice(invoice_id=invoice_id, **command), self.house, self.clock.now()
            )

    async def issued_invoice(self, *assignments: SentAssignment, **changed: Any) -> Invoice:
        """Of a new installer with prices, unless assignments are given; one exclusive lead of $85.00 ex GST."""
        installer_id = assignments[0].installer_id if assignments else await self.priced_installer()
        return await self.issue(await self.draft_of(installer_id, *assignments), **changed)

    async def board_draft(self, amount_cents: int = 1_200_000, **changed: Any) -> UUID:
        board = ClosedBoard(
            board_id=new_id(),
            title="Advisory board on payments",
            client=client_state(new_id()),
            amount_cents=amount_cents,
            purchase_order="PO-7781",
        )
        board = ClosedBoard(**{name: getattr(board, name) for name in ClosedBoard.__slots__} | changed)
        async with self.unit() as session:
            await draft_board_invoices(session, [board], self.clock.now())
        return UUID(str(await self.value("SELECT id FROM invoices WHERE board_id = :id", id=board.board_id)))

    async def pay(self, invoice_id: UUID, amount_cents: int, reference: str, **changed: Any) -> RecordedPayment:
        command: dict[str, Any] = {
            "received_at": self.clock.now(),
            "method": PaymentMethod.BANK_TRANSFER,
            "by": "Robin Field",
            **changed,
        }
        async with self.unit() as session:
            return await record_payment(
                session,
                RecordPayment(invoice_id=invoice_id, amount_cents=amount_cents, reference=reference, **command),
                self.clock.now(),
            )

    async def credit(self, invoice_id: UUID, amount_cents: int | None, **changed: Any) -> Adjustment:
        """Ex GST; None is all that is left."""
        command: dict[str, Any] = {
            "adjustment_id": new_id(),
            "type": AdjustmentType.CREDIT,
            "reason_code": CreditReason.INVALID_CONTACT,
            "line_no": None,
            "notes": None,
            "by": MAKER,
            **changed,
        }
        async with self.unit() as session:
            return await add_adjustment(
                session,
                AddAdjustment(invoice_id=invoice_id, amount_cents=amount_cents, **command),
                self.house.approval,
                self.clock.now(),
            )

    async def invoice(self, invoice_id: UUID) -> Invoice:
        async with self.database.reading() as session:
            return await session.get_one(Invoice, invoice_id)

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        async with self.database.reading() as session:
            return list((await session.execute(text(query), parameters)).all())

    async def value(self, query: str, **parameters: Any) -> Any:
        async with self.database.reading() as session:
            return await session.scalar(text(query), parameters)

    async def published(self, type_: str | None = None) -> list[dict[str, Any]]:
        """The bodies of the events in the outbox, in their order, each with its `type` and `version`."""
        found = []
        for row in await self.rows("SELECT topic, key, headers, body FROM outbox ORDER BY id"):
            envelope = from_headers(unpack_headers(row.headers))
            event = json.loads(row.body)
            event |= {"type": envelope.type, "version": envelope.aggregate_version}
            event |= {"key": row.key.decode(), "causation_id": envelope.causation_id}
            found.append(event)
        return [event for event in found if type_ in {None, event["type"]}]

    async def trial_balance(self) -> dict[str, int]:
        rows = await self.rows("SELECT account, sum(amount_cents)::bigint AS cents FROM journal_entries GROUP BY 1")
        return {row.account: row.cents for row in rows if row.cents}


def words(pdf: bytes) -> str:
    """The text of all pages, with every run of white space as one blank."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())
