"""What can be done with an item of the exception queue on its page, each with what it says before it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console.actions import Action, WhyNot, refused
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import seen_of
from chassis.console.wording import counted, words
from chassis.http import Operator
from services.routing.domain.queue import QueueAction
from services.routing.domain.waiting import is_snoozed
from services.routing.http.lead_views import CandidateView, DecisionView, DispatchView, obstacles_of
from services.routing.models import Dispatch, DispatchException
from services.routing.pages.exception_forms import (
    REASON,
    REJECT_FIELDS,
    SNOOZE_NOTE,
    WRITE,
    hand_over_note,
    owner_field,
)
from services.routing.pages.telling import EXCEPTIONS as PATH
from services.routing.queries import installers

MOST_OTHERS = 100
"""Offered by hand beside those whom dispatch asked."""
VERBS = {
    "claim_exception": "claimed it",
    "hand_over_exception": "handed it over",
    "unassign_exception": "let go of it",
    "snooze_exception": "snoozed it",
    "wake_exception": "woke it",
    "reject_exception": "rejected the lead",
    "escalate_exception": "escalated it: nobody had seen to it in time",
}


@dataclass(frozen=True)
class ItemFile:
    """An item with its lead and all that was decided of it, as its page is made of them."""

    session: AsyncSession
    operator: Operator
    item: DispatchException
    dispatch: Dispatch
    lead: DispatchView
    decided: Sequence[DecisionView]
    now: datetime

    @cached_property
    def is_snoozed(self) -> bool:
        return is_snoozed(self.item.snoozed_until, self.now)

    @property
    def free_shares(self) -> int:
        return self.lead.shares_wanted - self.lead.shares_live

    def may(self, action: QueueAction) -> WhyNot:
        obstacle = obstacles_of(self.item, self.dispatch, self.free_shares, self.now)[action]
        return refused(self.operator, WRITE, obstacle)

    def path(self, action: QueueAction) -> str:
        return f"{PATH}/{self.item.id}/{action}"


async def deeds_of(file: ItemFile) -> list[Action]:
    hidden = {"seen": await seen_of(file.session, Subject("dispatch_exception", file.item.id))}
    if not file.item.is_open:
        return [_retry(file, hidden), await _assign(file, hidden), _resolve(file, hidden)]
    owning = (_claim(file, hidden), await _hand_over(file, hidden), _unassign(file, hidden))
    sleeping = _wake(file, hidden) if file.is_snoozed else _snooze(file, hidden)
    return [
        _retry(file, hidden),
        await _assign(file, hidden),
        *(owning if file.item.owner_id else owning[:2]),
        sleeping,
        _reject(file, hidden),
        _resolve(file, hidden),
    ]


def past_deeds_of(file: ItemFile) -> list[Action]:
    """Those that leave the item where it does not offer them."""
    return [deed(file, {}) for deed in (_unassign, _snooze, _wake, _reject)]


def _retry(file: ItemFile, hidden: dict[str, str]) -> Action:
    return Action(
        QueueAction.RETRY,
        "Retry dispatch",
        file.path(QueueAction.RETRY),
        effect=(
            f"Offers {counted(file.free_shares, 'free share', 'free shares')} again, by the rules and caps of now. "
            "Each installer that is chosen gets the lead by its channel and is billed once it is sent."
        ),
        hidden=hidden,
        done="Dispatch was run again: the newest decision says what came of it",
        **file.may(QueueAction.RETRY),
    )


async def _assign(file: ItemFile, hidden: dict[str, str]) -> Action:
    options = await _installers(file)
    why_not = file.may(QueueAction.ASSIGN)
    if not why_not and not options:
        why_not = {"why_not": f"nobody does {words(file.lead.service).lower()}"}
    return Action(
        QueueAction.ASSIGN,
        "Assign by hand",
        file.path(QueueAction.ASSIGN),
        effect=f"Gives it to {counted(file.free_shares, 'installer', 'installers')} at the most, whatever the "
        "territory; each is billed once it is sent.",
        fields=(
            FormField("installer_ids", "Installers", FieldKind.CHOICES, options=options),
            FormField("override_cap", "Beyond their caps", FieldKind.CHECK, hint="Needs a reason"),
            FormField("reason", "Reason", FieldKind.PROSE, hint="Stands in the decision"),
        ),
        hidden=hidden,
        done="Assigned: the lead is on its way",
        **why_not,
    )


async def _installers(file: ItemFile) -> list[tuple[str, str]]:
    """Who may be chosen by hand: those whom the newest decision passed over, then all others that do its service."""
    candidates = file.decided[-1].candidates if file.decided else []
    known = {each.installer_id for each in candidates} | {each.installer_id for each in file.lead.assignments}
    others = await installers.others_that_do(file.session, file.lead.service, known, MOST_OTHERS)
    return [
        *((str(each.installer_id), _candidate(each)) for each in candidates if not each.is_chosen),
        *((str(id_), f"{name} (outside its area, or added since)") for id_, name in others),
    ]


def _candidate(candidate: CandidateView) -> str:
    return f"{candidate.installer_name} ({words(candidate.obstacle or 'eligible').lower()})"


def _claim(file: ItemFile, hidden: dict[str, str]) -> Action:
    return Action(
        QueueAction.CLAIM,
        "Claim",
        file.path(QueueAction.CLAIM),
        effect="You see to it from now on; it stands among what is yours.",
        hidden=hidden,
        done="Claimed: it is yours",
        **file.may(QueueAction.CLAIM),
    )


async def _hand_over(file: ItemFile, hidden: dict[str, str]) -> Action:
    owner = file.item.owner_name
    return Action(
        QueueAction.HAND_OVER,
        "Hand over",
        file.path(QueueAction.HAND_OVER),
        effect=f"{owner} has it no more." if owner else "Gives it to an operator. No mail tells them of it.",
        fields=(
            await owner_field(file.session, but=file.item.owner_id),
            hand_over_note(is_owned=owner is not None),
        ),
        hidden=hidden,
        done=f"{owner or 'Nobody'} has it now",
        **file.may(QueueAction.HAND_OVER),
    )


def _unassign(file: ItemFile, hidden: dict[str, str]) -> Action:
    return Action(
        QueueAction.UNASSIGN,
        "Let go",
        file.path(QueueAction.UNASSIGN),
        effect="It is nobody’s then, and somebody is called if it stays so for too long.",  # noqa: RUF001  # as print has it
        fields=(FormField("note", "Note", FieldKind.PROSE, hint="Stands in the timeline"),),
        hidden=hidden,
        done="Nobody has it now",
        **file.may(QueueAction.UNASSIGN),
    )


def _snooze(file: ItemFile, hidden: dict[str, str]) -> Action:
    return Action(
        QueueAction.SNOOZE,
        "Snooze",
        file.path(QueueAction.SNOOZE),
        effect="Until then nothing is tried and nobody is called. It wakes by itself.",
        fields=(FormField("until", "Until", FieldKind.MOMENT, is_required=True), SNOOZE_NOTE),
        hidden=hidden,
        done="Snoozed",
        **file.may(QueueAction.SNOOZE),
    )


def _wake(file: ItemFile, hidden: dict[str, str]) -> Action:
    return Action(
        QueueAction.WAKE,
        "Wake",
        file.path(QueueAction.WAKE),
        effect="It waits in the queue again from now on.",
        hidden=hidden,
        done="Awake: it waits in the queue again",
        **file.may(QueueAction.WAKE),
    )


def _reject(file: ItemFile, hidden: dict[str, str]) -> Action:
    return Action(
        QueueAction.REJECT,
        "Reject the lead",
        file.path(QueueAction.REJECT),
        effect="Closes the lead for good: nobody gets it, and its source is told so.",
        fields=REJECT_FIELDS,
        hidden=hidden,
        done="Rejected: the lead is being closed",
        destroys=True,
        **file.may(QueueAction.REJECT),
    )


def _resolve(file: ItemFile, hidden: dict[str, str]) -> Action:
    return Action(
        QueueAction.RESOLVE,
        "Set aside",
        file.path(QueueAction.RESOLVE),
        effect="Takes it out of the queue; the lead stays as it is, and nobody is charged.",
        fields=(REASON,),
        hidden=hidden,
        done="Set aside",
        **file.may(QueueAction.RESOLVE),
    )
