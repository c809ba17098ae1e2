"""What can be done with a payout, told with its effect before and what came of it after."""

from chassis.console.actions import Action, WhyNot, refused
from chassis.console.fields import FieldKind, FormField, dollars
from chassis.console.wording import Wording, money
from chassis.http import Operator
from chassis.ids import new_id
from services.payouts.domain import PayoutDeed, PayoutState
from services.payouts.http.payout_views import Look
from services.payouts.pages.words import PAYOUTS, WRITE, why
from services.payouts.settings import Settings

REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline")


def actions(look: Look, operator: Operator, settings: Settings, wording: Wording, asker: str) -> list[Action]:
    return [
        _run(look, _refusal(look, operator, PayoutDeed.RUN), settings, wording, asker),
        _release(look, _refusal(look, operator, PayoutDeed.RELEASE)),
        _reverse(look, _refusal(look, operator, PayoutDeed.REVERSE)),
    ]


def _refusal(look: Look, operator: Operator, deed: PayoutDeed) -> WhyNot:
    obstacle = look.obstacles[deed]
    return refused(operator, WRITE, obstacle.text if obstacle else None)


def _path(look: Look, deed: PayoutDeed) -> str:
    return f"{PAYOUTS}/{look.payout.id}/{deed}"


def _run(look: Look, refusal: WhyNot, settings: Settings, wording: Wording, asker: str) -> Action:
    amount, account = money(look.payout.amount_cents), look.expert.stripe_account_id
    whither = f"{amount} to {look.expert.name}'s account {account} at Stripe, ahead of the sweep"
    if look.approval is None or look.payout.state is not PayoutState.READY:
        label = "Ask to send now"
        effect = (
            f"Asks to send {whither}. Nothing moves until a second operator approves it, which they can for "
            f"{settings.approval_hours} hours."
        )
    else:
        label = "Approve and send now"
        effect = f"Sends {whither}. {asker} asked for it {wording.exact(look.approval.requested_at)}."
    return Action(
        PayoutDeed.RUN, label, _path(look, PayoutDeed.RUN), effect=effect, done=_after_run(look, wording), **refusal
    )


def _after_run(look: Look, wording: Wording) -> str:
    match look.payout.state:
        case PayoutState.SENT:
            return "Sent to Stripe"
        case PayoutState.READY if look.approval is not None:
            return f"Asked for: a second operator can approve it until {wording.exact(look.approval.expires_at)}"
        case PayoutState.SENDING:
            return "Under way: Stripe's answer is to come"
        case _:
            return f"Not sent: {why(look.payout.reason_code)}" if look.payout.reason_code else ""


def _release(look: Look, refusal: WhyNot) -> Action:
    payout = look.payout
    goes = "the next sweep may send it" if payout.invoice_id else "it waits for its client's payment again"
    asked = (
        " Stripe is asked first whether it did go after all; if it did, it is sent and stays so."
        if payout.state is PayoutState.FAILED
        else ""
    )
    return Action(
        PayoutDeed.RELEASE,
        "Release",
        _path(look, PayoutDeed.RELEASE),
        effect=f"Says that what stopped it is cured: {goes}.{asked}",
        fields=(REASON,),
        done="It had gone after all: it is sent" if payout.state is PayoutState.SENT else f"Released: {goes}",
        **refusal,
    )


def _reverse(look: Look, refusal: WhyNot) -> Action:
    payout = look.payout
    left = payout.amount_cents - payout.reversed_cents
    open_ = look.open_attempt
    return Action(
        PayoutDeed.REVERSE,
        "Take back",
        _path(look, PayoutDeed.REVERSE),
        effect=(
            f"Takes money back from the expert's balance at Stripe: all {money(left)} that is left, or a part. Stripe "
            "refuses what their balance does not hold. It cannot be undone: what is taken back is not sent again."
        ),
        fields=(
            FormField("amount", "Amount, AUD", FieldKind.MONEY, dollars(left), is_required=True),
            REASON,
        ),
        # Sent twice, as by an impatient hand, it takes back once.
        hidden={"reversal_id": str(new_id())},
        done="Asked for: Stripe's answer is to come" if open_ else f"Taken back, {money(left)} stays sent",
        destroys=True,
        **refusal,
    )
