"""The list of experts: who can be paid, who cannot and why, and what each has had and waits for."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, case, cast, func, select

from chassis.console.cells import Kind
from chassis.console.listing import Choice, Column, Days, Empty, Listing, Option, Search, Tab, routes_of
from services.payouts.domain import PayoutMethod, PayoutState
from services.payouts.models import Expert, Payout
from services.payouts.pages.words import EXPERTS, PAYOUTS, READ, WRITE, capital, why, why_not_payable

ROOM = "experts"
SENT = [PayoutState.SENT, PayoutState.REVERSED]

STANDS = {
    "no_account": "No Stripe account",
    "not_payable": "Stripe cannot pay",
    "gnosis_safe": "Gnosis Safe, refused",
    "unchecked": "Not asked yet",
    "payable": "Can be paid",
    "suspended": "Suspended",
}
TONES = {
    "payable": "positive",
    "not_payable": "warning",
    "no_account": "warning",
    "gnosis_safe": "warning",
    "suspended": "danger",
}
WAITS = "&".join(
    f"stands={each}" for each in ("unknown", "needs_approval", "failed", "on_hold", "pending", "ready", "sending")
)
CANNOT = ("no_account", "not_payable", "gnosis_safe")

stands_now = case(
    (~Expert.is_active, "suspended"),
    (Expert.payout_method == PayoutMethod.GNOSIS_SAFE, "gnosis_safe"),
    (Expert.stripe_account_id.is_(None), "no_account"),
    (Expert.can_be_paid.is_(None), "unchecked"),
    (Expert.can_be_paid.is_(True), "payable"),
    else_="not_payable",
)
_PAY = (
    select(
        Payout.expert_id,
        func.sum(Payout.amount_cents - Payout.reversed_cents).filter(Payout.state.in_(SENT)).label("sent"),
        func.sum(Payout.amount_cents).filter(Payout.state.not_in(SENT)).label("waits"),
    )
    .group_by(Payout.expert_id)
    .subquery("pay")
)


def _cents(sum_: ColumnElement[Any]) -> ColumnElement[int]:
    """A sum of big integers is numeric, which no amount is."""
    return cast(func.coalesce(sum_, 0), BigInteger)


def why_not(stands: str, reason: str | None) -> str:
    """As a sentence; empty where the expert can be paid, or nobody knows better."""
    match stands:
        case "suspended":
            return capital(why("expert_suspended"))
        case "gnosis_safe":
            return capital(why("gnosis_safe_disabled"))
        case "no_account":
            return "Open an account at Stripe with them, and enter its id"
        case "not_payable":
            return capital(why_not_payable(reason))
        case _:
            return ""


def _says_why(row: Row[Any]) -> str:
    return why_not(row.stands, row.reason)


LISTING = Listing(
    name=ROOM,
    title="Experts",
    noun=("expert", "experts"),
    path=EXPERTS,
    capability=READ,
    rows=select().select_from(Expert).outerjoin(_PAY, _PAY.c.expert_id == Expert.id),
    key=Expert.id,
    order="name",
    columns=(
        Column("name", "Expert", Expert.name, sorts=True),
        Column("stands", "Payable", stands_now, Kind.CHIP, say=lambda row: STANDS[row.stands], tone=TONES),
        Column("why", "Why not", Expert.cannot_be_paid_reason, say=_says_why, wraps=True),
        Column("account", "Stripe account", Expert.stripe_account_id, Kind.ID),
        Column(
            "sent",
            "Pay sent, AUD",
            _cents(_PAY.c.sent),
            Kind.MONEY,
            sorts=True,
            sums=True,
            path=lambda row: f"{PAYOUTS}?stands=sent&expert={row.id}" if row.sent else "",
        ),
        Column(
            "waits",
            "Pay that waits, AUD",
            _cents(_PAY.c.waits),
            Kind.MONEY,
            sorts=True,
            sums=True,
            path=lambda row: f"{PAYOUTS}?{WAITS}&expert={row.id}" if row.waits else "",
        ),
        Column("checked", "Stripe asked", Expert.payability_checked_at, Kind.AGO),
        Column("email", "E-mail", Expert.email, is_extra=True),
        Column("abn", "ABN", Expert.abn, is_extra=True),
        Column("method", "Method", Expert.payout_method, Kind.WORD, is_extra=True),
        Column("added", "Added", Expert.created_at, Kind.AGO, sorts=True, is_extra=True),
    ),
    also={"reason": Expert.cannot_be_paid_reason},
    filters=(
        Search(
            "q",
            "Name, e-mail, ABN, account or id",
            texts=(Expert.name, Expert.email, Expert.abn, Expert.stripe_account_id),
            ids=(Expert.id,),
        ),
        Choice("stands", "Payable", options=[Option(word, told, stands_now == word) for word, told in STANDS.items()]),
        Days("added", "Added", column=Expert.created_at),
    ),
    tabs=(
        Tab("All"),
        Tab("Cannot be paid", "&".join(f"stands={each}" for each in CANNOT) + "&sort=-waits"),
        Tab("Suspended", "stands=suspended"),
    ),
    document=lambda row: f"{EXPERTS}/{row.id}",
    links=(("New expert", f"{EXPERTS}/new", WRITE),),
    holds_personal_data=True,
    empty=Empty("No experts", "Add an expert, then name them in a board's participations.", "users"),
)

ROUTES = routes_of(LISTING)
