"""A client's draft, line by line: rows of a form, which needs no scripts; a row without a description is left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.documents import Part, Section
from chassis.console.fields import Dollars, dollars
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Given, Operator, Text
from chassis.http.bodies import field_errors
from contracts.identity import Capability
from contracts.values import GstTreatment
from services.billing.commands.house import House
from services.billing.domain import statuses
from services.billing.http.fields import LARGEST_PRICE_CENTS
from services.billing.http.ops_invoices import LineBody, LinesBody, put_lines
from services.billing.pages import invoice_sections
from services.billing.pages.client_invoices import PATH
from services.billing.pages.invoice_page import InvoicePage

MONEY = Capability.MANAGE_BILLING_OPS
EDIT = statuses.Action.EDIT_LINES
MOST_LINES = 100
EMPTY_ROWS = 3
"""Beneath those that are there: who needs more saves, and has three again."""

Cell = Annotated[str, StringConstraints(max_length=1000)]
Cells = Annotated[list[Cell], Field(max_length=MOST_LINES + EMPTY_ROWS)]


class InvalidLines(Invalid):
    code = "invalid_lines"
    title = "Some lines cannot be kept"


class LinesForm(Form):
    """Column by column; what stands in one row has the same place in each. `price` is for one, without GST."""

    version: Annotated[int, Field(ge=0, le=2**53)]
    description: Cells = []
    quantity: Cells = []
    price: Cells = []
    gst: Cells = []

    def lines(self) -> list[LineBody]:
        """Raises InvalidLines with every fault at its cell."""
        lines, faults = [], []
        columns = (self.description, self.quantity, self.price, self.gst)
        if len({len(column) for column in columns}) > 1:
            raise InvalidLines("each line has a description, a quantity, a price and its GST")
        for place, cells in enumerate(zip(*columns, strict=True)):
            if not cells[0]:
                continue
            try:
                lines.append(_Row.model_validate(dict(zip(_CELLS, cells, strict=True))).body())
            except ValidationError as invalid:
                faults += [
                    FieldError(f"{each.field}.{place}", each.code, each.message) for each in field_errors(invalid)
                ]
        if faults:
            raise InvalidLines("see the lines that are marked", errors=tuple(faults))
        return lines


_CELLS = ("description", "quantity", "price", "gst")


class _Row(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    description: Annotated[Text, StringConstraints(max_length=400)]
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    price: Annotated[Dollars, Field(ge=-LARGEST_PRICE_CENTS, le=LARGEST_PRICE_CENTS)]
    gst: GstTreatment

    def body(self) -> LineBody:
        return LineBody(
            description=self.description,
            quantity=self.quantity,
            unit_price_cents=self.price,
            gst_treatment=self.gst,
        )


@dataclass(frozen=True, slots=True)
class EditedLine:
    """As its row shows it."""

    description: str = ""
    quantity: str = "1"
    price: str = ""
    gst: str = GstTreatment.TAXABLE


async def edit(page: InvoicePage) -> Action | None:
    """Where they are edited in their place there is nothing more to offer; a draft says why they cannot be."""
    saving = _saving(page)
    return saving if page.is_draft and not saving.is_possible else None


async def lines(page: InvoicePage) -> Section:
    saving = _saving(page)
    if not saving.is_possible:
        return await invoice_sections.lines(page)
    context = {"action": saving, "rows": _edited_lines(page), "is_done": page.done == EDIT}
    return Part("Lines", "lines.html", context)


def _edited_lines(page: InvoicePage) -> Sequence[EditedLine]:
    rows = [
        EditedLine(line.description, str(line.quantity), dollars(line.unit_price_cents), line.gst_treatment)
        for line in page.detail.lines
    ]
    return [*rows, *(EditedLine() for _ in range(min(EMPTY_ROWS, MOST_LINES - len(rows))))]


def _saving(page: InvoicePage) -> Action:
    return Action(
        EDIT,
        "Save lines",
        f"{PATH}/{page.detail.id}/lines",
        effect="Prices are for one, without GST; a negative price takes something off. Sums and GST follow when you "
        "save. A line without a description is taken away.",
        hidden={"version": str(page.detail.version)},
        **refused(page.operator, MONEY, page.obstacle(EDIT)),
    )


@form_at(PATH + "/{invoice_id:uuid}/lines", MONEY)
async def save_lines_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[LinesForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    body = LinesBody(version=data.version, lines=data.lines())
    await put_lines.fn(invoice_id, body, database, clock, house, operator)
    return console.redirect(f"{PATH}/{invoice_id}?done={EDIT}")


ROUTES = (save_lines_by_form,)
