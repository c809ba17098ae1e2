"""What routing knows of a lead, for the lead's own page: who could have it, and who has it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind, Shown, chip
from chassis.console.desk import About
from chassis.console.documents import Section, Table, Told
from chassis.console.wording import DASH, counted, sentence, words
from contracts.identity import Capability
from services.routing.http.lead_views import CandidateView, DecisionView
from services.routing.models import Assignment
from services.routing.pages.telling import ASSIGNMENT_TONES, ASSIGNMENTS, CAP_TONES, DISPATCHES, INSTALLERS
from services.routing.queries import assignments, dispatches, installers

HEADS = (("Installer", Kind.TEXT), ("State", Kind.CHIP), ("Cap", Kind.CHIP), ("Given", Kind.AGO), ("Sent", Kind.AGO))


async def _tell_lead(session: AsyncSession, lead_id: UUID, _now: datetime) -> list[Section]:
    made = await assignments.of_lead(session, lead_id)
    names = await installers.names_of(session, [each.installer_id for each in made])
    decided = await dispatches.decisions_of(session, lead_id)
    latest = DecisionView.of(decided[-1]) if decided else None
    return [
        Table(
            "Assignments",
            (
                ("Installer", Kind.TEXT),
                ("State", Kind.CHIP),
                ("Cap", Kind.CHIP),
                ("Given", Kind.AGO),
                ("Sent", Kind.AGO),
            ),
            [_assignment(each, names[each.installer_id]) for each in made],
            empty="No installer has had it.",
        ),
        Table(
            "Decision" if latest is None else f"Decision, attempt {latest.attempt_no}: {sentence(latest.summary)}",
            (("Candidate", Kind.TEXT), ("Outcome", Kind.CHIP), ("In its way", Kind.TEXT), ("Rank", Kind.NUMBER)),
            [_candidate(each) for each in latest.candidates] if latest else [],
            empty="Nobody was a candidate." if latest else "Dispatch has not decided about it.",
            more=(f"Every rule of {counted(len(decided), 'attempt', 'attempts')}", f"{DISPATCHES}/{lead_id}")
            if decided
            else None,
        ),
    ]


def _assignment(made: Assignment, name: str) -> tuple[Shown, ...]:
    return (
        Shown(name, path=f"{ASSIGNMENTS}/{made.id}"),
        Shown(made.status, Kind.CHIP, tones=ASSIGNMENT_TONES),
        Shown(made.cap_state, Kind.CHIP, tones=CAP_TONES),
        Shown(made.created_at, Kind.AGO),
        Shown(made.sent_at, Kind.AGO),
    )


def _candidate(candidate: CandidateView) -> tuple[Told, ...]:
    outcome = ("Chosen", "positive") if candidate.is_chosen else ("Eligible", "info") if candidate.is_eligible else None
    return (
        Shown(candidate.installer_name, path=f"{INSTALLERS}/{candidate.installer_id}"),
        chip(*outcome) if outcome else chip("Not eligible"),
        words(candidate.obstacle) if candidate.obstacle else DASH,
        Shown(candidate.rank),
    )


ABOUT = (About("lead", Capability.READ_OPS, _tell_lead),)
