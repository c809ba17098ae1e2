"""Experts over HTTP: who is paid, and where the money goes."""

import asyncio
from typing import Any

import pytest

from contracts.identity import Role
from tests.payouts.arrangements import Office
from tests.payouts.counter import Counter, code_of

EXPERT = {"name": "Dr Priya Raman", "email": "priya@experts.example", "stripe_account_id": "acct_1Nexample"}


async def added(counter: Counter, **changes: Any) -> dict[str, Any]:
    answer = await counter.ask("POST", "/admin/experts", json=EXPERT | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


class TestAdd:
    async def test_lists_them(self, counter: Counter) -> None:
        expert = await added(counter)
        listed = (await counter.ask("GET", "/admin/experts")).json()["items"]
        assert [row["id"] for row in listed] == [expert["id"]]

    async def test_any_number_can_be_without_an_account(self, counter: Counter) -> None:
        for name in ("ana", "ben", "cai"):
            expert = await added(counter, email=f"{name}@experts.example", stripe_account_id=None)
            path = f"/admin/experts/{expert['id']}"
            body = EXPERT | {"email": f"{name}@other.example", "stripe_account_id": None, "version": 0}
            assert (await counter.ask("PUT", path, json=body)).status_code == 200

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"stripe_account_id": "acct_another"}, "expert_email_taken"),
            ({"email": "another@experts.example"}, "stripe_account_taken"),
        ],
    )
    async def test_says_which_of_the_two_another_has(self, counter: Counter, change: dict[str, str], code: str) -> None:
        await added(counter)
        answer = await counter.ask("POST", "/admin/experts", json=EXPERT | change)
        assert (answer.status_code, code_of(answer)) == (409, code)

    async def test_at_once_makes_one_and_refuses_the_others(self, counter: Counter) -> None:
        answers = await asyncio.gather(*(counter.ask("POST", "/admin/experts", json=EXPERT) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5

    async def test_all_faults_of_a_body_come_at_once(self, counter: Counter) -> None:
        body = {"name": "", "email": "nobody", "abn": "12", "stripe_account_id": "x", "colour": 1}
        answer = await counter.ask("POST", "/admin/experts", json=body)
        assert answer.status_code == 422
        assert {e["field"] for e in answer.json()["errors"]} == {"name", "email", "abn", "stripe_account_id", "colour"}

    async def test_takes_an_abn_that_its_check_digits_allow(self, counter: Counter) -> None:
        assert (await added(counter, abn="51 824 753 556"))["abn"] == "51824753556"
        answer = await counter.ask("POST", "/admin/experts", json=EXPERT | {"abn": "51824753557"})
        assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [("abn", "abn_invalid")]


class TestChange:
    async def test_goes_by_the_version_that_was_seen(self, counter: Counter) -> None:
        expert = await added(counter)
        path = f"/admin/experts/{expert['id']}"
        changed = await counter.ask("PUT", path, json=EXPERT | {"is_active": False, "version": expert["version"]})
        assert (changed.status_code, changed.json()["is_active"]) == (200, False)
        late = await counter.ask("PUT", path, json=EXPERT | {"name": "Priya", "version": expert["version"]})
        assert (late.status_code, code_of(late)) == (409, "version_conflict")
        assert (await counter.ask("GET", path)).json()["name"] == EXPERT["name"]

    async def test_of_two_at_once_one_is_told(self, counter: Counter) -> None:
        expert = await added(counter)
        path = f"/admin/experts/{expert['id']}"
        bodies = [EXPERT | {"stripe_account_id": f"acct_{n}", "version": expert["version"]} for n in range(4)]
        answers = await asyncio.gather(*(counter.ask("PUT", path, json=body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        (won,) = [answer.json()["stripe_account_id"] for answer in answers if answer.status_code == 200]
        assert (await counter.ask("GET", path)).json()["stripe_account_id"] == won

    async def test_to_what_another_has_is_refused(self, counter: Counter, office: Office) -> None:
        await added(counter)
        other = await added(counter, email="other@experts.example", stripe_account_id="acct_other")
        body = EXPERT | {"email": "other@experts.example", "version": other["version"]}
        answer = await counter.ask("PUT", f"/admin/experts/{other['id']}", json=body)
        assert (answer.status_code, code_of(answer)) == (409, "stripe_account_taken")

    async def test_where_the_money_goes_takes_a_fresh_second_factor(self, counter: Counter) -> None:
        headers = counter.identity.stale_headers(Role.ADMIN)
        answer = await counter.client.post("/admin/experts", json=EXPERT, headers=headers)
        assert (answer.status_code, code_of(answer)) == (403, "step_up_required")
