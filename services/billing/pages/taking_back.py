"""The form that takes money back, and how a page tells what went back."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from chassis.console import Form
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Table
from chassis.console.fields import Dollars, FieldKind, FormField, dollars, options_of
from services.billing.domain.settlement import ReversalReason
from services.billing.http.fields import LARGEST_AMOUNT_CENTS, Note, Reference
from services.billing.http.reversals import PartReversal, WholeReversal
from services.billing.models import PaymentReversal

Amount = Annotated[Dollars, Field(ge=1, le=LARGEST_AMOUNT_CENTS)]
FIELDS = {
    "reversal_exceeds_payment": "amount",
    "customer_credit_spent": "amount",
    "reversal_reference_taken": "external_ref",
}


class TakeBackForm(Form):
    """`amount` empty: all that is left of it."""

    amount: Amount | None = None
    reason_code: ReversalReason
    external_ref: Reference | None = None
    notes: Note
    reversal_id: UUID

    def part(self) -> PartReversal:
        return PartReversal(amount_cents=self.amount, **self.model_dump(include=_ASKED))


class TakeAllBackForm(Form):
    reason_code: ReversalReason
    external_ref: Reference | None = None
    notes: Note
    reversal_id: UUID

    def whole(self) -> WholeReversal:
        return WholeReversal(**self.model_dump(include=_ASKED))


_ASKED = {"reason_code", "external_ref", "notes", "reversal_id"}


def amount_field(left_cents: int) -> FormField:
    return FormField("amount", "Amount", FieldKind.MONEY, value=dollars(left_cents), is_required=True)


def why_fields(reason: ReversalReason | None = None) -> tuple[FormField, ...]:
    return (
        FormField(
            "reason_code",
            "Reason",
            FieldKind.CHOICE,
            value=reason or "",
            is_required=True,
            options=options_of(ReversalReason),
        ),
        FormField(
            "external_ref",
            "Reference of its way back",
            hint="The bank's, or Stripe's refund or dispute: it stands for one way back",
            longest=120,
        ),
        FormField("notes", "Why", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=1000),
    )


def reversals_table(rows: Sequence[PaymentReversal]) -> Table:
    return Table(
        "Taken back",
        (
            ("When", Kind.INSTANT),
            ("Reason", Kind.WORD),
            ("Reference", Kind.TEXT),
            ("Why", Kind.TEXT),
            ("By", Kind.TEXT),
            ("Amount", Kind.MONEY),
        ),
        [
            (
                Shown(row.reversed_at, Kind.INSTANT),
                Shown(row.reason_code, Kind.WORD),
                Shown(row.external_ref),
                Shown(row.notes),
                row.made_by_name,
                Shown(row.amount_cents, Kind.MONEY),
            )
            for row in rows
        ],
        empty="Nothing: it stands as it came in.",
    )
