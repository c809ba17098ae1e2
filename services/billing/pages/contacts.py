"""Billing contacts of an account: who else gets what it is sent, each with a page on which it is changed or removed."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Done, Fact, Table, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import refuse_if_changed, seen_of
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.forms import LONGEST_EMAIL
from contracts.identity import Capability
from services.billing.errors import ContactNotFound
from services.billing.http.contacts import ContactBody, ContactName, Email, remove_by_operator, set_by_operator
from services.billing.models import Account, BillingContact
from services.billing.pages.account_page import AccountPage
from services.billing.pages.accounts import PATH, ROOM
from services.billing.pages.doors import account_path
from services.billing.pages.faults import told_beside
from services.billing.pages.reasons import IF_GIVEN, Reason
from services.billing.queries import accounts, contacts

READ, MONEY = Capability.READ_OPS, Capability.MANAGE_BILLING_OPS
ADD, CHANGE, REMOVE = "add_contact", "change_contact", "remove_contact"
VERBS = {"set_contact": "set a billing contact", "remove_contact": "removed a billing contact"}
FIELDS = {"billing_contact_email_taken": "email", "too_many_billing_contacts": "name"}
REMOVED = Action(REMOVE, "Remove this contact", "", done="Removed: its name and address are deleted")
ONE = PATH + "/{account_id:uuid}/contacts/{contact_id:uuid}"


class ContactForm(Form):
    """`seen` is the last change of the account that the page knew of."""

    name: ContactName
    email: Email
    gets_invoices: bool = False
    gets_statements: bool = False
    reason: Reason | None = None
    seen: UUID | None = None

    @property
    def body(self) -> ContactBody:
        return ContactBody(**{name: getattr(self, name) for name in ContactBody.model_fields})


class RemoveContactForm(Form):
    reason: Reason | None = None
    seen: UUID | None = None


async def add(page: AccountPage) -> Action:
    return Action(
        ADD,
        "Add a billing contact",
        f"{page.path}/contacts",
        effect="Beside the billing e-mail, which gets all of it anyway. What is sent already is not sent again.",
        fields=_fields(None),
        hidden={"seen": page.seen},
        done="Added: it gets what is sent from now on",
        **refused(page.operator, MONEY),
    )


async def table(page: AccountPage) -> Table:
    found = await contacts.of_account(page.session, page.account.id)
    return Table(
        "Billing contacts",
        (
            ("Name", Kind.TEXT),
            ("E-mail", Kind.TEXT),
            ("Gets invoices and notes", Kind.YES_NO),
            ("Gets statements", Kind.YES_NO),
        ),
        [
            (
                Shown(each.name, path=_path(each.account_id, each.id)),
                each.email,
                Shown(each.gets_invoices, Kind.YES_NO),
                Shown(each.gets_statements, Kind.YES_NO),
            )
            for each in found
        ],
        empty="None: everything goes to the billing e-mail alone.",
    )


def _fields(contact: BillingContact | None) -> tuple[FormField, ...]:
    def ticked(name: str) -> str:
        return "true" if contact is None or getattr(contact, name) else ""

    return (
        FormField("name", "Name", value=contact.name if contact else "", is_required=True, longest=120),
        FormField(
            "email",
            "E-mail",
            FieldKind.EMAIL,
            value=contact.email if contact else "",
            is_required=True,
            longest=LONGEST_EMAIL,
        ),
        FormField("gets_invoices", "Gets invoices and notes", FieldKind.CHECK, value=ticked("gets_invoices")),
        FormField("gets_statements", "Gets statements of account", FieldKind.CHECK, value=ticked("gets_statements")),
        IF_GIVEN,
    )


def _path(account_id: UUID, contact_id: UUID) -> str:
    return f"{account_path(account_id)}/contacts/{contact_id}"


@page_at(ONE, READ)
async def show_contact(
    account_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        account = await accounts.find(session, account_id)
        contact = await session.get(BillingContact, contact_id)
        seen = await seen_of(session, Subject("account", account_id))
    if contact is None or contact.account_id != account_id:
        raise ContactNotFound("the account has no such contact", contact_id=contact_id)
    return show_document(console, request, _document(account, contact, operator, seen), done)


def _document(account: Account, contact: BillingContact, operator: Operator, seen: str) -> Document:
    path, can = _path(account.id, contact.id), refused(operator, MONEY)
    change = Action(
        CHANGE,
        "Change this contact",
        path,
        effect="Holds for what is sent from now on.",
        fields=_fields(contact),
        hidden={"seen": seen},
        done="Changed",
        is_primary=True,
        **can,
    )
    remove = Action(
        REMOVE,
        "Remove this contact",
        f"{path}/remove",
        effect="It gets nothing more, and its name and address are deleted for good.",
        fields=(IF_GIVEN,),
        hidden={"seen": seen},
        destroys=True,
        **can,
    )
    return Document(
        title=contact.name,
        room=ROOM,
        up=(account.name, account_path(account.id)),
        sentence=f"Gets {_gets(contact)} of {account.name} by mail, beside the billing e-mail.",
        facts=[
            Fact("E-mail", Shown(contact.email)),
            Fact("Since", Shown(contact.created_at, Kind.INSTANT)),
            Fact("Changed last", Shown(contact.updated_at, Kind.INSTANT)),
        ],
        actions=[change, remove],
        timeline=None,
    )


def _gets(contact: BillingContact) -> str:
    wanted = [("invoices and adjustment notes", contact.gets_invoices), ("statements", contact.gets_statements)]
    return " and ".join(what for what, is_wanted in wanted if is_wanted) or "nothing"


@form_at(PATH + "/{account_id:uuid}/contacts", MONEY)
async def add_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[ContactForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("account", account_id), data.seen)
            await set_by_operator(session, account_id, new_id(), data.body, operator, clock.now())
    return console.redirect(f"{account_path(account_id)}?done={ADD}")


@form_at(ONE, MONEY)
async def change_by_form(
    account_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[ContactForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("account", account_id), data.seen)
            await set_by_operator(session, account_id, contact_id, data.body, operator, clock.now())
    return console.redirect(f"{_path(account_id, contact_id)}?done={CHANGE}")


@form_at(ONE + "/remove", MONEY)
async def remove_by_form(
    account_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[RemoveContactForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("account", account_id), data.seen)
        await remove_by_operator(session, account_id, contact_id, data.reason, operator)
    return console.redirect(f"{account_path(account_id)}?done={REMOVE}")


ROUTES = (show_contact, add_by_form, change_by_form, remove_by_form)
