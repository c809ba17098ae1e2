"""The sections of an assignment's page: the decision that gave it."""

from chassis.console.documents import Part
from services.routing.http.lead_views import DecisionView
from services.routing.models import Decision
from services.routing.pages.assignment_page import AssignmentPage


async def decision(page: AssignmentPage) -> Part:
    made_by = DecisionView.of(await page.session.get_one(Decision, page.made.decision_id))
    return Part("Its decision", "decisions.html", {"decisions": [made_by], "dispatch": page.dispatch_path})
