import pytest
import stripe

from tests.deploy.stripe.rig import Rig


class TestCursorPaging:
    def test_walks_all_pages_newest_first(self, rig: Rig) -> None:
        made = [rig.customer(name=f"Customer {number}").id for number in range(25)]
        first = rig.sdk.v1.customers.list()
        assert (len(first.data), first.has_more, first.url) == (10, True, "/v1/customers")
        walked = [customer.id for customer in rig.sdk.v1.customers.list({"limit": 4}).auto_paging_iter()]
        assert walked == made[::-1]

    def test_walks_backwards(self, rig: Rig) -> None:
        made = [rig.customer().id for _ in range(7)]
        page = rig.sdk.v1.customers.list({"ending_before": made[1], "limit": 3})
        assert [customer.id for customer in page.data] == [made[4], made[3], made[2]]
        assert page.has_more

    def test_a_cursor_survives_the_deletion_of_its_row(self, rig: Rig) -> None:
        made = [rig.customer().id for _ in range(3)]
        rig.sdk.v1.customers.delete(made[1])
        page = rig.sdk.v1.customers.list({"starting_after": made[1]})
        assert [customer.id for customer in page.data] == [made[0]]

    def test_refuses_an_unknown_cursor(self, rig: Rig) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.customers.list({"starting_after": "cus_none"})
        assert (refusal.value.code, refusal.value.param) == ("resource_missing", "starting_after")

    @pytest.mark.parametrize("limit", ["0", "101", "ten"])
    def test_refuses_a_limit_out_of_range(self, rig: Rig, limit: str) -> None:
        assert rig.call("GET", f"/v1/customers?limit={limit}").status_code == 400

    def test_refuses_both_directions_at_once(self, rig: Rig) -> None:
        one = rig.customer().id
        answer = rig.call("GET", f"/v1/customers?starting_after={one}&ending_before={one}")
        assert answer.status_code == 400
