"""A payout's page but for its deeds: what is in its way, what was asked of Stripe, what happened."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from chassis.console import Console
from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown, chip, link
from chassis.console.documents import Document, Fact, Note, Table, Told
from chassis.console.timeline import Moment
from chassis.console.wording import DASH, MINUS, money, span
from services.payouts.domain import LOOKED_AT_AGAIN, AttemptKind, AttemptOutcome, Gate, PayoutState
from services.payouts.http.payout_views import Look
from services.payouts.models import Attempt
from services.payouts.pages.payouts import METHODS, QUEUE, ROOM
from services.payouts.pages.words import (
    EXPERTS,
    NEEDS_APPROVAL,
    SPLITS,
    TOLD_TO_THE_EXPERT,
    UNKNOWN,
    capital,
    stands_chip,
    why,
    why_not_payable,
)
from services.payouts.settings import Settings
from services.payouts.sweeping import sweep_times

VERBS = {
    "request_payout": "asked for it to be sent by hand",
    "approve_payout": "approved it, and it was sent by hand",
    "release_payout": "released it",
    "reverse_payout": "took back from it",
    "correct_attempt": "looked, and found at Stripe what had been taken for refused",
}
GATES = {
    "client_paid": "Client has paid",
    "expert_active": "Expert is active",
    "method_enabled": "Paid by Stripe Connect",
    "account_known": "Stripe account is known",
}
OUTCOMES = {
    AttemptOutcome.PENDING: ("Asked", "info"),
    AttemptOutcome.SUCCEEDED: ("Done", "positive"),
    AttemptOutcome.REFUSED: ("Refused", "danger"),
    AttemptOutcome.UNKNOWN: ("Outcome unknown", "danger"),
}
KINDS = {AttemptKind.TRANSFER: "Transfer", AttemptKind.REVERSAL: "Reversal"}


def document(
    look: Look,
    settings: Settings,
    console: Console,
    *,
    asker: str,
    actions: Sequence[Action],
    timeline: Sequence[Moment],
) -> Document:
    payout = look.payout
    taken = f", {money(payout.reversed_cents)} of it taken back" if payout.reversed_cents else ""
    return Document(
        title=look.expert.name,
        room=ROOM,
        up=("Payouts", QUEUE),
        states=(stands_chip(stands_of(look), payout.reversed_cents),),
        sentence=_sentence(look, settings, console),
        amount=money(payout.amount_cents),
        amount_note=f"AUD{taken}",
        notes=list(_notes(look, console, asker)),
        facts=list(_facts(look, console)),
        actions=actions,
        sections=(_checklist(look, console), _attempts(look)),
        timeline=timeline,
    )


def stands_of(look: Look) -> str:
    if any(attempt.outcome is AttemptOutcome.UNKNOWN for attempt in look.attempts):
        return UNKNOWN
    if look.approval is not None and look.payout.state is PayoutState.READY:
        return NEEDS_APPROVAL
    return look.payout.state


def _sentence(look: Look, settings: Settings, console: Console) -> Markup:
    """What it is for, where it stands and since when, and what comes next by itself."""
    payout, now = look.payout, console.clock.now()
    sweep = console.wording.exact(sweep_times(settings)(now))
    reason = why(payout.reason_code)
    match payout.state:
        case PayoutState.PENDING:
            told = "waiting for the client to pay, and ready by itself then"
        case PayoutState.READY:
            told = f"due with the next sweep, {sweep}" + (f"; {reason}" if reason else "")
        case PayoutState.SENDING:
            told = "with Stripe, whose answer is looked up by itself"
        case PayoutState.SENT | PayoutState.REVERSED:
            told = f"sent to Stripe {console.wording.exact(payout.sent_at)}"
        case PayoutState.ON_HOLD:
            again = f". The sweep of {sweep} looks again" if payout.reason_code in LOOKED_AT_AGAIN else ""
            told = f"on hold: {reason}{again}"
        case _:
            told = f"failed: {reason}. It stays so until somebody releases it"
    so_long = "" if payout.state.was_sent else f" So for {span(now - payout.state_since)}."
    return Markup("Pay for {}, {}.{}").format(link(f"{SPLITS}/{look.board.id}", look.board.title), told, so_long)


def _notes(look: Look, console: Console, asker: str) -> Iterator[Note]:
    if stands_of(look) == UNKNOWN:
        yield Note(
            "Stripe's answer was lost",
            "The money may have moved. Stripe is asked again by itself until it is known; while it is not, nothing is "
            "sent under a new key, so that nobody is paid twice.",
            "danger",
        )
    if look.approval is not None and look.payout.state is PayoutState.READY:
        until = console.wording.exact(look.approval.expires_at)
        yield Note(
            "A second operator has to approve it",
            f"{asker} asked for it to be sent by hand. Another operator can approve it until {until}; without that it "
            "goes with the sweep.",
            "warning",
        )


def _facts(look: Look, console: Console) -> Iterator[Fact]:
    payout, expert = look.payout, look.expert
    invoice: Told = "Not paid yet"
    if payout.invoice_id is not None:
        path = console.addresses.url("billing", f"/console/client-invoices/{payout.invoice_id}")
        invoice = Shown(payout.invoice_id, Kind.ID, path=path)
    yield Fact("Expert", link(f"{EXPERTS}/{expert.id}", expert.name))
    yield Fact("Board", link(f"{SPLITS}/{look.board.id}", look.board.title))
    yield Fact("Client's invoice", invoice)
    yield Fact("What the expert reads", TOLD_TO_THE_EXPERT[payout.state])
    yield Fact("Method", METHODS[expert.payout_method])
    yield Fact("Stripe account", Shown(expert.stripe_account_id, Kind.ID))
    yield Fact("Stripe transfer", Shown(payout.stripe_transfer_id, Kind.ID))
    yield Fact("Sent", Shown(payout.sent_at, Kind.INSTANT))
    yield Fact("Payout id", Shown(str(payout.id), Kind.ID))


def _checklist(look: Look, console: Console) -> Table:
    """Our own gates, and what Stripe last said of the account: that is asked again at the send."""
    rows = [(GATES[gate.name], _passed(gate.is_open), capital(_in_the_way(gate))) for gate in look.gates]
    expert = look.expert
    if expert.can_be_paid is None:
        rows.append(("Stripe can pay the account", chip("Asked at the send"), DASH))
    else:
        asked = f"as of {console.wording.exact(expert.payability_checked_at)}"
        told = asked if expert.can_be_paid else f"{why_not_payable(expert.cannot_be_paid_reason)}, {asked}"
        rows.append(("Stripe can pay the account", _passed(expert.can_be_paid), capital(told)))
    return Table(
        "What must hold before it goes",
        (("Gate", Kind.TEXT), ("State", Kind.CHIP), ("In the way", Kind.TEXT)),
        rows,
    )


def _in_the_way(gate: Gate) -> str:
    return why(gate.reason_code) or DASH


def _passed(is_open: bool) -> Markup:
    return chip("Passed", "positive") if is_open else chip("Blocks", "warning")


def _attempts(look: Look) -> Table:
    return Table(
        "Attempts at Stripe",
        (
            ("Attempt", Kind.TEXT),
            ("Outcome", Kind.CHIP),
            ("Amount, AUD", Kind.MONEY),
            ("Asked", Kind.INSTANT),
            ("What came of it", Kind.TEXT),
        ),
        [
            (
                f"{KINDS[each.kind]} {each.attempt_no}",
                chip(*OUTCOMES[each.outcome]),
                _signed(each),
                Shown(each.created_at, Kind.INSTANT),
                _result(each),
            )
            for each in look.attempts
        ],
        empty="Stripe was not asked for anything yet.",
    )


def _signed(attempt: Attempt) -> str:
    return (MINUS if attempt.kind is AttemptKind.REVERSAL else "") + money(attempt.amount_cents)


def _result(attempt: Attempt) -> Told:
    match attempt.outcome:
        case AttemptOutcome.SUCCEEDED:
            return Shown(attempt.stripe_id, Kind.ID)
        case AttemptOutcome.REFUSED:
            return f"Nothing moved: {why(attempt.refusal_code)}"
        case AttemptOutcome.UNKNOWN:
            return "Being looked up, never sent under a new key"
        case _:
            return "Its answer is to come"


def moments(look: Look) -> list[Moment]:
    """The latest first, also where several have one instant."""
    return list(_moments(look))[::-1]


def _moments(look: Look) -> Iterator[Moment]:
    payout = look.payout
    yield Moment(payout.created_at, "Waybill", f"allocated {money(payout.amount_cents)} at the board's close")
    if payout.invoice_id is not None and look.board.paid_at is not None:
        yield Moment(look.board.paid_at, "The client", "paid its invoice")
    for attempt in look.attempts:
        name = f"{KINDS[attempt.kind].lower()} {attempt.attempt_no}"
        yield Moment(attempt.created_at, "Waybill", f"asked Stripe for {name}", reason=attempt.reason or "")
        if attempt.settled_at is not None:
            said = "made" if attempt.outcome is AttemptOutcome.SUCCEEDED else "refused"
            reason = capital(why(attempt.refusal_code))
            yield Moment(attempt.settled_at, "Stripe", f"{said} {name}", reason=reason)
    if payout.state is PayoutState.ON_HOLD and not look.attempts:
        yield Moment(payout.state_since, "Waybill", "put it on hold", reason=capital(why(payout.reason_code)))
