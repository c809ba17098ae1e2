"""What the books should come to, reckoned with plain sums from what happened: it shares no code with the service."""

from collections import Counter
from collections.abc import Hashable


class Model:
    """Told each thing that happened, in cents. `owed` and `left` are by invoice: its balance, its customer's credit."""

    def __init__(self) -> None:
        self.ledger: Counter[str] = Counter()
        self.of: dict[Hashable, Counter[str]] = {}
        self.owed: Counter[Hashable] = Counter()
        self.left: Counter[Hashable] = Counter()
        self.rests = 0
        self.void: set[Hashable] = set()

    def _move(self, invoice: Hashable, **cents: int) -> None:
        self.ledger.update(cents)
        self.of.setdefault(invoice, Counter()).update(cents)
        if invoice is None:
            self.rests -= cents.get("customer_credit", 0)
        else:
            self.owed[invoice] += cents.get("receivable", 0)
            self.left[invoice] -= cents.get("customer_credit", 0)

    def issued(self, invoice: Hashable, ex_gst: int, gst: int) -> None:
        self._move(invoice, receivable=ex_gst + gst, revenue=-ex_gst, gst_payable=-gst)

    def voided(self, invoice: Hashable) -> None:
        self._move(invoice, **{account: -cents for account, cents in self.of[invoice].items()})
        self.void.add(invoice)

    def debited(self, invoice: Hashable, ex_gst: int, gst: int) -> None:
        self.issued(invoice, ex_gst, gst)

    def credited(self, invoice: Hashable, ex_gst: int, gst: int) -> None:
        pays = min(ex_gst + gst, self.owed[invoice])
        over = ex_gst + gst - pays
        self._move(invoice, credits_given=ex_gst, gst_payable=gst, receivable=-pays, customer_credit=-over)

    def paid(self, invoice: Hashable, cents: int, into: str) -> None:
        pays = min(cents, self.owed[invoice])
        self._move(invoice, **{into: cents}, receivable=-pays, customer_credit=pays - cents)

    def rested(self, cents: int, into: str) -> None:
        self._move(None, **{into: cents}, customer_credit=-cents)

    def taken_back(self, invoice: Hashable, cents: int, out_of: str) -> None:
        """Of what the invoice left to its customer first; of a rest, where no invoice is named, all of it."""
        given = cents if invoice is None else min(cents, max(0, self.left[invoice]))
        self._move(invoice, **{out_of: -cents}, receivable=cents - given, customer_credit=given)

    def applied(self, invoice: Hashable, cents: int) -> None:
        self._move(invoice, receivable=-cents, customer_credit=cents)

    def written_off(self, invoice: Hashable, cents: int, gst: int) -> None:
        self._move(invoice, bad_debts=cents - gst, gst_payable=gst, receivable=-cents)

    def balances(self) -> dict[str, int]:
        return {account: cents for account, cents in self.ledger.items() if cents}
