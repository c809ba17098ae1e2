"""What the program must not be able to do to money, tried with raw SQL."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis import migrate
from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from chassis.ids import new_id
from contracts.values import ProductType
from deploy.local.postgres import ServiceDatabase
from services.billing.models import Invoice
from tests.billing.arrangements import MARCH, NOW, Books, march, sent
from tests.billing.arrangements_stripe import pay_at_stripe

WRITTEN_ONCE, NOT_GRANTED, CHECK, UNIQUE = "23001", "42501", "23514", "23505"


async def refused(books: Books, statement: str, **parameters: Any) -> str:
    """The SQLSTATE with which the database refuses the statement, at once or at commit."""
    with pytest.raises(DBAPIError) as refusal:
        async with books.unit() as session:
            await session.execute(text(statement), parameters)
    return str(getattr(refusal.value.orig, "sqlstate", ""))


@pytest.fixture
async def paid(books: Books) -> Invoice:
    """An issued invoice with a payment, so that every table of its way holds a row."""
    invoice = await books.issued_invoice()
    await books.pay(invoice.id, 1_000, "bank 1")
    return await books.invoice(invoice.id)


@pytest.fixture
async def owned_books(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Books]:
    """Billing as the role that owns the tables, whom no missing grant stops."""
    database = Database(create_engine(fresh_database("billing").owner_url), "/waybill/billing")
    yield Books(database, clock)
    await database.close()


def test_models_and_migrations_agree(fresh_database: Callable[[str], ServiceDatabase]) -> None:
    database = fresh_database("billing")
    migrate.check(migrate.configuration("billing", database.owner_url, "billing"))


CHANGES = (
    "UPDATE price_plans SET exclusive_price_cents = 1",
    "DELETE FROM price_plans",
    "UPDATE payments SET amount_cents = 1",
    "DELETE FROM payments",
    "UPDATE journal_entries SET amount_cents = amount_cents * 2",
    "DELETE FROM journal_entries",
    "UPDATE journal_postings SET source_key = 'another'",
    "DELETE FROM journal_postings",
    "UPDATE delivery_events SET unit_price_cents = 1",
    "UPDATE delivery_events SET delivered_at = now()",
    "DELETE FROM delivery_events",
    "UPDATE invoice_lines SET ex_gst_cents = 1",
    "DELETE FROM invoices",
    "DELETE FROM accounts",
    "DELETE FROM number_series",
)


class TestWrittenOnce:
    @pytest.mark.parametrize("change", [*CHANGES, "TRUNCATE invoice_lines", "UPDATE documents SET content = ''"])
    async def test_the_serving_role_lacks_the_grant(self, books: Books, paid: Invoice, change: str) -> None:
        assert await refused(books, change) == NOT_GRANTED

    async def test_a_trigger_stops_even_the_owner(self, owned_books: Books) -> None:
        invoice = await owned_books.issued_invoice()
        await owned_books.pay(invoice.id, 1_000, "bank 1")
        for change in CHANGES:
            assert await refused(owned_books, change) == WRITTEN_ONCE, change


class TestIssuedInvoices:
    @pytest.mark.parametrize(
        "change",
        [
            "total_cents = total_cents + 1, subtotal_cents = subtotal_cents + 1",
            "number = 'WB-999999'",
            "due_at = due_at + interval '1 day'",
            "stripe_invoice_id = 'in_another00'",
            "buyer = '{}'",
            "account_id = gen_random_uuid()",
            "document_status = 'draft'",
        ],
    )
    async def test_keep_their_face(self, books: Books, paid: Invoice, change: str) -> None:
        assert await refused(books, f"UPDATE invoices SET {change}") == WRITTEN_ONCE

    async def test_take_no_line_more_and_none_less(self, books: Books, paid: Invoice) -> None:
        assert await refused(books, "DELETE FROM invoice_lines") == WRITTEN_ONCE
        another = sent(paid.account_id, march(20))
        await books.deliver(another)
        assert await refused(books, LINE, invoice_id=paid.id, assignment_id=another.assignment_id) == WRITTEN_ONCE
        assert await refused(books, "UPDATE invoice_lines SET is_live = false") == WRITTEN_ONCE

    async def test_owe_what_their_payments_and_adjustments_say(self, books: Books, paid: Invoice) -> None:
        assert await refused(books, "UPDATE invoices SET paid_cents = paid_cents + 1") == CHECK
        assert await refused(books, "UPDATE invoices SET credits_cents = 5") == CHECK
        assert await refused(books, PAYMENT, id=new_id(), invoice_id=paid.id) == CHECK

    async def test_know_payments_at_stripe_by_stripes_id(self, books: Books, paid: Invoice) -> None:
        assert await refused(books, NAMELESS, id=new_id(), invoice_id=paid.id) == CHECK

    async def test_never_owe_less_than_nothing(self, books: Books, paid: Invoice) -> None:
        assert await refused(books, "UPDATE invoices SET paid_cents = total_cents + 1") == CHECK

    async def test_are_complete(self, books: Books) -> None:
        invoice_id = await books.draft_of(await books.priced_installer())
        statement = "UPDATE invoices SET document_status = 'issued' WHERE id = :id"
        assert await refused(books, statement, id=invoice_id) == CHECK


LINE = """
    INSERT INTO invoice_lines (invoice_id, line_no, delivery_event_id, description, quantity, unit_price_cents,
                               includes_gst, gst_treatment, ex_gst_cents, gst_cents, inc_gst_cents)
    SELECT :invoice_id, 77, id, 'Exclusive lead', 1, unit_price_cents, includes_gst, gst_treatment, unit_price_cents,
           850, unit_price_cents + 850
    FROM delivery_events WHERE assignment_id = :assignment_id
"""
NAMELESS = """
    INSERT INTO payments (id, invoice_id, amount_cents, currency, received_at, method, reference, recorded_by,
                          recorded_at)
    VALUES (:id, :invoice_id, 5, 'AUD', now(), 'stripe', 'note 5', 'nobody', now())
"""
PAYMENT = """
    INSERT INTO payments (id, invoice_id, amount_cents, currency, received_at, method, reference, recorded_by,
                          recorded_at)
    VALUES (:id, :invoice_id, 5, 'AUD', now(), 'cash', 'note 5', 'nobody', now())
"""


class TestCustomerCredit:
    """What the customers have with us is what their invoices left, and each of those is in the journal."""

    ENTRY = (
        "INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency) "
        "SELECT id, 8, 'customer_credit', -5, 'AUD' FROM journal_postings UNION ALL "
        "SELECT id, 9, 'cash', 5, 'AUD' FROM journal_postings"
    )

    async def test_does_not_come_from_nowhere(self, books: Books) -> None:
        await books.issued_invoice()
        assert await refused(books, "UPDATE accounts SET customer_credit_cents = 5") == CHECK
        assert await refused(books, "UPDATE invoices SET customer_credit_cents = -5, credits_cents = -5") == CHECK
        assert await refused(books, self.ENTRY) == CHECK

    async def test_is_not_an_accounts_word_alone(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await pay_at_stripe(books, invoice.id, 10_000)
        for statement in (
            "UPDATE accounts SET customer_credit_cents = 649",
            "UPDATE accounts SET customer_credit_cents = -650",
            "UPDATE invoices SET customer_credit_cents = 649, credits_cents = 1",
            "UPDATE invoices SET customer_credit_cents = 10001",
        ):
            assert await refused(books, statement) == CHECK, statement


class TestDraftLines:
    async def test_a_delivery_stands_on_one_invoice_alone(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        billed = sent(installer_id, march(3))
        invoice_id = await books.draft_of(installer_id, billed)
        assert await refused(books, LINE, invoice_id=invoice_id, assignment_id=billed.assignment_id) == UNIQUE

    async def test_a_line_is_a_delivery_of_its_own_installer_and_period(self, books: Books) -> None:
        installer_id, other_id = await books.priced_installer(), await books.priced_installer()
        invoice_id = await books.draft_of(installer_id)
        others, later = sent(other_id, march(3)), sent(installer_id, MARCH.end)
        await books.deliver(others, later)
        for delivery in (others, later):
            assert await refused(books, LINE, invoice_id=invoice_id, assignment_id=delivery.assignment_id) == CHECK

    async def test_a_line_of_an_installer_names_its_delivery(self, books: Books) -> None:
        invoice_id = await books.draft_of(await books.priced_installer())
        bare = LINE.replace("77, id,", "77, NULL,").replace("WHERE assignment_id = :assignment_id", "LIMIT 1")
        assert await refused(books, bare, invoice_id=invoice_id) == CHECK

    async def test_a_line_of_a_client_names_none(self, books: Books) -> None:
        delivered = sent(await books.priced_installer(), march(3), ProductType.EXCLUSIVE)
        await books.deliver(delivered)
        invoice_id = await books.board_draft()
        assert await refused(books, LINE, invoice_id=invoice_id, assignment_id=delivered.assignment_id) == CHECK


class TestJournal:
    POSTING = (
        "INSERT INTO journal_postings (id, source_key, kind, occurred_at, posted_at) "
        "VALUES (:id, 'test', 'payment_received', now(), now())"
    )
    ENTRY = "INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency) VALUES "

    @pytest.mark.parametrize(
        "entries",
        [
            "(:id, 1, 'cash', 100, 'AUD'), (:id, 2, 'receivable', -99, 'AUD')",
            "(:id, 1, 'cash', 100, 'AUD')",
        ],
    )
    async def test_a_posting_that_does_not_balance_is_not_committed(self, shared_books: Books, entries: str) -> None:
        with pytest.raises(DBAPIError, match="does not balance"):
            async with shared_books.database.transaction() as session:
                await session.execute(text(self.POSTING), {"id": (id_ := new_id())})
                await session.execute(text(self.ENTRY + entries), {"id": id_})
        assert await shared_books.value("SELECT count(*) FROM journal_postings") == 0

    async def test_a_posting_without_entries_is_not_committed(self, shared_books: Books) -> None:
        with pytest.raises(DBAPIError, match="does not balance"):
            async with shared_books.database.transaction() as session:
                await session.execute(text(self.POSTING), {"id": new_id()})

    async def test_an_old_posting_takes_no_entry_more(self, books: Books, paid: Invoice) -> None:
        added = (
            "INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency) "
            "SELECT id, 9, 'cash', 5, 'AUD' FROM journal_postings LIMIT 1"
        )
        assert await refused(books, added) == CHECK


class TestAdjustments:
    async def test_a_decided_one_rests(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.credit(invoice.id, 1_000)
        for change in ("state = 'rejected'", "ex_gst_cents = 1", "reason_code = 'system_fault'"):
            assert await refused(books, f"UPDATE adjustments SET {change}") == WRITTEN_ONCE


class TestDocuments:
    async def test_a_hash_is_of_the_bytes(self, books: Books, paid: Invoice) -> None:
        statement = (
            "INSERT INTO documents (id, kind, invoice_id, number, file_name, media_type, sha256, content, created_at) "
            "VALUES (:id, 'tax_invoice', :invoice_id, 'WB-1', 'a.pdf', 'application/pdf', repeat('0', 64), 'x', :now)"
        )
        assert await refused(books, statement, id=new_id(), invoice_id=paid.id, now=NOW) == CHECK
