"""The sections of an assignment's page: what became of its delivery, and the decision that gave it."""

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Part, Table
from chassis.console.wording import words
from services.routing.domain.returns import ReturnState
from services.routing.domain.webhooks import DeliveryState
from services.routing.http.lead_views import DecisionView
from services.routing.models import Decision
from services.routing.pages.assignment_page import AssignmentPage
from services.routing.pages.return_words import RULES, STATES, TONES, last_day
from services.routing.pages.telling import RETURNS, STEP_TONES, answered, told_answer
from services.routing.queries import returns as queries
from services.routing.queries import sending


async def return_waits(page: AssignmentPage) -> Note | None:
    for asked in await queries.of_assignment(page.session, page.made.id):
        if asked.state is ReturnState.REQUESTED:
            path = f"{RETURNS}/{asked.id}"
            title = f"{page.made.installer_name} wants to give it back: {words(asked.code).lower()}"
            until = last_day(asked.decide_by).html(page.console.wording)
            return Note(title, f"It is to be decided by the end of {until}.", "warning", [("Decide the return", path)])
    return None


async def returns(page: AssignmentPage) -> Table:
    found = await queries.of_assignment(page.session, page.made.id)
    return Table(
        "Returns",
        (("Because", Kind.TEXT), ("State", Kind.CHIP), ("Asked for", Kind.AGO), ("What the rule sees", Kind.TEXT)),
        [
            (
                Shown(words(asked.code), path=f"{RETURNS}/{asked.id}"),
                Shown(STATES[asked.state], Kind.CHIP, TONES.get(asked.state, "")),
                Shown(asked.requested_at, Kind.AGO),
                RULES[asked.rule_reason],
            )
            for asked in found
        ],
        empty="Nobody has asked for it to go back.",
    )


async def decision(page: AssignmentPage) -> Part:
    made_by = DecisionView.of(await page.session.get_one(Decision, page.made.decision_id))
    return Part("Its decision", "decisions.html", {"decisions": [made_by], "dispatch": page.dispatch_path})


async def delivery_log(page: AssignmentPage) -> Table:
    """What a server said is not kept, as it could name people: its number is."""
    entries = await sending.log_of(page.session, page.made.id)
    return Table(
        "Delivery log",
        (
            ("At", Kind.INSTANT),
            ("Channel", Kind.WORD),
            ("What came of it", Kind.CHIP),
            ("Because", Kind.WORD),
            ("Answer", Kind.TEXT),
        ),
        [
            (
                Shown(entry.at, Kind.INSTANT),
                Shown(entry.channel, Kind.WORD),
                Shown(entry.what, Kind.CHIP, tones=STEP_TONES),
                "Its answer" if answered(entry.reason_code) else Shown(entry.reason_code, Kind.WORD),
                Shown(told_answer(entry.channel, entry.status, entry.enhanced_status)),
            )
            for entry in entries
        ],
        empty="Nothing has come back yet." if page.made.sent_at is None else "It was delivered before this was kept.",
        note=await _next_try(page),
    )


async def _next_try(page: AssignmentPage) -> str:
    delivery = await sending.delivery_of(page.session, page.made.id)
    if delivery is None or delivery.state is not DeliveryState.WAITING or not delivery.attempts:
        return ""
    return (
        f"Tried again at {page.console.wording.exact(delivery.next_attempt_at)}, unless its channel holds leads back."
    )
