"""Properties that the API leaves out unless they are asked for by `expand`."""

from collections.abc import Callable

from deploy.local.stripe.errors import Json
from deploy.local.stripe.views import embedded_list, render
from deploy.local.stripe.world import Call


def _payments(call: Call, invoice: str) -> Json:
    rows = [render(call.books, row) for row in call.table("invoice_payment").of(invoice)[::-1]]
    return embedded_list(rows, f"/v1/invoice_payments?invoice={invoice}")


def _confirmation_secret(call: Call, invoice: str) -> Json | None:
    for payment in call.table("invoice_payment").of(invoice):
        if payment["is_default"]:
            intent = call.row("payment_intent", payment["payment"]["payment_intent"])
            return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    return None


def _amount_paid_off_stripe(call: Call, invoice: str) -> int:
    amount: int = call.row("invoice", invoice)["_off_stripe"]
    return amount


def _refunds(call: Call, charge: str) -> Json:
    rows = [render(call.books, row) for row in call.table("refund").of(charge)[::-1]]
    return embedded_list(rows, f"/v1/charges/{charge}/refunds")


INCLUDABLE: dict[tuple[str, str], Callable[[Call, str], object]] = {
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("invoice", "amount_paid_off_stripe"): _amount_paid_off_stripe,
    ("charge", "refunds"): _refunds,
}
