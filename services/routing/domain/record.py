"""A decision as it is kept: JSON that reads the same in ten years, whatever became of the code."""

from services.routing.domain.decision import Assessment, Decision
from services.routing.domain.eligibility import compact
from services.routing.domain.ordering import NEVER, OrderingKey


def record_of(decision: Decision) -> str:
    """A list of every candidate with its verdicts, the eligible first and in their order."""
    return f"[{','.join(map(_candidate, decision.assessments))}]"


def _candidate(assessment: Assessment) -> str:
    candidate = assessment.standing.candidate
    head = {
        "installer_id": str(candidate.id),
        "installer_name": candidate.name,
        "installer_version": candidate.version,
        "time_zone": candidate.time_zone,
        "is_eligible": assessment.obstacle is None,
        "is_chosen": assessment.is_chosen,
        "rank": assessment.rank,
        "obstacle": assessment.obstacle.rule if assessment.obstacle else None,
        "ordering_key": _ordering(assessment.key) if assessment.key else None,
    }
    verdicts = ",".join([verdict.text for verdict in assessment.verdicts])
    return f'{compact(head)[:-1]},"verdicts":[{verdicts}]}}'


def _ordering(key: OrderingKey) -> dict[str, object]:
    last = None if key.last_turn is NEVER else key.last_turn
    return {
        "cycle_share_ppm": key.share_ppm,
        "last_assigned_at": last.at.isoformat() if last else None,
        "last_assigned_place": last.place if last else None,
        "tie_break": f"{key.tie_break:016x}",
    }
