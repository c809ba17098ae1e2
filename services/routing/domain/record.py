"""A decision as it is kept: plain values that read the same in ten years, whatever became of the code."""

from collections.abc import Mapping

from services.routing.domain.decision import Assessment, Decision
from services.routing.domain.eligibility import Verdict
from services.routing.domain.ordering import OrderingKey

Plain = dict[str, object]


def candidates_of(decision: Decision) -> list[Plain]:
    """Every candidate with its verdicts, the eligible first and in their order."""
    return [_candidate(assessment) for assessment in decision.assessments]


def _candidate(assessment: Assessment) -> Plain:
    candidate = assessment.standing.candidate
    return {
        "installer_id": str(candidate.id),
        "installer_name": candidate.name,
        "installer_version": candidate.version,
        "is_eligible": assessment.obstacle is None,
        "is_chosen": assessment.is_chosen,
        "rank": assessment.rank,
        "obstacle": assessment.obstacle.rule if assessment.obstacle else None,
        "ordering_key": _ordering(assessment.key) if assessment.key else None,
        "verdicts": [_verdict(verdict) for verdict in assessment.verdicts],
    }


def _ordering(key: OrderingKey) -> Plain:
    never = key.last_turn.at.year == 1
    return {
        "cycle_share_ppm": key.share_ppm,
        "last_assigned_at": None if never else key.last_turn.at.isoformat(),
        "last_assigned_place": None if never else key.last_turn.place,
        "tie_break": f"{key.tie_break:016x}",
    }


def _verdict(verdict: Verdict) -> Plain:
    compared: Mapping[str, object] = verdict.compared
    plain: Plain = {
        "rule": verdict.rule,
        "passed": verdict.passed,
        "reason_code": verdict.reason_code,
        "compared": compared,
    }
    return {**plain, "is_waived": True} if verdict.is_waived else plain
