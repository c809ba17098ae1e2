"""A client's invoice: its lines written by hand while it is a draft, then sent, then paid."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath

from chassis.console import Console, page_at
from chassis.console.documents import Done, show_document
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.pages import client_invoice_deeds, invoice_document, lines
from services.billing.pages.client_invoices import PATH
from services.billing.pages.invoice_document import document_of, links_of
from services.billing.pages.invoice_page import InvoicePage, MakeAction, MakeSection, read_page
from services.billing.pages.invoice_words import INSTALLERS

ACTIONS: tuple[MakeAction, ...] = (
    lines.edit,
    client_invoice_deeds.send,
    client_invoice_deeds.mark_paid,
    *invoice_document.ACTIONS,
    client_invoice_deeds.redraft,
)
SECTIONS: tuple[MakeSection, ...] = (
    lines.lines,
    *invoice_document.SECTIONS,
)


@page_at(PATH + "/{invoice_id:uuid}", Capability.READ_OPS)
async def show_client_invoice(
    invoice_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    house: Given[House],
    operator: Given[Operator],
    done: Done = None,
) -> Response[Any]:
    async with database.reading() as session:
        page = await read_page(session, invoice_id, InvoiceKind.CLIENT, console, operator, house, done)
        if page is None:
            return console.redirect(f"{INSTALLERS}/{invoice_id}")
        document = await document_of(page, ACTIONS, SECTIONS, _links(page))
    return show_document(console, request, document, done)


def _links(page: InvoicePage) -> list[tuple[str, str]]:
    board = page.console.addresses.url("intake", f"/console/boards/{page.detail.board_id}")
    return [("Board", board), *links_of(page)]


ROUTES = (show_client_invoice,)
