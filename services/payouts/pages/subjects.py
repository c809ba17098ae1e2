"""Where the activity leads from what operators changed in payouts, by the kind that the audit calls it."""

from collections.abc import Mapping

from chassis.console.doors import Door, at
from services.payouts.pages.words import EXPERTS, PAYOUTS, SPLITS

DOORS: Mapping[str, Door] = {
    "board": at(SPLITS + "/{}"),
    "expert": at(EXPERTS + "/{}"),
    "payout": at(PAYOUTS + "/{}"),
}
