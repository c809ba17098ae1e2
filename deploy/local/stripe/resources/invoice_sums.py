"""An invoice's sums follow from its lines; they are reckoned anew after every change of a draft."""

from enum import StrEnum

from deploy.local.stripe.errors import Json
from deploy.local.stripe.resources.tax_rates import rate
from deploy.local.stripe.resources.totals import Tax, Taxable, amount_due, assess
from deploy.local.stripe.world import Call, refuse


class InvoiceStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"

    @property
    def is_payable(self) -> bool:
        """What was written off may still be paid."""
        return self in {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}


def check_is_draft(invoice: Json) -> None:
    if invoice["status"] != InvoiceStatus.DRAFT:
        raise refuse(
            "This invoice is no longer editable: it has been finalized.", code="invoice_not_editable", param="invoice"
        )


def retotal(call: Call, invoice: Json, event: str | None = "invoice.updated") -> None:
    lines = call.table("line_item").of(invoice["id"])
    customer = call.row("customer", invoice["customer"])
    totals = assess([_taxable(call, invoice, customer, line) for line in lines])
    for line, taxes in zip(lines, totals.line_taxes, strict=True):
        call.change(line, {"taxes": [tax_json(tax) for tax in taxes]})
    due, _ending = amount_due(totals.total, customer["balance"])
    changes: Json = {
        "subtotal": totals.subtotal,
        "subtotal_excluding_tax": totals.subtotal_excluding_tax,
        "total": totals.total,
        "total_excluding_tax": totals.subtotal_excluding_tax,
        "total_taxes": [tax_json(tax) for tax in totals.taxes],
        "starting_balance": customer["balance"],
        "amount_due": due,
        "amount_remaining": due,
    }
    call.change(invoice, changes, event)


def tax_json(tax: Tax) -> Json:
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": tax.rate_id},
        "taxability_reason": tax.reason,
        "taxable_amount": tax.taxable_amount,
        "type": "tax_rate_details",
    }


def _taxable(call: Call, invoice: Json, customer: Json, line: Json) -> Taxable:
    """A line's own rates take the place of the invoice's; an exempt customer pays none."""
    identifiers = line["_tax_rates"] or invoice["_default_tax_rates"]
    if customer["tax_exempt"] != "none":
        return Taxable(line["amount"])
    rates = tuple(rate(call, identifier) for identifier in identifiers)
    return Taxable(line["amount"], rates, tuple(line["_tax_amounts"]))
