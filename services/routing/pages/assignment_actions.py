"""What an assignment's page offers to do with it, each with what it says before it is sent."""

from chassis.console.actions import Action, WhyNot, refused
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.ids import new_id
from services.routing.domain.giving import AssignmentAction
from services.routing.domain.returns import AskedBy, AskedVia, ReturnCode
from services.routing.pages.assignment_page import AssignmentPage
from services.routing.pages.assignments import CANCEL_FIELDS, RELEASE_FIELDS, WRITE


async def take_return(page: AssignmentPage) -> Action:
    return Action(
        AssignmentAction.TAKE_RETURN,
        "Take a return",
        f"{page.path}/returns",
        effect=f"{page.made.installer_name} wants to give the lead back. What the system knows of the delivery is "
        "collected; where a rule is sure it is decided at once, otherwise it waits among the returns.",
        fields=RETURN_FIELDS,
        hidden={"id": str(new_id())},
        done="Taken: what came of it stands below",
        **_can(page, AssignmentAction.TAKE_RETURN),
    )


RETURN_FIELDS = (
    FormField("code", "Because", FieldKind.CHOICE, is_required=True, options=options_of(ReturnCode)),
    FormField(
        "words",
        "What the installer says",
        FieldKind.PROSE,
        is_required=True,
        hint="How the sale went is no reason: no answer, changed mind, price",
        longest=1000,
    ),
    FormField(
        "asked_by", "Asked by", FieldKind.CHOICE, AskedBy.INSTALLER, is_required=True, options=options_of(AskedBy)
    ),
    FormField(
        "channel",
        "By",
        FieldKind.CHOICE,
        AskedVia.PHONE,
        is_required=True,
        options=options_of((AskedVia.PHONE, AskedVia.MAIL)),
    ),
)


async def cancel(page: AssignmentPage) -> Action:
    return Action(
        AssignmentAction.CANCEL,
        "Cancel assignment",
        f"{page.path}/cancel",
        effect=f"{page.made.installer_name} does not get the lead and is not billed; its place under the caps is free "
        "again. A lead that nobody else has comes into the exception queue.",
        fields=CANCEL_FIELDS,
        done="Cancelled: the lead is taken back",
        destroys=True,
        **_can(page, AssignmentAction.CANCEL),
    )


async def release_cap(page: AssignmentPage) -> Action:
    return Action(
        AssignmentAction.RELEASE_CAP,
        "Release place under the caps",
        f"{page.path}/release-cap",
        effect=f"The delivery stops counting against the caps of {page.made.installer_name}, once and for all. What "
        "it costs is untouched: a credit is given in billing.",
        fields=RELEASE_FIELDS,
        done="Released: the delivery does not count against the caps any more",
        **_can(page, AssignmentAction.RELEASE_CAP),
    )


def _can(page: AssignmentPage, action: AssignmentAction) -> WhyNot:
    return refused(page.operator, WRITE, page.obstacles[action])
