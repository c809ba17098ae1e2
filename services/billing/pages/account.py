"""One account: who is billed, by which terms and at which prices, what it was billed, and what waits for a price."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import chip
from chassis.console.documents import Document, Done, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.house import House, terms_days
from services.billing.http.exported import export_of
from services.billing.pages import (
    account_credit,
    account_figures,
    account_sections,
    account_terms,
    contacts,
    holds,
    plans,
    receive,
)
from services.billing.pages.account_page import AccountPage, MakeAction, MakeNote, MakeSection, read_page
from services.billing.pages.accounts import PATH, ROOM
from services.billing.pages.doors import DELIVERIES
from services.billing.settings import Settings

ACTIONS: tuple[MakeAction, ...] = (
    plans.set_prices,
    plans.end_prices,
    receive.receive,
    account_terms.edit,
    contacts.add,
    holds.hold,
    holds.lift,
)
NOTES: tuple[MakeNote, ...] = (
    holds.on_hold,
    plans.without_price,
)
SECTIONS: tuple[MakeSection, ...] = (
    account_figures.this_month,
    account_sections.who_is_billed,
    contacts.table,
    plans.prices,
    account_sections.held_deliveries,
    account_sections.invoices,
    account_credit.sources,
    account_credit.applications,
    account_credit.receipts,
)
VERBS = {
    "export_statement": "took a statement along",
    "send_statement": "had a statement mailed",
    **account_terms.VERBS,
    **contacts.VERBS,
    **holds.VERBS,
    **plans.VERBS,
    **receive.VERBS,
}


@page_at(PATH + "/{account_id:uuid}", Capability.READ_OPS)
async def show_account(
    account_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        page = await read_page(session, account_id, console, operator, house, settings, clock.now())
        document = await _document(page)
    return show_document(console, request, document, done)


async def _document(page: AccountPage) -> Document:
    account = page.account
    subjects = [Subject("account", account.id), Subject("installer", account.id), export_of("statement", account.id)]
    told = await moments_of(page.session, subjects, VERBS, page.console.wording)
    return Document(
        title=account.name,
        room=ROOM,
        up=("Accounts", PATH),
        states=list(_states(page)),
        sentence=_sentence(page),
        amount=money(page.owed_cents) if page.owed_cents else "",
        amount_note="AUD outstanding",
        notes=[note for make in NOTES if (note := await make(page)) is not None],
        actions=[action for make in ACTIONS if (action := await make(page)) is not None],
        past=[contacts.REMOVED],
        sections=[section for make in SECTIONS if (section := await make(page)) is not None],
        timeline=in_order(told, [Moment(account.created_at, "Waybill", "began to bill it")]),
        links=_links(page),
    )


def _states(page: AccountPage) -> Iterator[Markup]:
    yield chip(words(page.account.kind))
    if page.account.credit_hold:
        yield chip("On credit hold", "danger")
    if page.held:
        yield chip("Deliveries held", "warning")


def _sentence(page: AccountPage) -> str:
    days = terms_days(page.account, page.house)
    told = f"Billed {'by the month' if page.is_installer else 'by the board'}, due {days} days after issue."
    credit = page.account.customer_credit_cents
    told += "" if page.owed_cents else " Nothing is outstanding."
    return told + (f" It has {money(credit)} of credit with us." if credit else "")


def _links(page: AccountPage) -> list[tuple[str, str]]:
    addresses, account = page.console.addresses, page.account
    money_of = [
        ("Statement", f"{page.path}/statement"),
        ("Collection figures", f"/console/receivables/figures?account_id={account.id}"),
    ]
    if page.is_installer:
        own = addresses.url("routing", f"/console/installers/{account.id}")
        return [*money_of, ("Deliveries", f"{DELIVERIES}?installer_id={account.id}"), ("Installer", own)]
    return [*money_of, ("Client", addresses.url("intake", f"/console/clients/{account.id}"))]


ROUTES = (show_account,)
