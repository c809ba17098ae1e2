"""What an assignment's page offers to do with it, each with what it says before it is sent."""

from chassis.console.actions import Action, WhyNot, refused
from services.routing.domain.giving import AssignmentAction
from services.routing.http.lead_views import obstacles_on
from services.routing.pages.assignment_page import AssignmentPage
from services.routing.pages.assignments import WRITE, fields_of


async def cancel(page: AssignmentPage) -> Action:
    return Action(
        AssignmentAction.CANCEL,
        "Cancel assignment",
        f"{page.path}/cancel",
        effect=f"{page.made.installer_name} does not get the lead and is not billed; its place under the caps is free "
        "again. A lead that nobody else has comes into the exception queue.",
        fields=fields_of(AssignmentAction.CANCEL),
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
        fields=fields_of(AssignmentAction.RELEASE_CAP),
        done="Released: the delivery does not count against the caps any more",
        **_can(page, AssignmentAction.RELEASE_CAP),
    )


def _can(page: AssignmentPage, action: AssignmentAction) -> WhyNot:
    return refused(page.operator, WRITE, obstacles_on(page.made)[action])
