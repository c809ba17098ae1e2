"""A decision as its page tells it: every rule with what it compared, whatever version of the rules wrote it."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.values import InstallerStatus
from services.routing.domain.states import AbsenceKind
from services.routing.domain.windows import Limits
from services.routing.http.lead_views import DecisionView
from services.routing.http.replays import ReplayView
from services.routing.pages.decisions import ToldCandidate, ToldDecision, told
from services.routing.pages.telling import latency
from tests.routing.arrangements import NOW, SHARED, Floor, lead, postcode_range


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
    assert candidate.ordering is not None
    assert (candidate.ordering.value, candidate.ordering.beneath) == ("1.00", "owed 0.00, share 1.00")
    assert marks(decision, candidate) == {
        "Status": ("passed", "Active", "takes leads"),
        "Present": ("passed", "There", "not away"),
        "Service": ("passed", "Offered", "solar battery"),
        "Territory": ("passed", "2000–2234", "range, 2204 NSW"),  # noqa: RUF001  # as print has a range
        "Not twice": ("passed", "0 live", "first time"),
        "Not returned": ("passed", "0 returned", "never gave it back"),
        "No failure": ("passed", "0 ended", "none failed"),
        "Hours": ("passed", "Open", "at all hours"),
        "Credit": ("passed", "Good", "no credit hold"),
        "Delivery": ("passed", "Works", "breaker closed"),
        "Day": ("passed", "0 + 1 of 3", "from 3 Mar"),
        "Week": ("passed", "0 + 1, no cap", "from 2 Mar"),
        "Cycle": ("passed", "0 + 1, no cap", "from 1 Mar"),
        "Pace": ("passed", "Fresh", "did not wait"),
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


async def test_what_is_in_the_way_of_an_installer_for_a_while_says_until_when(floor: Floor) -> None:
    """It is Tuesday, 13:15 in Sydney."""
    held, away = await floor.installer(name="Held"), await floor.installer(name="Away")
    await floor.account(held, credit_hold=True, credit_hold_reason="overdue")
    await floor.changed(held, hours=[[1, 420, 780]])
    await floor.rows_changed(
        "UPDATE delivery_endpoints SET breaker = 'open', opened_at = :now, probe_at = :probe WHERE installer_id = :id",
        now=NOW,
        probe=NOW + timedelta(minutes=30),
        id=held,
    )
    await floor.absence(away, NOW - timedelta(days=1), NOW + timedelta(days=4), AbsenceKind.HOLIDAY)
    decision = await told_of(floor, lead())
    failed = {
        (candidate.name, *mark)
        for candidate in decision.candidates
        for mark in marks(decision, candidate).values()
        if mark[0] == "failed"
    }
    assert failed == {
        ("Away", "failed", "Holiday", "until 7 Mar"),
        ("Held", "failed", "Closed", "13:15, open 7:00 to 13:00, opens 10 Mar"),
        ("Held", "failed", "On hold", "by billing"),
        ("Held", "failed", "Failing", "probe from 13:45"),
    }


async def test_a_decision_by_the_rules_of_before_is_told_as_it_was_ordered_then(floor: Floor) -> None:
    await floor.installer()
    await floor.dispatch(arrived := lead())
    [decision] = await floor.decisions(arrived.lead_id)
    key = {
        "cycle_share_ppm": 125_000,
        "last_assigned_at": None,
        "last_assigned_place": None,
        "tie_break": "d9a284dd462c1201",
    }
    decision.candidates = [{**decision.candidates[0], "ordering_key": key}]
    decision.rule_set_version = "2"
    shown = told(DecisionView.of(decision))
    ordering = shown.candidates[0].ordering
    assert ordering is not None
    assert (ordering.value, ordering.beneath) == ("12.5 % of cycle", "tie d9a284")
    assert not shown.can_be_replayed


def test_a_latency_is_told_in_the_unit_that_fits() -> None:
    assert [latency(ms) for ms in (84, 1_240, 185_000, 9_000_000)] == ["84 ms", "1.2 s", "3 min 5 s", "2 h"]


@pytest.mark.parametrize(("rule_set", "may_be_the_clocks"), [("3", True), ("4", False)])
async def test_a_replay_that_differs_names_the_clocks_where_they_were_not_kept(
    floor: Floor, rule_set: str, may_be_the_clocks: bool
) -> None:
    await floor.installer()
    await floor.dispatch(arrived := lead())
    [decision] = await floor.decisions(arrived.lead_id)
    shown = told(DecisionView.of(decision), ReplayView(is_identical=False, rule_set=rule_set, first_difference="at 41"))
    assert shown.first_difference.startswith("at 41")
    assert ("clocks" in shown.first_difference) is may_be_the_clocks
