"""The equalities of the books, in the order in which money goes: a certificate says of each whether it holds."""

from services.billing.queries.equalities import deliveries, invoices, ledger, settlement
from services.billing.queries.equalities.declaration import About, Equality

EQUALITIES: tuple[Equality, ...] = (
    *deliveries.EQUALITIES,
    *invoices.EQUALITIES,
    *settlement.EQUALITIES,
    *ledger.EQUALITIES,
)

__all__ = ["EQUALITIES", "About", "Equality"]
