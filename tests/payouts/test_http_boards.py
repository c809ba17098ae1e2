"""Participation rules and allocations over HTTP."""

from tests.payouts.arrangements import Office
from tests.payouts.counter import Counter, code_of


class TestParticipations:
    async def test_name_an_expert_once(self, counter: Counter, office: Office) -> None:
        facts, expert_id = await office.board(), str(await office.expert())
        rule = {"expert_id": expert_id, "kind": "share", "value": 1}
        path = f"/admin/boards/{facts.board_id}/participations"
        answer = await counter.ask("PUT", path, json={"participations": [rule, rule]})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "duplicate")

    async def test_who_gets_how_much_takes_a_fresh_second_factor(self, counter: Counter, office: Office) -> None:
        facts = await office.board()
        answer = await counter.client.put(
            f"/admin/boards/{facts.board_id}/participations",
            json={"participations": []},
            headers=counter.identity.stale_headers(),
        )
        assert (answer.status_code, code_of(answer)) == (403, "step_up_required")

    async def test_mended_let_a_held_board_be_allocated(self, counter: Counter, office: Office) -> None:
        facts, expert_id = await office.board(), str(await office.expert())
        await office.close(facts)
        held = (await counter.ask("GET", "/admin/held-allocations")).json()
        assert [row["held_reason"] for row in held] == ["no_participation"]
        rules = {"participations": [{"expert_id": expert_id, "kind": "share", "value": 1}]}
        await counter.ask("PUT", f"/admin/boards/{facts.board_id}/participations", json=rules)
        done = await counter.ask("POST", f"/admin/boards/{facts.board_id}/allocate")
        assert (done.status_code, done.json()["payouts"][0]["amount_cents"]) == (200, 70_000)
