"""A decision as its page tells it: every rule with what it compared, whatever version of the rules wrote it."""

from typing import Any

from contracts.values import InstallerStatus
from services.routing.domain.windows import Limits
from services.routing.http.lead_views import DecisionView
from services.routing.pages.decisions import ToldCandidate, ToldDecision, told
from services.routing.pages.telling import latency
from tests.routing.arrangements import SHARED, Floor, lead, postcode_range


async def told_of(floor: Floor, *arrived: Any) -> ToldDecision:
    await floor.dispatch(*arrived)
    [decision] = await floor.decisions(arrived[-1].lead_id)
    return told(DecisionView.of(decision))


def marks(decision: ToldDecision, candidate: ToldCandidate) -> dict[str, tuple[str, str, str]]:
    return {
        rule.title: (mark.state, mark.value, mark.beneath)
        for rule, mark in zip(decision.rules, candidate.marks, strict=True)
        if mark is not None
    }


async def test_a_chosen_candidate_shows_what_each_rule_compared(floor: Floor) -> None:
    await floor.installer(Limits(day=3), territory=postcode_range("2000", "2234"))
    await floor.dispatch(lead())
    decision = await told_of(floor, lead())
    [candidate] = decision.candidates
    assert (candidate.outcome, candidate.rank, candidate.is_chosen) == ("Chosen", "1", True)
    assert marks(decision, candidate) == {
        "Status": ("passed", "Active", "takes leads"),
        "Service": ("passed", "Offered", "solar battery"),
        "Territory": ("passed", "2000–2234", "range, 2204 NSW"),  # noqa: RUF001  # as print has a range
        "Not twice": ("passed", "0 live", "first time"),
        "No failure": ("passed", "0 ended", "none failed"),
        "Day": ("passed", "0 + 1 of 3", "from 3 Mar"),
        "Week": ("passed", "0 + 1, no cap", "from 2 Mar"),
        "Cycle": ("passed", "0 + 1, no cap", "from 1 Mar"),
    }


async def test_all_that_is_in_the_way_is_marked_and_counted(floor: Floor) -> None:
    await floor.installer(Limits(day=0), status=InstallerStatus.PAUSED, services=("heat-pump",))
    decision = await told_of(floor, lead(SHARED))
    [candidate] = decision.candidates
    failed = {rule: mark for rule, mark in marks(decision, candidate).items() if mark[0] == "failed"}
    assert failed == {
        "Status": ("failed", "Paused", "takes no leads"),
        "Service": ("failed", "Not offered", "solar battery; offers heat pump"),
        "Day": ("failed", "0 of 0", "full, from 3 Mar"),
    }
    assert {rule.title for rule in decision.rules if rule.failed} == set(failed)
    assert (candidate.outcome, candidate.ordering) == ("Not eligible", None)
    assert ("Why not more", "Nobody is eligible") in decision.facts


async def test_what_another_version_of_the_rules_compared_is_told_as_it_stands(floor: Floor) -> None:
    await floor.installer()
    await floor.dispatch(arrived := lead())
    [decision] = await floor.decisions(arrived.lead_id)
    verdicts = [
        {"rule": "hours", "passed": False, "reason_code": "closed_now", "compared": {"opens": "08:00"}},
        {"rule": "cap_day", "passed": True, "reason_code": "below_cap", "compared": {"share": 3}},
    ]
    decision.candidates = [{**decision.candidates[0], "verdicts": verdicts}]
    shown = told(DecisionView.of(decision))
    assert marks(shown, shown.candidates[0]) == {
        "Hours": ("failed", "Opens 08:00", "Closed now"),
        "Day": ("passed", "Share 3", "Below cap"),
    }


def test_a_latency_is_told_in_the_unit_that_fits() -> None:
    assert [latency(ms) for ms in (84, 1_240, 185_000, 9_000_000)] == ["84 ms", "1.2 s", "3 min 5 s", "2 h"]
