"""Test payment methods are told apart by their names, as Stripe's own `pm_card_…` ones are."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    CARD = "card"
    BECS = "au_becs_debit"

    @property
    def is_asynchronous(self) -> bool:
        """The bank answers days later; until then the charge is pending."""
        return self is Kind.BECS


@dataclass(frozen=True, slots=True)
class Decline:
    code: str
    decline_code: str
    message: str


GENERIC_DECLINE = Decline("card_declined", "generic_decline", "Your card was declined.")
_NO_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")


def kind_of(method: str) -> Kind:
    return Kind.BECS if "becs" in method.lower() else Kind.CARD


def decline_of(method: str) -> Decline | None:
    """`pm_card_chargeDeclined`, `pm_card_visa_chargeDeclinedInsufficientFunds` and the like."""
    name = method.lower()
    if "declined" not in name:
        return None
    return _NO_FUNDS if "insufficientfunds" in name else GENERIC_DECLINE


def details(kind: Kind) -> dict[str, object]:
    if kind is Kind.BECS:
        return {
            "type": "au_becs_debit",
            "au_becs_debit": {"bsb_number": "000000", "fingerprint": None, "last4": "3456", "mandate": None},
        }
    card = {"brand": "visa", "country": "AU", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242"}
    return {"type": "card", "card": {**card, "checks": None, "fingerprint": None, "network": "visa", "wallet": None}}
