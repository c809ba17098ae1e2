"""An installer's invoice: from its draft through its issue to its last payment."""

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
from services.billing.pages import invoice_document, invoice_issue, invoice_sections
from services.billing.pages.invoice_document import document_of, links_of
from services.billing.pages.invoice_page import MakeAction, MakeSection, read_page
from services.billing.pages.invoice_words import CLIENTS
from services.billing.pages.invoices import PATH

ACTIONS: tuple[MakeAction, ...] = (
    invoice_issue.issue,
    invoice_issue.keep_reference,
    *invoice_document.ACTIONS,
)
SECTIONS: tuple[MakeSection, ...] = (
    invoice_sections.lines,
    *invoice_document.SECTIONS,
)


@page_at(PATH + "/{invoice_id:uuid}", Capability.READ_OPS)
async def show_invoice(
    invoice_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    house: Given[House],
    operator: Given[Operator],
    done: Done = None,
) -> Response[Any]:
    async with database.reading() as session:
        page = await read_page(session, invoice_id, InvoiceKind.INSTALLER, console, operator, house, done)
        if page is None:
            return console.redirect(f"{CLIENTS}/{invoice_id}")
        document = await document_of(page, ACTIONS, SECTIONS, links_of(page))
    return show_document(console, request, document, done)


ROUTES = (show_invoice,)
