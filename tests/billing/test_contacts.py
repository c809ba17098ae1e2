"""Billing contacts: who else gets what an account is sent, and that nothing of them stays once they are gone."""

from typing import Any
from uuid import UUID

from chassis.ids import new_id
from contracts.identity import Role
from services.billing.domain.contacts import initials, masked_email
from tests.billing.arrangements import Books
from tests.billing.desk import Desk, code_of, faults, render_all
from tests.billing.windows import Window

MIA = {"name": "Mia Lang", "email": "mia@SUNNY-roofs.example", "gets_invoices": True, "gets_statements": False}


def contacts_of(account_id: UUID) -> str:
    return f"/admin/billing/accounts/{account_id}/contacts"


async def add(desk: Desk, account_id: UUID, **changed: Any) -> Any:
    return await desk.do("PUT", f"{contacts_of(account_id)}/{new_id()}", MIA | changed)


class TestContacts:
    def test_are_told_of_without_telling_who_they_are(self) -> None:
        assert (initials("Mia van Lang"), masked_email("mia@harbour.example")) == ("M. V. L.", "m…@harbour.example")

    async def test_are_set_as_given_and_audited_masked(self, desk: Desk, books: Books) -> None:
        account_id = await books.installer()
        told = await add(desk, account_id)
        assert (told["email"], told["gets_invoices"], told["gets_statements"]) == (
            "mia@sunny-roofs.example",
            True,
            False,
        )
        path = f"{contacts_of(account_id)}/{told['id']}"
        for _ in range(2):
            await desk.do("PUT", path, MIA | {"gets_statements": True, "reason": "Asked for statements"})
        assert [each["gets_statements"] for each in await desk.get(contacts_of(account_id))] == [True]
        entries = await books.rows("SELECT before, after, reason_text FROM audit_entries ORDER BY occurred_at")
        assert [entry.reason_text for entry in entries] == [None, "Asked for statements"]
        assert [(entry.before, entry.after["gets_statements"]) for entry in entries] == [
            (None, False),
            (entries[0].after, True),
        ]
        assert "mia@" not in str(entries)
        assert "Lang" not in str(entries)

    async def test_are_gone_for_good_once_they_are_removed(self, desk: Desk, books: Books) -> None:
        account_id = await books.installer()
        path = f"{contacts_of(account_id)}/{(await add(desk, account_id))['id']}"
        for _ in range(2):
            assert (await desk.ask("DELETE", f"{path}?reason=Left+the+firm")).status_code == 204
        assert await desk.get(contacts_of(account_id)) == []
        told = await books.rows("SELECT action, reason_text FROM audit_entries ORDER BY occurred_at")
        assert told == [("set_contact", None), ("remove_contact", "Left the firm")]

    async def test_are_one_for_each_address_of_an_account(self, desk: Desk, books: Books) -> None:
        account_id = await books.installer()
        await add(desk, account_id)
        path = f"{contacts_of(account_id)}/{new_id()}"
        answer = await desk.ask("PUT", path, MIA | {"email": "MIA@sunny-roofs.example"})
        assert (answer.status_code, code_of(answer)) == (409, "billing_contact_email_taken")
        await add(desk, await books.installer())

    async def test_are_of_their_own_account_alone(self, desk: Desk, books: Books) -> None:
        told = await add(desk, await books.installer())
        answer = await desk.ask("PUT", f"{contacts_of(await books.installer())}/{told['id']}", MIA)
        assert (answer.status_code, code_of(answer)) == (404, "billing_contact_not_found")

    async def test_are_at_most_twenty(self, desk: Desk, books: Books) -> None:
        account_id = await books.installer()
        for number in range(20):
            await books.contact(account_id, f"{number}@a.example")
        answer = await desk.ask("PUT", f"{contacts_of(account_id)}/{new_id()}", MIA)
        assert (answer.status_code, code_of(answer)) == (409, "too_many_billing_contacts")

    async def test_have_an_address_that_mail_can_be_sent_to(self, desk: Desk, books: Books) -> None:
        path = f"{contacts_of(await books.installer())}/{new_id()}"
        answer = await desk.ask("PUT", path, MIA | {"email": "mia", "name": ""})
        assert set(faults(answer)) == {"email", "name"}
        assert (await desk.ask("PUT", path, MIA, role=Role.EDITOR)).status_code == 403


class TestCopies:
    async def test_of_an_invoice_go_to_those_who_get_invoices(self, desk: Desk, books: Books) -> None:
        invoice = await books.issued_invoice()
        await add(desk, invoice.account_id)
        await add(desk, invoice.account_id, email="books@sunny-roofs.example", gets_invoices=False)
        await add(desk, invoice.account_id, email="ACCOUNTS@sunny-roofs.example", name="The account itself")
        await render_all(books)
        (event,) = await books.published("invoice.sent")
        assert event["copy_to"] == ["mia@sunny-roofs.example"]

    async def test_of_a_statement_go_to_those_who_get_statements(self, desk: Desk, books: Books) -> None:
        account_id = await books.installer()
        await add(desk, account_id, gets_statements=True)
        await add(desk, account_id, email="books@sunny-roofs.example")
        days = {"from_day": "2026-03-01", "to_day": "2026-03-31"}
        await desk.do("POST", f"/admin/accounts/{account_id}/statements", days)
        told = [event["recipient_email"] for event in await books.published("statement.sent")]
        assert told == ["accounts@sunny-roofs.example", "mia@sunny-roofs.example"]


class TestThePages:
    async def test_add_change_and_remove_one(self, window: Window, books: Books) -> None:
        path = f"/console/accounts/{await books.installer()}"
        page = await window.open(path)
        assert "everything goes to the billing e-mail alone" in page
        await window.send(f"{path}/contacts", name="<b>Mia</b>", email="mia@a.example", gets_invoices="true")
        contact_id = await books.value("SELECT id FROM billing_contacts")
        assert "&lt;b&gt;Mia&lt;/b&gt;" in await window.open(path)
        one = f"{path}/contacts/{contact_id}"
        assert "Gets invoices and adjustment notes of" in await window.open(one)
        seen = await books.value("SELECT id FROM audit_entries ORDER BY occurred_at DESC LIMIT 1")
        stale = await window.send(one, status=409, name="Mia", email="mia@a.example")
        assert "changed it meanwhile" in stale.text
        await window.send(one, name="Mia", email="mia@a.example", gets_statements="true", seen=str(seen))
        assert "Gets statements of" in await window.open(one)
        seen = await books.value("SELECT id FROM audit_entries ORDER BY occurred_at DESC LIMIT 1")
        answer = await window.send(f"{one}/remove", seen=str(seen), reason="Left the firm")
        assert "Left the firm" in await window.open(path)
        assert "Removed: its name and address are deleted" in await window.open(answer.headers["location"])
        assert await books.value("SELECT count(*) FROM billing_contacts") == 0
        await window.open(one, status=404)
