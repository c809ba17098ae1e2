"""The house: what everything that this deployment bills has in common."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from contracts.values import InvoiceKind
from services.billing.commands.adjustments import ApprovalRule
from services.billing.commands.numbers import Numbering
from services.billing.domain.tax_invoice import Party
from services.billing.models import Account


@dataclass(frozen=True, slots=True)
class House:
    """Terms are days from issue to due, by kind of account."""

    seller: Party
    numbering: Numbering
    zone: ZoneInfo
    terms_days: dict[InvoiceKind, int]
    approval_limit_cents: int
    payment_details: str = ""

    @property
    def approval(self) -> ApprovalRule:
        return ApprovalRule(self.approval_limit_cents, self.numbering)


def terms_days(account: Account, house: House) -> int:
    """Finance's word, else what was agreed, else the house's rule."""
    for days in (account.terms_override_days, account.agreed_terms_days):
        if days is not None:
            return days
    return house.terms_days[account.kind]
