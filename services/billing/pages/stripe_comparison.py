"""An invoice beside Stripe's, line by line: asked of Stripe as the page is opened, and nothing is changed by it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Fact, Note, Table, Told, show_document
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.billing.comparing import Comparison, compare_at_stripe
from services.billing.domain.stripe_lines import Compared, Item
from services.billing.pages.doors import INVOICES
from services.billing.stripe_gateway import StripeGateway

HEADS = (
    ("Ours", Kind.TEXT),
    ("Quantity", Kind.NUMBER),
    ("Price", Kind.MONEY),
    ("Amount", Kind.MONEY),
    ("GST", Kind.MONEY),
    ("Stripe's", Kind.TEXT),
    ("Quantity", Kind.NUMBER),
    ("Price", Kind.MONEY),
    ("Amount", Kind.MONEY),
    ("GST", Kind.MONEY),
    ("Differs in", Kind.CHIP),
)


@page_at(INVOICES + "/{invoice_id:uuid}/stripe-comparison", Capability.READ_OPS)
async def show_comparison(
    invoice_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    gateway: Given[StripeGateway | None],
) -> Response[str]:
    found = await compare_at_stripe(database, gateway, invoice_id)
    return show_document(console, request, _document(found))


def _document(found: Comparison) -> Document:
    title = "The totals agree to the cent"
    tone, text = "positive", ""
    if found.difference_cents:
        title = (
            f"Stripe asks for {money(abs(found.difference_cents))} {'more' if found.difference_cents > 0 else 'less'}"
        )
        tone, text = "danger", "Put the Stripe invoice right, or draft again: it cannot be issued before both agree."
    return Document(
        title="Against Stripe",
        room="invoices",
        up=("The invoice", f"{INVOICES}/{found.invoice_id}"),
        sentence=f"The invoice as we have it, and as Stripe has it under {found.stripe_invoice_id}.",
        notes=[Note(title, text, tone)],
        facts=[
            Fact("Our total", Shown(found.our_total_cents, Kind.MONEY)),
            Fact("Stripe's total", Shown(found.their_total_cents, Kind.MONEY)),
            Fact("Difference", Shown(found.difference_cents, Kind.MONEY)),
        ],
        sections=[Table("Line by line", HEADS, [_row(line) for line in found.lines], empty="Neither has a line.")],
        timeline=None,
    )


def _row(line: Compared) -> list[Told]:
    told = ", ".join(words(each).lower() for each in line.differences)
    mark = chip(told, "danger" if line.is_of_money else "info") if told else chip("Agrees", "positive")
    return [*_cells(line.ours), *_cells(line.theirs), mark]


def _cells(item: Item | None) -> list[Told]:
    if item is None:
        return ["None", "", "", "", ""]
    return [
        item.description,
        Shown(item.quantity, Kind.NUMBER),
        Shown(item.unit_amount_cents, Kind.MONEY),
        Shown(item.amount_cents, Kind.MONEY),
        Shown(item.gst_cents, Kind.MONEY),
    ]


ROUTES = (show_comparison,)
