"""Policies over HTTP and on their pages: read, changed by version, refused where they cannot be."""

from typing import Any

import pytest

from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.identity import Role
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import Floor, Person
from tests.routing.desk import Desk, code_of

PATH = "/admin/routing-policies"
SAM = Person(new_id(), "Sam Reed")


class TestOverHttp:
    async def test_is_changed_by_the_version_that_was_seen(self, desk: Desk) -> None:
        before = await desk.get(f"{PATH}/ordering")
        assert (before["version"], before["policy"]["backlog_per_hour"]) == (1, 5)
        body = {"policy": {"backlog_per_hour": 8}, "version": 1, "reason": "summer"}
        after = await desk.ask("PUT", f"{PATH}/ordering", body)
        assert (after.json()["version"], after.json()["policy"]["most_owed_leads"]) == (2, 3)
        late = await desk.ask("PUT", f"{PATH}/ordering", body | {"policy": {"backlog_per_hour": 9}})
        assert (late.status_code, code_of(late)) == (409, "policy_changed_meanwhile")

    @pytest.mark.parametrize(
        "policy", [{"kinds": 5}, {"fallback_owner_id": "nobody"}, {"kinds": {"no_reason": {}}}, {"stale_hours": 0}]
    )
    async def test_refuses_what_cannot_be(self, desk: Desk, policy: dict[str, Any]) -> None:
        answer = await desk.ask("PUT", f"{PATH}/queue", {"policy": policy, "version": 1, "reason": "a try"})
        assert (answer.status_code, code_of(answer)) == (422, "policy_unreadable")

    async def test_refuses_a_fallback_owner_whom_nobody_knows(self, desk: Desk) -> None:
        body = {"policy": {"fallback_owner_id": str(new_id())}, "version": 1, "reason": "night shift"}
        assert code_of(await desk.ask("PUT", f"{PATH}/queue", body)) == "no_such_operator"

    async def test_returns_are_moneys_too(self, desk: Desk) -> None:
        body = {"policy": {"quota_percent": 10}, "version": 1, "reason": "agreed"}
        assert (await desk.ask("PUT", f"{PATH}/returns", body, role=Role.EDITOR)).status_code == 403
        assert (await desk.ask("PUT", f"{PATH}/returns", body, role=Role.ADMIN)).status_code == 200

    async def test_says_what_becomes_of_what_is_over_the_quota(self, desk: Desk) -> None:
        body = {"policy": {"over_quota": "lose"}, "version": 1, "reason": "agreed"}
        refused = await desk.ask("PUT", f"{PATH}/returns", body, role=Role.ADMIN)
        assert (refused.status_code, code_of(refused)) == (422, "policy_unreadable")
        taken = await desk.ask("PUT", f"{PATH}/returns", body | {"policy": {"over_quota": "deny"}}, role=Role.ADMIN)
        assert taken.json()["policy"]["over_quota"] == "deny"


class TestThePages:
    @pytest.fixture(autouse=True)
    def _signed_in(self, desk: Desk, identity: TestIdentity) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.ADMIN))

    @pytest.mark.parametrize("kind", ["ordering", "queue", "returns"])
    async def test_each_kind_has_one(self, desk: Desk, kind: str) -> None:
        answer = await desk.client.get(f"/console/routing-policies/{kind}")
        assert answer.status_code == 200
        assert "Version 1" in answer.text

    async def test_one_reason_is_changed_and_the_others_stay(self, floor: Floor, desk: Desk) -> None:
        numbers = {"first_retry_minutes": 9, "factor": 3, "budget": 4, "escalate_minutes": 50, "unowned_minutes": 20}
        form = {"csrf": CSRF, "version": 1, "reason": "they answer late", "of": "delivery_failed", **numbers}
        answer = await desk.client.post("/console/routing-policies/queue/care", data=form)
        assert answer.status_code == 303, answer.text
        policy = (await desk.get(f"{PATH}/queue"))["policy"]
        assert policy["kinds"]["delivery_failed"] == numbers
        assert policy["kinds"]["dispatch_failed"]["first_retry_minutes"] == 1
        page = (await desk.client.get("/console/routing-policies/queue")).text
        assert "they answer late" in page
        assert "changed it" in page

    async def test_somebody_gets_what_nobody_takes(self, floor: Floor, desk: Desk) -> None:
        await floor.operator(SAM)
        form = {"csrf": CSRF, "version": 1, "reason": "night", "fallback_owner_id": str(SAM.id), "stale_hours": 24}
        answer = await desk.client.post("/console/routing-policies/queue/keeper", data=form)
        assert answer.status_code == 303, answer.text
        assert "Sam Reed" in (await desk.client.get("/console/routing-policies/queue")).text

    async def test_numbers_are_changed_by_their_form(self, desk: Desk) -> None:
        form = {"csrf": CSRF, "version": 1, "reason": "spring", "most_owed_leads": 4, "backlog_per_hour": 6}
        answer = await desk.client.post(
            "/console/routing-policies/ordering/change", data=form | {"same_person_days": 0}
        )
        assert answer.status_code == 303, answer.text
        assert (await desk.get(f"{PATH}/ordering"))["policy"]["same_person_days"] == 0

    async def test_what_is_over_the_quota_is_chosen_by_its_words(self, desk: Desk) -> None:
        path = "/console/routing-policies/returns"
        before = (await desk.client.get(path)).text
        assert "Waits for an operator, who says why" in before
        assert "Business days are Monday to Friday, public holidays counted." in before
        numbers = {"window_business_days": 5, "quota_percent": 10, "quota_least": 2, "decide_business_days": 5}
        form = {"csrf": CSRF, "version": 1, "reason": "too many come back", "over_quota": "deny", **numbers}
        answer = await desk.client.post(f"{path}/change", data=form)
        assert answer.status_code == 303, answer.text
        assert (await desk.get(f"{PATH}/returns"))["policy"] == numbers | {"over_quota": "deny"}
        page = (await desk.client.get(path)).text
        assert "Is denied at once, and the installer told by mail" in page
        assert "Taken by rule" not in page
