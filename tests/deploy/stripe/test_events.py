import pytest
import stripe

from tests.deploy.stripe.rig import Rig


class TestRetrieveEvent:
    def test_is_a_snapshot_of_its_instant(self, rig: Rig) -> None:
        customer = rig.customer()
        rig.sdk.v1.customers.update(customer.id, {"name": "Renamed Pty Ltd"})
        updated, created = rig.sdk.v1.events.list().data
        assert rig.sdk.v1.events.retrieve(created.id).data.object["name"] == "Sunny Roofs Pty Ltd"
        assert updated.data.object["name"] == "Renamed Pty Ltd"
        assert updated.data.previous_attributes is not None
        assert updated.data.previous_attributes["name"] == "Sunny Roofs Pty Ltd"

    def test_is_gone_after_30_days(self, rig: Rig) -> None:
        rig.customer()
        (event,) = rig.sdk.v1.events.list().data
        rig.move_clock(days=30)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.events.retrieve(event.id)
        assert refusal.value.code == "resource_missing"


class TestListEvents:
    def test_filters_by_type_types_and_wildcard(self, rig: Rig) -> None:
        rig.issued(10_000)
        by_type = rig.sdk.v1.events.list({"type": "invoice.finalized"}).data
        by_types = rig.sdk.v1.events.list({"types": ["customer.created", "invoice.created"]}).data
        by_wildcard = rig.sdk.v1.events.list({"type": "invoice.*"}).data
        assert [event.type for event in by_type] == ["invoice.finalized"]
        assert [event.type for event in by_types] == ["invoice.created", "customer.created"]
        assert [event.type for event in by_wildcard] == ["invoice.finalized", "invoice.updated", "invoice.created"]

    def test_pages_both_ways(self, rig: Rig) -> None:
        for _ in range(7):
            rig.customer()
        all_ids = [event.id for event in rig.sdk.v1.events.list({"limit": 100}).data]
        paged = [event.id for event in rig.sdk.v1.events.list({"limit": 3}).auto_paging_iter()]
        assert paged == all_ids
        before = rig.sdk.v1.events.list({"ending_before": all_ids[5], "limit": 2}).data
        assert [event.id for event in before] == all_ids[3:5]

    def test_an_accounts_events_need_its_header(self, rig: Rig) -> None:
        expert = rig.expert()
        assert rig.sdk.v1.events.list().data == []
        theirs = rig.sdk.v1.events.list(options={"stripe_account": expert.id}).data
        assert [event.type for event in theirs] == ["account.updated"]
