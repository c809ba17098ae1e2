"""What an invoice comes to: pure sums in integer cents.

Tax is reckoned once per rate on the sum of the lines it applies to, rounded half up (Stripe's rounding at invoice
level, the "total invoice rule" of the GST Act), and shared out over the lines by largest remainder, so that the lines'
taxes always sum to the invoice's.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

_CENT = Decimal(1)
MINIMUM_CHARGE_CENTS = 50
"""Stripe does not collect less than this (AUD, USD, NZD and others); it rolls the sum into the customer's balance."""


@dataclass(frozen=True, slots=True)
class Rate:
    id: str
    percentage: Decimal
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Tax:
    rate_id: str
    amount: int
    taxable_amount: int
    inclusive: bool
    reason: str = "not_available"


@dataclass(frozen=True, slots=True)
class Taxable:
    """A line with the rates that apply to it, or with taxes that the caller reckoned."""

    amount: int
    rates: tuple[Rate, ...] = ()
    given: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    subtotal: int
    subtotal_excluding_tax: int
    total: int
    taxes: tuple[Tax, ...]
    line_taxes: tuple[tuple[Tax, ...], ...]


def assess(lines: list[Taxable]) -> Totals:
    shares = [list(line.given) for line in lines]
    for rate in _rates(lines):
        places = [place for place, line in enumerate(lines) if rate in line.rates]
        for place, tax in zip(places, _by_rate(rate, [lines[place] for place in places]), strict=True):
            shares[place].append(tax)
    line_taxes = tuple(tuple(taxes) for taxes in shares)
    taxes = _summed(line_taxes)
    subtotal = sum(line.amount for line in lines)
    return Totals(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - sum(tax.amount for tax in taxes if tax.inclusive),
        total=subtotal + sum(tax.amount for tax in taxes if not tax.inclusive),
        taxes=taxes,
        line_taxes=line_taxes,
    )


def amount_due(total: int, starting_balance: int) -> tuple[int, int]:
    """What is left to collect and the customer's balance after it; a negative balance is credit."""
    net = total + starting_balance
    return (net, 0) if net >= MINIMUM_CHARGE_CENTS else (0, net)


def rounded(amount: Decimal) -> int:
    """Half up, away from zero, to the cent."""
    return int(amount.quantize(_CENT, rounding=ROUND_HALF_UP))


def _rates(lines: list[Taxable]) -> list[Rate]:
    return list(dict.fromkeys(rate for line in lines for rate in line.rates))


def _by_rate(rate: Rate, lines: list[Taxable]) -> list[Tax]:
    exact = [_exact_tax(rate, line) for line in lines]
    amounts = _shared_out(rounded(sum(exact, Decimal(0))), exact)
    return [
        Tax(rate.id, amount, line.amount - amount if rate.inclusive else line.amount, rate.inclusive)
        for line, amount in zip(lines, amounts, strict=True)
    ]


def _exact_tax(rate: Rate, line: Taxable) -> Decimal:
    if not rate.inclusive:
        return line.amount * rate.percentage / 100
    all_inclusive = sum((other.percentage for other in line.rates if other.inclusive), Decimal(0))
    return line.amount * rate.percentage / (100 + all_inclusive)


def _shared_out(whole: int, exact: list[Decimal]) -> list[int]:
    floors = [int(share.to_integral_value(rounding=ROUND_FLOOR)) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: floors[place] - exact[place])
    for place in by_remainder[: whole - sum(floors)]:
        floors[place] += 1
    return floors


def _summed(line_taxes: tuple[tuple[Tax, ...], ...]) -> tuple[Tax, ...]:
    sums: dict[tuple[str, bool, str], list[int]] = {}
    for tax in (tax for taxes in line_taxes for tax in taxes):
        amounts = sums.setdefault((tax.rate_id, tax.inclusive, tax.reason), [0, 0])
        amounts[0] += tax.amount
        amounts[1] += tax.taxable_amount
    return tuple(
        Tax(rate_id, amount, taxable, inclusive, reason)
        for (rate_id, inclusive, reason), (amount, taxable) in sums.items()
    )


def rounded_share(amount: int, basis_points: int) -> int:
    return rounded(Decimal(amount) * basis_points / 10_000)
