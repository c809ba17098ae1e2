"""A decision as it is kept: JSON that reads the same in ten years, whatever became of the code."""

from services.routing.domain.decision import Assessment, Decision
from services.routing.domain.eligibility import compact
from services.routing.domain.ordering import NEVER, OrderingKey


def record_of(decision: Decision) -> str:
    """A list of every candidate with its verdicts, the eligible first and in their order."""
    return f"[{','.join(map(_candidate, decision.assessments))}]"


def _candidate(assessment: Assessment) -> str:
    obstacle = f'"{assessment.obstacle.rule}"' if assessment.obstacle else "null"
    key = "null" if assessment.key is None else _ordering(assessment.key, assessment.entitled_ppm)
    return (
        f'{assessment.standing.head},"is_eligible":{_TRUTHS[assessment.obstacle is None]},'
        f'"is_chosen":{_TRUTHS[assessment.is_chosen]},"rank":{assessment.rank or "null"},"obstacle":{obstacle},'
        f'"ordering_key":{key},"verdicts":[{",".join([judged.text for judged in assessment.judged])}]}}'
    )


_TRUTHS = {True: "true", False: "false"}


def _ordering(key: OrderingKey, entitled_ppm: int) -> str:
    last = None if key.last_turn is NEVER else key.last_turn
    return compact(
        {
            "owed_ppm": -key.ahead_ppm - entitled_ppm,
            "entitled_ppm": entitled_ppm,
            "last_assigned_at": last.at.isoformat() if last else None,
            "last_assigned_place": last.place if last else None,
        }
    )
