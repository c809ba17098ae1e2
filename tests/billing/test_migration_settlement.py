"""What was invoiced and paid before settlement was whole stands as it did, and goes on under the new proofs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from chassis import migrate
from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from services.billing.domain.statuses import InvoiceStatus
from tests.billing.arrangements import Books
from tests.billing.taken_back import reverse_payment, write_off
from tests.kit.databases import Databases

SETTLEMENT = "0016"
CLIENT, PAID, OPEN, DRAFT, PAYMENT = (UUID(int=number) for number in (1, 2, 3, 4, 5))
INVOICE = """
INSERT INTO invoices (id, kind, account_id, board_id, document_status, number, subtotal_cents, gst_cents, total_cents,
                      currency, gst_rule, paid_cents, seller, buyer, created_at, issued_at, due_at, paid_at)
VALUES ('{id}', 'client', '{client}', '{id}', '{status}', {number}, 10000, 1000, 11000, 'AUD', 'total_invoice', {paid},
        '{{}}', '{{}}', now(), {issued}, {issued}, {paid_at});
"""
BEFORE = (
    f"""
    INSERT INTO accounts (id, kind, name, billing_name, billing_email, source_version, created_at, updated_at)
    VALUES ('{CLIENT}', 'client', 'Harbour Bank', 'Harbour Bank', 'ap@harbour.example', 1, now(), now())
    """,
    INVOICE.format(
        id=PAID, client=CLIENT, status="issued", number="'WB-1'", paid=11_000, issued="now()", paid_at="now()"
    ),
    INVOICE.format(id=OPEN, client=CLIENT, status="issued", number="'WB-2'", paid=0, issued="now()", paid_at="NULL"),
    INVOICE.format(id=DRAFT, client=CLIENT, status="draft", number="NULL", paid=0, issued="NULL", paid_at="NULL"),
    f"""
    INSERT INTO payments (id, invoice_id, amount_cents, currency, received_at, method, reference, recorded_by,
                          recorded_at)
    VALUES ('{PAYMENT}', '{PAID}', 11000, 'AUD', now(), 'bank_transfer', 'bank 1', 'Robin Field', now())
    """,
)


@pytest.fixture
def empty(databases: Databases) -> Iterator[ServiceDatabase]:
    database = databases.empty("billing")
    yield database
    databases.drop(database)


@pytest.fixture
async def upgraded(empty: ServiceDatabase, clock: FixedClock) -> AsyncIterator[Books]:
    """Filled as it was before the step, then brought to the newest; used as the role that serves."""
    config = migrate.configuration("billing", empty.owner_url, "billing")
    step = ScriptDirectory.from_config(config).get_revision(SETTLEMENT)
    await asyncio.to_thread(command.upgrade, config, str(step.down_revision))
    owner = create_engine(empty.owner_url)
    async with owner.begin() as connection:
        for statement in BEFORE:
            await connection.execute(text(statement))
    await owner.dispose()
    await asyncio.to_thread(migrate.upgrade, config)
    database = Database(create_engine(empty.url), "/waybill/billing")
    yield Books(database, clock)
    await database.close()


async def test_a_database_of_before_is_brought_along(upgraded: Books) -> None:
    paid, owed, draft = [await upgraded.invoice(id_) for id_ in (PAID, OPEN, DRAFT)]
    assert [(each.balance_cents, each.written_off_cents) for each in (paid, owed, draft)] == [
        (0, 0),
        (11_000, 0),
        (11_000, 0),
    ]
    assert [each.paid_no for each in (paid, owed, draft)] == [1, 0, 0]
    await upgraded.pay(OPEN, 4_000, "bank 2")
    await reverse_payment(upgraded, PAYMENT, 11_000)
    await write_off(upgraded, OPEN)
    assert (await upgraded.invoice(PAID)).status is InvoiceStatus.ISSUED
    assert (await upgraded.pay(PAID, 11_000, "bank 3")).invoice.paid_no == 2
