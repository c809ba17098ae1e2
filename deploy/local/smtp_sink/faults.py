"""What goes wrong, on order: for whom, at which step, how often."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Stage(StrEnum):
    """`accepted` is after the mail was kept and before the sender is told so."""

    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    ACCEPTED = "accepted"


class Action(StrEnum):
    REFUSE = "refuse"
    DEFER = "defer"
    SLOW = "slow"
    DROP = "drop"


DEFAULT_ANSWERS = {Action.REFUSE: "550 5.1.1 No such mailbox here", Action.DEFER: "451 4.3.0 Try again later"}


class Fault(BaseModel):
    """`recipient` and `sender` are addresses or, as `@quiet.example`, domains; None is anyone.

    `drop` at `accepted` is the lost answer: the mail is kept, the sender cannot know. `times` None is for ever.
    """

    model_config = ConfigDict(extra="forbid")

    action: Action
    stage: Stage = Stage.RCPT
    recipient: str | None = None
    sender: str | None = None
    answer: str | None = Field(None, pattern=r"^[45]\d\d .+", description="the whole line, code first")
    seconds: float = Field(1, ge=0, le=600, description="of `slow`")
    times: int | None = Field(None, ge=1)

    @property
    def line(self) -> str:
        return self.answer or DEFAULT_ANSWERS.get(self.action, "")

    def concerns(self, stage: Stage, sender: str, recipients: tuple[str, ...]) -> bool:
        if stage is not self.stage or not _is_named(self.sender, sender):
            return False
        return self.recipient is None or any(_is_named(self.recipient, recipient) for recipient in recipients)


class Faults:
    def __init__(self) -> None:
        self.ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        self.ordered.append(fault)

    def clear(self) -> None:
        self.ordered.clear()

    def take(self, stage: Stage, sender: str, recipients: tuple[str, ...]) -> Fault | None:
        """The first that concerns this step; a counted one is used up."""
        for fault in self.ordered:
            if fault.concerns(stage, sender, recipients):
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times == 0:
            self.ordered.remove(fault)


def _is_named(pattern: str | None, address: str) -> bool:
    if pattern is None:
        return True
    pattern, address = pattern.casefold(), address.casefold()
    return address.endswith(pattern) if pattern.startswith("@") else address == pattern
