"""What can be done with an issued invoice, an installer's or a client's, as its page offers it."""

from collections.abc import Iterable

from chassis.console.actions import Action, refused
from chassis.console.fields import FieldKind, FormField, dollars, options_of
from chassis.console.wording import money
from chassis.ids import new_id
from contracts.identity import Capability
from contracts.values import CreditReason, GstTreatment
from services.billing.domain import statuses
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.statuses import PaymentMethod
from services.billing.domain.voids import VoidReason
from services.billing.pages.deliveries import lead_title
from services.billing.pages.invoice_page import InvoicePage
from services.billing.pages.invoice_words import gone_with_it

MONEY = Capability.MANAGE_BILLING_OPS
PAYMENT, CREDIT, DEBIT, APPLY, RESEND, VOID = "record_payment", "credit", "debit", "apply_credit", "resend", "void"
NOTES = FormField("notes", "Notes", FieldKind.PROSE, hint="Stand in the timeline", longest=1000)


async def payment(page: InvoicePage) -> Action:
    detail = page.detail
    return Action(
        PAYMENT,
        "Record a payment",
        page.deed(PAYMENT),
        effect=f"{money(detail.balance_cents)} is owed. A payment of all of it makes the invoice paid; nothing is "
        "charged or mailed by it.",
        fields=(
            FormField("amount", "Amount", FieldKind.MONEY, value=dollars(detail.balance_cents), is_required=True),
            FormField("received_day", "Received on", FieldKind.DAY, value=page.today.isoformat(), is_required=True),
            method_field(PaymentMethod.BANK_TRANSFER),
            FormField(
                "reference",
                "Reference",
                is_required=True,
                hint="The bank's, the cheque's or the receipt's: the same reference is recorded once",
                longest=120,
            ),
            FormField(
                "external_payment_ref", "Stripe payment", hint="Where it came through Stripe: pi_…, py_… or ch_…"
            ),
            FormField(
                "excess_to_credit",
                "Keep what is more than is owed as the customer's credit",
                FieldKind.CHECK,
            ),
        ),
        done="Recorded",
        is_primary=True,
        **refused(page.operator, MONEY, page.obstacle(statuses.Action.RECORD_PAYMENT)),
    )


def method_field(chosen: PaymentMethod) -> FormField:
    return FormField(
        "method", "How", FieldKind.CHOICE, value=chosen, is_required=True, options=options_of(PaymentMethod)
    )


async def credit(page: InvoicePage) -> Action:
    lines = [(str(line.line_no), f"{line.line_no}. {line.description}") for line in page.shown_lines]
    return Action(
        CREDIT,
        "Give a credit",
        page.deed(CREDIT),
        effect=f"Up to {money(page.house.approval_limit_cents)} with GST it counts at once, and its adjustment note is "
        "mailed. Beyond that it waits until another operator agrees. What of it is more than is owed becomes the "
        "customer's credit.",
        fields=(
            FormField("reason_code", "Reason", FieldKind.CHOICE, is_required=True, options=options_of(CreditReason)),
            FormField("line_no", "Line", FieldKind.CHOICE, options=lines, hint="None: over all its lines"),
            FormField("amount", "Amount without GST", FieldKind.MONEY, hint="Empty: all that is left of it"),
            NOTES,
        ),
        hidden=_once(page),
        done="Given, or waiting for a second operator: the adjustments below say which",
        **refused(page.operator, MONEY, page.obstacle(statuses.Action.ADJUST)),
    )


async def debit(page: InvoicePage) -> Action:
    late = [
        (str(each.id), f"{lead_title(each.service, each.locality)}, {money(each.unit_price_cents)}")
        for each in page.late
    ]
    reasons = [(value, label) for value, label in options_of(DebitReason) if late or value != DebitReason.LATE_DELIVERY]
    named: Iterable[FormField] = (
        (FormField("delivery_event_ids", "Late deliveries", FieldKind.CHOICES, options=late),) if late else ()
    )
    return Action(
        DEBIT,
        "Charge a debit",
        page.deed(DEBIT),
        effect="It counts at once: the invoice asks for so much more, and its adjustment note is mailed. "
        "Late deliveries cost what they cost: choose them, and leave the amount empty.",
        fields=(
            FormField("reason_code", "Reason", FieldKind.CHOICE, is_required=True, options=reasons),
            *named,
            FormField("amount", "Amount without GST", FieldKind.MONEY),
            FormField(
                "gst_treatment",
                "GST",
                FieldKind.CHOICE,
                value=GstTreatment.TAXABLE,
                is_required=True,
                options=options_of(GstTreatment),
            ),
            FormField("notes", "What it is for", FieldKind.PROSE, hint="Its note prints it", longest=1000),
        ),
        hidden=_once(page),
        done="Charged",
        **refused(page.operator, MONEY, page.obstacle(statuses.Action.ADJUST)),
    )


async def apply_credit(page: InvoicePage) -> Action:
    has_cents = page.account.customer_credit_cents
    cents = min(has_cents, page.detail.balance_cents)
    return Action(
        APPLY,
        "Apply credit",
        page.deed(APPLY),
        effect=f"{page.detail.account_name} has {money(has_cents)} with us: so much of it pays for this invoice.",
        fields=(FormField("amount", "Amount", FieldKind.MONEY, value=dollars(cents), is_required=True),),
        hidden={"application_id": str(new_id())},
        done="Applied",
        **refused(page.operator, MONEY, page.obstacle(statuses.Action.APPLY_CREDIT)),
    )


async def resend(page: InvoicePage) -> Action:
    return Action(
        RESEND,
        "Mail it again",
        page.deed(RESEND),
        effect=f"Mails the same PDF to {page.account.billing_email}, the address that the account has now.",
        done="It is on its way",
        **refused(page.operator, MONEY, page.obstacle(statuses.Action.RESEND)),
    )


async def void(page: InvoicePage) -> Action:
    detail = page.detail
    is_over = not page.is_draft and detail.balance_cents > page.house.approval_limit_cents
    effect = (
        "Takes the draft away. Its deliveries can be drafted again."
        if page.is_draft
        else "Nothing is owed on it any more; its number stays taken. What it billed can be billed again. "
        + gone_with_it(detail.credits_cents, detail.debits_cents)
    ).strip()
    return Action(
        VOID,
        "Void",
        page.deed(VOID),
        effect=f"{effect} It waits until another operator agrees." if is_over else effect,
        fields=(
            FormField("reason_code", "Reason", FieldKind.CHOICE, is_required=True, options=options_of(VoidReason)),
            NOTES,
        ),
        hidden={"seen": page.seen, "void_request_id": str(new_id())},
        done="Voided" if detail.status is statuses.InvoiceStatus.VOID else "Asked for: another operator has to agree",
        destroys=True,
        **refused(page.operator, MONEY, page.obstacle(statuses.Action.VOID)),
    )


def _once(page: InvoicePage) -> dict[str, str]:
    """Sent twice it is one adjustment."""
    return {"seen": page.seen, "adjustment_id": str(new_id())}
