"""What can be done with an item of the exception queue, one entry a deed: its form, its command and its words.

The item's page draws them in this order, `exception_routes` takes their forms, `exception_bulk` does some to many.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.console.actions import Action
from chassis.console.fields import FieldKind, FormField, instant_of
from chassis.console.wording import counted
from services.routing.commands.exceptions import (
    AssignByHand,
    ResolveException,
    RetryDispatch,
    assign_by_hand,
    resolve_exception,
    retry_dispatch,
)
from services.routing.commands.owning import (
    ClaimException,
    HandOverException,
    UnassignException,
    claim_exception,
    hand_over_exception,
    unassign_exception,
)
from services.routing.commands.rejecting import RejectException, reject_exception
from services.routing.commands.snoozing import SnoozeException, WakeException, snooze_exception, wake_exception
from services.routing.domain.queue import QueueAction
from services.routing.pages.exception_file import ItemFile
from services.routing.pages.exception_forms import (
    REJECT_FIELDS,
    SNOOZE_FIELDS,
    WHY_DECIDED,
    AssignForm,
    HandOverForm,
    RejectForm,
    ResolveForm,
    SeenForm,
    SnoozeForm,
    UnassignForm,
    WhyForm,
    hand_over_note,
    owner_field,
)
from services.routing.pages.reasons import REASON, WHY
from services.routing.pages.telling import EXCEPTIONS as PATH

FormT = TypeVar("FormT", bound=SeenForm)
CommandT = TypeVar("CommandT")


@dataclass(frozen=True, slots=True)
class Asked(Generic[FormT]):
    """Of which item it is asked, with what is filled in, by whom. `zone` is of the clocks by which they wrote."""

    item_id: UUID
    form: FormT
    by: Actor
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Deed(Generic[FormT, CommandT]):
    """`effect` stands before the button, `done` after it was pressed. What depends on the item asks its file."""

    action: QueueAction
    label: str
    form: type[FormT]
    command: Callable[[Asked[FormT]], CommandT]
    run: Callable[[AsyncSession, CommandT, datetime], Awaitable[object]]
    fields: Sequence[FormField] | Callable[[ItemFile], Sequence[FormField]] = ()
    effect: str | Callable[[ItemFile], str] = ""
    done: str | Callable[[ItemFile], str] = ""
    is_shown: Callable[[ItemFile], bool] = lambda file: file.item.is_open
    destroys: bool = False

    async def do(self, session: AsyncSession, asked: Asked[FormT], now: datetime) -> None:
        await self.run(session, self.command(asked), now)

    def drawn(self, file: ItemFile) -> Action:
        return Action(
            self.action,
            self.label,
            f"{PATH}/{file.item.id}/{self.action}",
            effect=self.effect(file) if callable(self.effect) else self.effect,
            fields=self.fields(file) if callable(self.fields) else self.fields,
            hidden={"seen": file.seen},
            done=self.done(file) if callable(self.done) else self.done,
            destroys=self.destroys,
            **file.may(self.action),
        )


RETRY = Deed(
    QueueAction.RETRY,
    "Retry dispatch",
    form=WhyForm,
    command=lambda asked: RetryDispatch(asked.item_id, asked.by, asked.form.reason),
    run=retry_dispatch,
    fields=(WHY_DECIDED,),
    effect=lambda file: (
        f"Offers {counted(file.free_shares, 'free share', 'free shares')} again, by the rules and caps of now. "
        "Each installer that is chosen gets the lead by its channel and is billed once it is sent."
    ),
    done="Dispatch was run again: the newest decision says what came of it",
    is_shown=lambda _: True,
)
ASSIGN = Deed(
    QueueAction.ASSIGN,
    "Assign by hand",
    form=AssignForm,
    command=lambda asked: AssignByHand(
        asked.item_id,
        tuple(dict.fromkeys(asked.form.installer_ids)),
        asked.by,
        asked.form.reason,
        asked.form.override_cap,
    ),
    run=assign_by_hand,
    fields=lambda file: (
        FormField("installer_ids", "Installers", FieldKind.CHOICES, options=file.installers),
        FormField("override_cap", "Beyond their caps", FieldKind.CHECK, hint="Needs a reason"),
        WHY_DECIDED,
    ),
    effect=lambda file: (
        f"Gives it to {counted(file.free_shares, 'installer', 'installers')} at the most, whatever the "
        "territory; each is billed once it is sent."
    ),
    done="Assigned: the lead is on its way",
    is_shown=lambda _: True,
)
CLAIM = Deed(
    QueueAction.CLAIM,
    "Claim",
    form=WhyForm,
    command=lambda asked: ClaimException(asked.item_id, asked.by, asked.form.reason),
    run=claim_exception,
    fields=(WHY,),
    effect="You see to it from now on; it stands among what is yours.",
    done="Claimed: it is yours",
)
HAND_OVER = Deed(
    QueueAction.HAND_OVER,
    "Hand over",
    form=HandOverForm,
    command=lambda asked: HandOverException(asked.item_id, asked.form.owner_id, asked.form.note, asked.by),
    run=hand_over_exception,
    fields=lambda file: (owner_field(file.owners), hand_over_note(is_owned=file.item.owner_name is not None)),
    effect=lambda file: (
        f"{file.item.owner_name} has it no more."
        if file.item.owner_name
        else "Gives it to an operator. No mail tells them of it."
    ),
    done=lambda file: f"{file.item.owner_name or 'Nobody'} has it now",
)
UNASSIGN = Deed(
    QueueAction.UNASSIGN,
    "Let go",
    form=UnassignForm,
    command=lambda asked: UnassignException(asked.item_id, asked.form.note, asked.by),
    run=unassign_exception,
    fields=(FormField("note", "Note", FieldKind.PROSE, hint="Stands in the timeline"),),
    effect=lambda file: (
        "It is nobody’s then, and somebody is called if it stays so for too long."  # noqa: RUF001  # as print has it
        + (" It wakes, as only what somebody has may sleep." if file.is_snoozed else "")
    ),
    done="Nobody has it now",
    is_shown=lambda file: file.item.is_open and file.item.owner_id is not None,
)
SNOOZE = Deed(
    QueueAction.SNOOZE,
    "Snooze",
    form=SnoozeForm,
    command=lambda asked: SnoozeException(
        asked.item_id, instant_of(asked.form.until, asked.zone), asked.form.note, asked.by
    ),
    run=snooze_exception,
    fields=SNOOZE_FIELDS,
    effect=lambda file: (
        "Until then nothing is tried and nobody is called. It wakes by itself."
        + ("" if file.item.owner_id else " Nobody has it: it becomes yours.")
    ),
    done="Snoozed",
    is_shown=lambda file: file.item.is_open and not file.is_snoozed,
)
WAKE = Deed(
    QueueAction.WAKE,
    "Wake",
    form=WhyForm,
    command=lambda asked: WakeException(asked.item_id, asked.by, asked.form.reason),
    run=wake_exception,
    fields=(WHY,),
    effect="It waits in the queue again from now on.",
    done="Awake: it waits in the queue again",
    is_shown=lambda file: file.item.is_open and file.is_snoozed,
)
REJECT = Deed(
    QueueAction.REJECT,
    "Reject the lead",
    form=RejectForm,
    command=lambda asked: RejectException(asked.item_id, asked.form.reason, asked.form.note, asked.by),
    run=reject_exception,
    fields=REJECT_FIELDS,
    effect="Closes the lead for good: nobody gets it, and its source is told so.",
    done="Rejected: the lead is being closed",
    destroys=True,
)
RESOLVE = Deed(
    QueueAction.RESOLVE,
    "Set aside",
    form=ResolveForm,
    command=lambda asked: ResolveException(asked.item_id, asked.form.reason, asked.by),
    run=resolve_exception,
    fields=(REASON,),
    effect="Takes it out of the queue; the lead stays as it is, and nobody is charged.",
    done="Set aside",
    is_shown=lambda _: True,
)
DEEDS: tuple[Deed[Any, Any], ...] = (RETRY, ASSIGN, CLAIM, HAND_OVER, UNASSIGN, SNOOZE, WAKE, REJECT, RESOLVE)


def actions_of(file: ItemFile) -> list[Action]:
    return [deed.drawn(file) for deed in DEEDS if deed.is_shown(file)]


def past_actions_of(file: ItemFile) -> list[Action]:
    """Some leave the item where it does not offer them any more: what they say when they are done is told there."""
    return [deed.drawn(file) for deed in DEEDS if not deed.is_shown(file)]
