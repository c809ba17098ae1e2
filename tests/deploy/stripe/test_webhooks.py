import pytest
import stripe

from tests.deploy.stripe.rig import CONNECT_SECRET, PLATFORM_SECRET, Delivered, Rig


def _verified(delivery: Delivered, secret: str) -> stripe.Event:
    event = stripe.Webhook.construct_event(delivery.body, delivery.signature, secret)
    assert isinstance(event, stripe.Event)
    return event


class TestSigning:
    def test_the_sdk_verifies_what_arrives(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        (delivery,) = rig.mailbox.wait_for(1, "invoice.finalized")
        event = _verified(delivery, PLATFORM_SECRET)
        assert event.api_version == stripe.api_version
        assert event.data.object["id"] == invoice.id
        assert event.data.object["status"] == "open"
        assert event.request is not None
        assert event.request.id is not None

    def test_the_sdk_verifies_it_however_far_business_time_has_moved(self, rig: Rig) -> None:
        rig.move_clock(days=40)
        customer = rig.customer()
        (delivery,) = rig.mailbox.wait_for(1, "customer.created")
        assert _verified(delivery, PLATFORM_SECRET).created == customer.created

    def test_another_secret_does_not_verify(self, rig: Rig) -> None:
        rig.customer()
        (delivery,) = rig.mailbox.wait_for(1)
        with pytest.raises(stripe.SignatureVerificationError):
            _verified(delivery, CONNECT_SECRET)

    def test_a_changed_body_does_not_verify(self, rig: Rig) -> None:
        rig.customer()
        (delivery,) = rig.mailbox.wait_for(1)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(delivery.body + b" ", delivery.signature, PLATFORM_SECRET)


class TestEndpoints:
    def test_what_happens_on_a_connected_account_goes_to_the_connect_endpoint(self, rig: Rig) -> None:
        expert = rig.expert()
        rig.control(f"accounts/{expert.id}/capability", status="inactive", disabled_reason="requirements.past_due")
        (delivery,) = rig.mailbox.wait_for(1, "capability.updated")
        event = _verified(delivery, CONNECT_SECRET)
        assert delivery.path == "/connect"
        assert event.account == expert.id
        assert event.data.object["status"] == "inactive"
        rig.customer()
        assert rig.mailbox.wait_for(1, "customer.created")[0].path == "/platform"

    def test_one_made_over_the_api_hears_what_it_asked_for(self, rig: Rig) -> None:
        endpoint = rig.sdk.v1.webhook_endpoints.create(
            {"url": f"{rig.mailbox.url}/third", "enabled_events": ["tax_rate.created"]}
        )
        assert endpoint.secret is not None
        rig.customer()
        rig.gst()
        (third,) = [one for one in rig.mailbox.wait_for(2, "tax_rate.created") if one.path == "/third"]
        assert _verified(third, endpoint.secret).type == "tax_rate.created"
        listed = rig.sdk.v1.webhook_endpoints.list().data
        assert listed[0].id == endpoint.id
        assert getattr(listed[0], "secret", None) is None
        assert rig.sdk.v1.webhook_endpoints.delete(endpoint.id).deleted

    def test_one_can_be_added_by_the_control_route(self, rig: Rig) -> None:
        rig.control("webhooks/endpoints", url=f"{rig.mailbox.url}/late", secret="whsec_late")
        rig.customer()
        (late,) = [one for one in rig.mailbox.wait_for(2, "customer.created") if one.path == "/late"]
        assert _verified(late, "whsec_late").type == "customer.created"

    def test_an_empty_secret_is_refused(self, rig: Rig) -> None:
        url = f"{rig.url}/_control/webhooks/endpoints"
        assert rig.http.post(url, json={"url": rig.mailbox.url, "secret": ""}).status_code == 400


class TestDelivery:
    def test_is_tried_again_until_it_is_taken(self, rig: Rig) -> None:
        rig.mailbox.refusals_left = 3
        customer = rig.customer()
        deliveries = rig.mailbox.wait_for(4, "customer.created")
        assert {one.event["id"] for one in deliveries} == {deliveries[0].event["id"]}
        assert deliveries[-1].event["data"]["object"]["id"] == customer.id
        rig.until(lambda: rig.state()["events_undelivered"] == 0)

    def test_keeps_the_order_in_which_things_happened(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay")
        rig.mailbox.wait_for(1, "invoice.payment_succeeded")
        types = [type_ for type_ in rig.mailbox.types() if type_.startswith("invoice.")]
        assert types == [
            "invoice.created",
            "invoice.updated",
            "invoice.finalized",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
        ]

    def test_delivers_each_as_often_as_it_is_told(self, rig: Rig) -> None:
        rig.control("webhooks/duplicate", copies=3)
        rig.customer()
        deliveries = rig.mailbox.wait_for(3, "customer.created")
        rig.wait_for_deliveries()
        assert len(rig.mailbox.types()) == 3
        assert len({one.event["id"] for one in deliveries}) == 1

    def test_holds_them_and_lets_them_go_in_reverse(self, rig: Rig) -> None:
        rig.control("webhooks/pause")
        customers = [rig.customer() for _ in range(3)]
        assert rig.state()["webhooks"]["held"] == 3
        assert rig.mailbox.types() == []
        assert rig.control("webhooks/resume", order="reverse")["released"] == 3
        arrived = [one.event["data"]["object"]["id"] for one in rig.mailbox.wait_for(3)]
        assert arrived == [customer.id for customer in reversed(customers)]

    def test_holds_them_and_lets_them_go_as_they_happened(self, rig: Rig) -> None:
        rig.control("webhooks/pause")
        customers = [rig.customer() for _ in range(3)]
        rig.control("webhooks/resume")
        arrived = [one.event["data"]["object"]["id"] for one in rig.mailbox.wait_for(3)]
        assert arrived == [customer.id for customer in customers]

    def test_a_webhook_may_come_before_the_answer(self, rig: Rig) -> None:
        rig.control("faults", fault="lost_answer", path="/v1/customers")
        with pytest.raises(stripe.APIConnectionError):
            rig.sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
        (delivery,) = rig.mailbox.wait_for(1, "customer.created")
        assert delivery.event["request"]["idempotency_key"] == "k"


class TestDropping:
    def test_what_was_dropped_is_listed_as_undelivered(self, rig: Rig) -> None:
        rig.control("webhooks/drop")
        lost = rig.customer()
        rig.control("webhooks/resume")
        rig.gst()
        rig.mailbox.wait_for(1, "tax_rate.created")
        rig.wait_for_deliveries()
        (event,) = rig.sdk.v1.events.list({"delivery_success": False}).data
        assert event.data.object["id"] == lost.id
        assert event.pending_webhooks == 1
        assert "customer.created" not in rig.mailbox.types()

    def test_resending_brings_it(self, rig: Rig) -> None:
        rig.control("webhooks/drop")
        rig.customer()
        rig.control("webhooks/resume")
        (event,) = rig.sdk.v1.events.list({"delivery_success": False}).data
        assert rig.control("webhooks/resend", event=event.id, copies=2) == {"endpoints": 1, "copies": 2}
        rig.mailbox.wait_for(2, "customer.created")
        rig.until(lambda: rig.sdk.v1.events.list({"delivery_success": False}).data == [])

    def test_ends_by_itself_when_it_was_for_a_while(self, rig: Rig) -> None:
        rig.control("webhooks/drop", seconds=0.1)
        rig.until(lambda: not rig.look("webhooks")["dropping"])
        rig.customer()
        rig.mailbox.wait_for(1, "customer.created")
