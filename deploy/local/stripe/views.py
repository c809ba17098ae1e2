"""Rows as the API shows them: hidden fields left out, short lists of children put in."""

from collections.abc import Callable

from deploy.local.stripe.errors import Json
from deploy.local.stripe.tables import Books

EMBEDDED_ROWS = 10
"""How many children a parent carries with it; the rest are read from the list's own address."""


def render(books: Books, row: Json) -> Json:
    shown = {name: value for name, value in row.items() if name[0] != "_"}
    attach = _ATTACHMENTS.get(row.get("object", ""))
    if attach is not None:
        attach(books, row, shown)
    return shown


def embedded_list(rows: list[Json], url: str) -> Json:
    return {
        "object": "list",
        "data": rows[:EMBEDDED_ROWS],
        "has_more": len(rows) > EMBEDDED_ROWS,
        "total_count": len(rows),
        "url": url,
    }


def _invoice(books: Books, row: Json, shown: Json) -> None:
    lines = [render(books, line) for line in books["line_item"].of(row["id"])]
    shown["lines"] = embedded_list(lines, f"/v1/invoices/{row['id']}/lines")
    shown["default_tax_rates"] = _tax_rates(books, row["_default_tax_rates"])


def _invoice_item(books: Books, row: Json, shown: Json) -> None:
    shown["tax_rates"] = _tax_rates(books, row["_tax_rates"])


def _transfer(books: Books, row: Json, shown: Json) -> None:
    reversals = [render(books, reversal) for reversal in books["transfer_reversal"].of(row["id"])[::-1]]
    shown["reversals"] = embedded_list(reversals, f"/v1/transfers/{row['id']}/reversals")


def _credit_note(books: Books, row: Json, shown: Json) -> None:
    lines = [render(books, line) for line in books["credit_note_line_item"].of(row["id"])]
    shown["lines"] = embedded_list(lines, f"/v1/credit_notes/{row['id']}/lines")


def _account(_books: Books, row: Json, shown: Json) -> None:
    shown["capabilities"] = {name: capability["status"] for name, capability in row["_capabilities"].items()}
    shown["external_accounts"] = embedded_list([], f"/v1/accounts/{row['id']}/external_accounts")


def _tax_rates(books: Books, identifiers: list[str]) -> list[Json]:
    found = (books["tax_rate"].get(identifier) for identifier in identifiers)
    return [render(books, rate) for rate in found if rate is not None]


_ATTACHMENTS: dict[str, Callable[[Books, Json, Json], None]] = {
    "invoice": _invoice,
    "invoiceitem": _invoice_item,
    "transfer": _transfer,
    "credit_note": _credit_note,
    "account": _account,
}
