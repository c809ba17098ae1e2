"""What can be done with a thing, as its page shows it: with a form where it can, with the reason where it cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from chassis.console.fields import FormField
from chassis.http.auth import Operator
from contracts.identity import Capability, Role


@dataclass(frozen=True, slots=True)
class Action:
    """`why_not` is empty where it can be done. `effect` says before the button is pressed what will come of it.

    `done` is what the page says after it: a deed's form comes back to the page with `?done=<name>`. Those that follow
    each other in one `group` stand under it, where a page has many.
    """

    name: str
    label: str
    path: str
    why_not: str = ""
    who_can: str = ""
    effect: str = ""
    fields: Sequence[FormField] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    done: str = ""
    is_primary: bool = False
    destroys: bool = False
    group: str = ""

    @property
    def is_possible(self) -> bool:
        return not self.why_not


def holders_of(capability: str) -> str:
    """The roles that bring it, as a sentence names them: "Admins and super admins"."""
    roles = [role.value.replace("_", " ") + "s" for role in Role if capability in role.capabilities]
    told = " and ".join([", ".join(roles[:-1]), roles[-1]] if len(roles) > 1 else roles)
    return told[:1].upper() + told[1:]


class WhyNot(TypedDict, total=False):
    """An action's reason why it cannot be done, to be unpacked into it; empty where it can."""

    why_not: str
    who_can: str


def refused(operator: Operator, capability: Capability, why_not: str | None = None) -> WhyNot:
    """`why_not` and `who_can` of an action: the rule's reason first, then the capability that the operator lacks.

    Use as `Action(..., **refused(operator, Capability.WRITE_ROUTING, reason_or_none))`.
    """
    if why_not:
        return {"why_not": why_not}
    if not operator.can(capability):
        return {"why_not": f"Your role lacks {capability}", "who_can": f"{holders_of(capability)} can do it"}
    return {}
